/** Rules that network/k8s keeps so that OPI could merge it (opi: conventions), and soft-xpu's own package with it. */
import { expect } from 'chai';
import protobuf from 'protobufjs';
import { elementsOf, loadOpiProtos, optionsOf, protoFiles, protoText } from './proto-root.js';

const K8S = 'opi_api.network.k8s.v1alpha1';
const BEHAVIOUR = '(google.api.field_behavior)';
const REFERENCE = '(google.api.resource_reference)';
const RESOURCE = '(google.api.resource)';

describe('proto lint', () => {
  const root = loadOpiProtos();
  const k8s = elementsOf(root.lookup(K8S) as protobuf.Namespace);
  const own = [...k8s, ...elementsOf(root.lookup('calico_xpu') as protobuf.Namespace)];
  const messages = k8s.filter((each) => each instanceof protobuf.Type);
  const enums = k8s.filter((each) => each instanceof protobuf.Enum);
  const services = k8s.filter((each) => each instanceof protobuf.Service);
  const methods = services.flatMap((service) => service.methodsArray);
  const fields = messages.flatMap((message) => message.fieldsArray);
  const resources = messages.filter((message) => optionsOf(message, RESOURCE).length > 0);

  it('has a licence, a package and the language options in every file', () => {
    for (const path of protoFiles('network/k8s')) {
      const text = protoText(path);
      expect(text, path).to.match(
        /^\/\/ SPDX-License-Identifier: Apache-2\.0\n\nsyntax = "proto3";\n/,
      );
      expect(text, path).to.include(`package ${K8S};`);
      expect(text, path).to.include('github.com/opiproject/opi-api/network/k8s/v1alpha1/gen/go');
      for (const option of ['multiple_files = true', 'outer_classname = ', 'package = ']) {
        expect(text, path).to.include(`option java_${option}`);
      }
      expect(
        text.split('\n').filter((line) => line.length > 120),
        path,
      ).to.deep.equal([]);
    }
  });

  it('comments on every element with whole sentences', () => {
    expect(own.flatMap(uncommented)).to.deep.equal([]);
  });

  it('documents the errors of every method', () => {
    const silent = methods.filter(({ comment }) => !(comment ?? '').includes('rrors'));
    expect(silent.map(({ fullName }) => fullName)).to.deep.equal([]);
  });

  it('prefixes enum values with the enum name and begins with UNSPECIFIED', () => {
    for (const each of enums) {
      const prefix = `${upperSnake(each.name)}_`;
      expect(each.values[`${prefix}UNSPECIFIED`], each.name).to.equal(0);
      for (const value of Object.keys(each.values))
        expect(value).to.match(new RegExp(`^${prefix}`));
      expect(new Set(Object.values(each.values)).size).to.equal(Object.keys(each.values).length);
    }
  });

  it('names fields in lower snake and numbers them from 1 without gaps or repeats', () => {
    for (const { fieldsArray, fullName, reserved } of messages) {
      const reservedIds = (reserved ?? []).flatMap((each) => (Array.isArray(each) ? each : []));
      const ids = [...fieldsArray.map(({ id }) => id), ...new Set(reservedIds)];
      expect(
        ids.toSorted((a, b) => a - b),
        fullName,
      ).to.deep.equal(ids.map((_, index) => index + 1));
      for (const { name } of fieldsArray) expect(name).to.match(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    }
  });

  it('uses no unsigned integers, and counts end in _count', () => {
    const unsigned = fields.filter(
      ({ type }) => /^u?int|^fixed/.test(type) && type.startsWith('u'),
    );
    expect(unsigned.map(({ fullName }) => fullName)).to.deep.equal([]);
    const counts = fields.filter(({ name }) => /^(num|number)_|_number$/.test(name));
    expect(counts.map(({ fullName }) => fullName)).to.deep.equal([]);
  });

  it('names requests and answers after their methods', () => {
    for (const { name, requestType, responseType } of methods) {
      expect(requestType, name).to.equal(`${name}Request`);
      const resource = name.replace(/^(Create|Update|Get)/, '');
      const answers = [`${name}Response`, resource];
      if (name.startsWith('Delete')) answers.push('google.protobuf.Empty');
      expect(answers, name).to.include(responseType);
    }
  });

  it('gives resources name, spec and status with their behaviour and annotation', () => {
    expect(resources.map(({ name }) => name).sort()).to.deep.equal([
      'AddressGroup',
      'K8sCapabilities',
      'NetworkPolicy',
      'PolicyBinding',
    ]);
    for (const resource of resources) {
      const told = resource.fieldsArray.map(
        (field) => `${field.id} ${field.name} ${optionsOf(field, BEHAVIOUR).join()}`,
      );
      const readOnly = resource.name === 'K8sCapabilities';
      const spec = readOnly ? [] : ['2 spec REQUIRED'];
      expect(told).to.deep.equal(['1 name IDENTIFIER', ...spec, '3 status OUTPUT_ONLY']);
      const [annotation] = optionsOf(resource, RESOURCE) as Record<string, string>[];
      expect(annotation).to.include({
        type: `${K8S}/${resource.name}`,
        singular: lowerFirst(resource.name),
      });
      const pattern = readOnly
        ? annotation!['plural']
        : `${annotation!['plural']}/{${snake(resource.name)}}`;
      expect(annotation!['pattern']).to.equal(pattern);
    }
  });

  it('numbers the fields of standard methods as OPI does', () => {
    for (const resource of resources.filter(({ name }) => name !== 'K8sCapabilities')) {
      const field = snake(resource.name);
      const plural = snake((optionsOf(resource, RESOURCE)[0] as { plural: string }).plural);
      const numbered = (name: string): string[] =>
        root.lookupType(`${K8S}.${name}`).fieldsArray.map(({ id, name: each }) => `${id} ${each}`);
      const lists = upperFirst(camel(plural));
      expect(numbered(`Create${resource.name}Request`).slice(0, 2)).to.deep.equal([
        `1 ${field}_id`,
        `2 ${field}`,
      ]);
      expect(numbered(`Update${resource.name}Request`)).to.deep.equal([
        `1 ${field}`,
        '2 update_mask',
        '3 allow_missing',
      ]);
      expect(numbered(`Delete${resource.name}Request`)).to.deep.equal([
        '1 name',
        '2 allow_missing',
      ]);
      expect(numbered(`Get${resource.name}Request`)).to.deep.equal(['1 name']);
      expect(numbered(`List${lists}Request`)).to.deep.equal(['1 page_size', '2 page_token']);
      expect(numbered(`List${lists}Response`)).to.deep.equal([`1 ${plural}`, '2 next_page_token']);
    }
  });

  it('states the behaviour of every request and spec field, and the type of every reference', () => {
    const wanted = messages.filter(({ name }) => /(Request|Spec|Status)$/.test(name));
    const unstated = wanted.flatMap(({ fieldsArray }) =>
      fieldsArray.filter(
        (field) => optionsOf(field, BEHAVIOUR).length === 0 && field.partOf === null,
      ),
    );
    expect(unstated.map(({ fullName }) => fullName)).to.deep.equal([]);
    const references = fields.filter(
      ({ name, parent }) => /_name_refs?$/.test(name) && parent?.name !== 'PacketDecision',
    );
    const untyped = references.filter(
      (field) =>
        optionsOf(field, REFERENCE).length +
          (field.options?.[`${REFERENCE}.type`] === undefined ? 0 : 1) ===
        0,
    );
    expect(untyped.map(({ fullName }) => fullName)).to.deep.equal([]);
  });

  it('binds every method to HTTP', () => {
    const unbound = methods.filter(
      (method) =>
        !/\(google\.api\.http\)/.test(JSON.stringify([method.options, method.parsedOptions])),
    );
    expect(unbound.map(({ fullName }) => fullName)).to.deep.equal([]);
  });
});

function uncommented(element: protobuf.ReflectionObject): string[] {
  const members = [element.comment ?? ''].map((comment) => [element.fullName, comment]);
  if (element instanceof protobuf.Type) {
    for (const field of element.fieldsArray) members.push([field.fullName, field.comment ?? '']);
  }
  if (element instanceof protobuf.Enum) {
    for (const name of Object.keys(element.values)) {
      members.push([`${element.fullName}.${name}`, element.comments[name] ?? '']);
    }
  }
  if (element instanceof protobuf.Service) {
    for (const method of element.methodsArray)
      members.push([method.fullName, method.comment ?? '']);
  }
  if (
    element instanceof protobuf.Namespace &&
    !(element instanceof protobuf.Type || element instanceof protobuf.Service)
  )
    return [];
  return members
    .filter(([, comment]) => !/^([A-Z`[]|vNIC|gRPC)[\s\S]*[.)]$/.test(comment!.trim()))
    .map(([name]) => name!);
}

function upperSnake(name: string): string {
  return snake(name).toUpperCase();
}

function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
