/** The client's side of network/k8s: probing, batches, memberships, uploads. */
import { expect } from 'chai';
import { status } from '@grpc/grpc-js';
import { encodeCapabilities } from '../../../src/opi/codec/capabilities.js';
import { encodeMember } from '../../../src/opi/codec/members.js';
import type { ObjectKey } from '../../../src/opi/objects/key.js';
import type { OpiObject } from '../../../src/opi/objects/specs.js';
import type { BatchOperation } from '../../../src/opi/objects/target.js';
import { failure, type Message } from './scripted-server.js';
import { refused, withServer } from './setup.js';

const GROUP: ObjectKey<'addressGroup'> = { kind: 'addressGroup', id: 'g' };

function group(id = 'g'): OpiObject<'addressGroup'> {
  return { key: { kind: 'addressGroup', id }, spec: { memberType: 'PREFIX' } };
}

function policy(prefixes: readonly string[] = []): OpiObject<'networkPolicy'> {
  const side = {
    prefixes,
    notPrefixes: [],
    groups: [GROUP],
    notGroups: [],
    ports: [],
    namedPortGroups: [],
    notPorts: [],
    notNamedPortGroups: [],
  };
  const match = {
    source: side,
    destination: { ...side, prefixes: [], groups: [] },
    ipPortGroups: [],
  };
  const rule = { ruleId: 'r', action: 'ALLOW', match } as const;
  return {
    key: { kind: 'networkPolicy', id: 'y' },
    spec: { ingressRules: [rule], egressRules: [] },
  };
}

describe('OPI client: probing', () => {
  const told = {
    bootId: 'boot-1',
    limits: { vnic: 64, groupMembers: 1000 },
    features: ['flow_flush'],
  };

  it(
    'finds the extension with its boot id, limits and features',
    withServer(async (server, target) => {
      server.script('GetK8sCapabilities', encodeCapabilities(told));
      const compact = { network_policy_capabilities: { compact_rules: true } };
      server.script('GetDeviceCapabilities', compact);
      expect(await target.probe()).to.deep.equal({ level: 'native', compactRules: true, ...told });
      expect(server.requests('GetK8sCapabilities')).to.deep.equal([{ name: 'k8sCapabilities' }]);
    }),
  );

  it(
    'takes a server that has neither for plain, without lists in rules',
    withServer(async (_, target) => {
      expect(await target.probe()).to.deep.equal({
        level: 'plain',
        compactRules: false,
        limits: {},
        features: [],
      });
    }),
  );

  it(
    'leaves out features that it does not know',
    withServer(async (server, target) => {
      const message = encodeCapabilities(told) as { status: Message } & Message;
      message.status['features'] = [6, 77];
      server.script('GetK8sCapabilities', message);
      expect((await target.probe()).features).to.deep.equal(['flow_flush']);
    }),
  );

  it(
    'does not trust an extension without a boot id, nor takes silence for a plain server',
    withServer(async (server, target) => {
      server.script('GetK8sCapabilities', { name: 'k8sCapabilities' });
      await refused(target.probe(), 'UNKNOWN');
      server.script('GetK8sCapabilities', failure(status.UNAVAILABLE));
      await refused(target.probe(), 'UNAVAILABLE');
    }),
  );
});

describe('OPI client: batches', () => {
  const answerAll = (request: Message): Message => ({
    results: (request['operations'] as Message[]).map(() => ({ name: '' })),
  });

  it(
    'sends every kind of operation in one call, in order',
    withServer(async (server, target) => {
      server.on('ApplyBatch', answerAll);
      await target.applyBatch([
        { op: 'create', object: group(), members: ['10.0.0.0/8'] },
        { op: 'update', object: policy() },
        { op: 'modifyMembers', key: GROUP, added: ['10.0.0.1/32'], removed: ['fd00::/8'] },
        { op: 'replaceMembers', key: GROUP, uploadToken: 't' },
        { op: 'delete', key: { kind: 'policyBinding', id: 'b' } },
      ]);
      expect(server.methods).to.deep.equal(['ApplyBatch']);
      const operations = server.requests('ApplyBatch')[0]!['operations'] as Message[];
      expect(operations.map((each) => each['operation'])).to.deep.equal([
        'create_address_group',
        'update_network_policy',
        'modify_address_group_members',
        'replace_address_group_members',
        'delete_policy_binding',
      ]);
      const [create, , modify, replace, remove] = operations as [
        Message,
        Message,
        Message,
        Message,
        Message,
      ];
      expect(create['create_address_group']).to.deep.include({ address_group_id: 'g' });
      expect(modify['modify_address_group_members']).to.include({ name: 'addressGroups/g' });
      expect(replace['replace_address_group_members']).to.include({ upload_token: 't' });
      expect(remove['delete_policy_binding']).to.deep.equal({
        name: 'policyBindings/b',
        allow_missing: true,
      });
    }),
  );

  it(
    'sends nothing for an empty batch',
    withServer(async (server, target) => {
      await target.applyBatch([]);
      expect(server.received).to.deep.equal([]);
    }),
  );

  it(
    'names the operation that the server refused, counted as the caller counts',
    withServer(async (server, target) => {
      const details = 'operations[3]: address group "g" is missing';
      server.script('ApplyBatch', failure(status.FAILED_PRECONDITION, details));
      const batch: BatchOperation[] = [
        { op: 'update', object: group('a'), members: ['10.0.0.0/8'] },
        { op: 'update', object: group('b'), members: [] },
        { op: 'create', object: policy() },
      ];
      // Spec and membership of the first two are two wire operations each: 3 is the second one's membership.
      const error = await refused(target.applyBatch(batch), 'PRECONDITION');
      expect(error.operation).to.equal(1);
      expect(error.message.match(/ApplyBatch/g)).to.have.length(1);
    }),
  );

  it(
    'names the operation that cannot be written, before anything is sent',
    withServer(async (server, target) => {
      const batch: BatchOperation[] = [
        { op: 'create', object: group() },
        { op: 'create', object: policy(['10.0.0.0/33']) },
      ];
      const error = await refused(target.applyBatch(batch), 'INVALID');
      expect(error.operation).to.equal(1);
      expect(error.message).to.include('spec.ingress_rules[0].match.source.prefixes[0]');
      expect(server.received).to.deep.equal([]);
    }),
  );

  it(
    'repeats a batch whose answer got lost, unless it used an upload',
    withServer(async (server, target) => {
      const lost = failure(status.UNAVAILABLE);
      server.script('ApplyBatch', lost, { results: [] });
      await target.applyBatch([{ op: 'create', object: group() }]);
      expect(server.requests('ApplyBatch')).to.have.length(2);
      server.script('ApplyBatch', lost);
      const swap: BatchOperation = { op: 'replaceMembers', key: GROUP, uploadToken: 't' };
      await refused(target.applyBatch([swap]), 'UNAVAILABLE');
      expect(server.requests('ApplyBatch')).to.have.length(3);
    }),
  );

  it(
    'refers to objects of the batch by the names that earlier batches returned',
    withServer(async (server, target) => {
      server.script('ApplyBatch', { results: [{ name: 'opi/addressGroups/g' }] });
      await target.applyBatch([{ op: 'create', object: group() }]);
      await target.applyBatch([{ op: 'create', object: policy() }]);
      const sent = JSON.stringify(server.requests('ApplyBatch')[1]);
      expect(sent).to.include('"group_name_refs":["opi/addressGroups/g"]');
    }),
  );
});

describe('OPI client: memberships', () => {
  it(
    'uploads in pieces under one token, none larger than it may be',
    withServer(
      async (server, target) => {
        const sizes: number[] = [];
        server.on('UploadAddressGroupMembers', (request) => {
          const members = request['members'] as Message[];
          sizes.push(members.length);
          return { upload_token: 'token' };
        });
        const members = Array.from({ length: 250 }, (_, n) => `10.0.${n}.0/24`);
        expect(await target.uploadMembers(GROUP, members)).to.equal('token');
        // 900 bytes hold a hundred IPv4 members of 9 bytes.
        expect(sizes).to.deep.equal([100, 100, 50]);
        const tokens = server
          .requests('UploadAddressGroupMembers')
          .map((each) => each['upload_token']);
        expect(tokens).to.deep.equal(['', 'token', 'token']);
      },
      { pieceBytesMax: 900 },
    ),
  );

  it(
    'uploads an empty membership too',
    withServer(async (server, target) => {
      server.script('UploadAddressGroupMembers', { upload_token: 'token' });
      expect(await target.uploadMembers(GROUP, [])).to.equal('token');
      expect(server.received).to.have.length(1);
    }),
  );

  it(
    'reads all pages, and begins again when the group changed meanwhile',
    withServer(async (server, target) => {
      const page = (texts: readonly string[], token: string): Message => ({
        members: texts.map((text) => encodeMember(text)),
        next_page_token: token,
      });
      server.script(
        'FetchAddressGroupMembers',
        page(['10.0.0.1/32'], 'next'),
        failure(status.ABORTED),
        failure(status.ABORTED),
        failure(status.ABORTED),
        page(['10.0.0.2/32', 'fd00::1/128'], 'next'),
        page(['10.0.0.0/24'], ''),
      );
      const expected = new Set(['10.0.0.2/32', 'fd00::1/128', '10.0.0.0/24']);
      expect(await target.fetchMembers(GROUP)).to.deep.equal(expected);
    }),
  );

  it(
    'does not take a malformed member for one that is not there',
    withServer(async (server, target) => {
      server.script('FetchAddressGroupMembers', { members: [{ v4_addr: 1, len: 33 }] });
      await refused(target.fetchMembers(GROUP), 'UNKNOWN');
      server.script('FetchAddressGroupMembers', failure(status.NOT_FOUND));
      await refused(target.fetchMembers(GROUP), 'NOT_FOUND');
    }),
  );
});
