/** opi-proto/network/{opinetcommon,cloud} says exactly what OPI's wire says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import protobuf from 'protobufjs';
import { elementsOf, loadOpiProtos, optionsOf } from './proto-root.js';

const PACKAGES: Readonly<Record<string, string>> = {
  common: 'opi_api.network.opinetcommon.v1alpha1',
  cloud: 'opi_api.network.cloud.v1alpha1',
};

const FIXTURE = readFileSync(join(import.meta.dirname, 'wire-numbers.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

describe('transcription of OPI', () => {
  const root = loadOpiProtos();
  const ours = Object.keys(PACKAGES).flatMap((short) => linesOf(root, short));

  it('has every message, field, enum and method of the fixture, number for number', () => {
    const missing = FIXTURE.filter((line) => !ours.includes(line));
    expect(missing).to.deep.equal([]);
  });

  it('has nothing beside them', () => {
    const surplus = ours.filter((line) => !FIXTURE.includes(line));
    expect(surplus).to.deep.equal([]);
  });

  it('keeps the frozen typos', () => {
    const text = ours.join('\n');
    for (const typo of [
      'ingess_v4_security_policy_name_ref',
      'tcp_dorp_timeout',
      'routing_capabilties',
    ]) {
      expect(text).to.include(`:${typo}:`);
    }
  });
});

function linesOf(root: protobuf.Root, short: string): string[] {
  const namespace = root.lookup(PACKAGES[short]!) as protobuf.Namespace;
  return elementsOf(namespace).flatMap((element) => {
    const name = element.fullName.slice(namespace.fullName.length + 1);
    if (element instanceof protobuf.Type) return [messageLine(element, short, name)];
    if (element instanceof protobuf.Enum) return [enumLine(element, short, name)];
    if (element instanceof protobuf.Service) return rpcLines(element, short, name);
    throw new Error(`unexpected ${element.fullName}`);
  });
}

function messageLine(type: protobuf.Type, short: string, name: string): string {
  return ['message', short, name, ...type.fieldsArray.map((field) => fieldText(field, short))].join(
    ' ',
  );
}

function fieldText(field: protobuf.Field, short: string): string {
  const star = field.repeated ? '*' : '';
  const oneof = field.partOf === null ? '' : `:${field.partOf.name}`;
  const behaviour = optionsOf(field, '(google.api.field_behavior)').map(
    (each) => `!${String(each)}`,
  );
  return `${field.id}:${field.name}:${star}${typeText(field, short)}${oneof}${behaviour.join('')}`;
}

function typeText(field: protobuf.Field, short: string): string {
  const full = field.resolvedType?.fullName.slice(1);
  if (full === undefined) return field.type;
  const [owner, name] = Object.entries(PACKAGES)
    .filter(([, prefix]) => full.startsWith(`${prefix}.`))
    .map(([each, prefix]) => [each, full.slice(prefix.length + 1)])[0] ?? ['', full];
  return owner === short || owner === '' ? name! : `${owner}.${name}`;
}

function enumLine(type: protobuf.Enum, short: string, name: string): string {
  const values = Object.entries(type.values).map(([value, number]) => `${number}:${value}`);
  return ['enum', short, name, ...values].join(' ');
}

function rpcLines(service: protobuf.Service, short: string, name: string): string[] {
  const last = (full: string): string => full.replace(/^opi_api\..*\./, '');
  return service.methodsArray.map((method) =>
    ['rpc', short, name, method.name, last(method.requestType), last(method.responseType)].join(
      ' ',
    ),
  );
}
