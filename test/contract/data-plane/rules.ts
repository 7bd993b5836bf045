/** Tiers, profiles, rules and groups, on packets. */
import { expect } from 'chai';

import type { RuleMatch } from '../../../src/opi/objects/match.js';
import {
  FAR,
  icmp,
  key,
  POD_A,
  POD_A6,
  POD_B,
  POD_B6,
  PORT_A,
  PORT_B,
  rule,
  side,
  stage,
  tcp,
  tier,
  toPort,
  udp,
  UPLINK,
} from '../../soft-xpu/node-fixture.js';
import type { NewNode, PacketNode } from './node.js';

/** A node whose pod b is open to what one rule allows, and to nothing else. */
async function guarded(
  newNode: NewNode,
  match: Partial<RuleMatch>,
  prepare: (node: PacketNode) => void = () => undefined,
): Promise<PacketNode> {
  const node = await newNode();
  prepare(node);
  node.policy('guard', [rule('ALLOW', match)]);
  node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [], ['guard'])]);
  return node;
}

const OPEN = 'allow vnic-b';
const CLOSED = 'deny PROFILE_END';

/** Tiers, profiles, rules and groups, on packets. */
export function rulesContract(newNode: NewNode): void {
  describe('tiers and profiles', () => {
    it('the first terminal rule decides, in the order of policies and rules', async () => {
      const node = await newNode();
      node.policy('deny-80', [rule('DENY', toPort(80))]);
      node.policy('open', [rule('ALLOW'), rule('DENY', toPort(81))]);
      node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['deny-80', 'open'])])]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('deny RULE');
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 81))).to.equal(OPEN);
      node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['open', 'deny-80'])])]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80, { sourcePort: 2 }))).to.equal(OPEN);
    });

    it('a tier default ends the stage with DENY and goes on with PASS', async () => {
      const node = (await newNode()).policy('empty', []).policy('open', [rule('ALLOW')]);
      const tiers = (action: 'DENY' | 'PASS') => [
        tier('one', ['empty'], action),
        tier('two', ['open']),
      ];
      node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', tiers('DENY'))]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('deny TIER_DEFAULT');
      node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', tiers('PASS'))]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    });

    it('a tier without policies does not exist, whatever its default', async () => {
      const node = await newNode();
      node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', [], 'DENY')], ['allow-all'])]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    });

    it('PASS skips the rest of the tier, after the last one the profiles are asked', async () => {
      const node = await newNode();
      node.policy('pass-80', [rule('PASS', toPort(80)), rule('DENY')]);
      node.policy('open', [rule('ALLOW')]);
      const stages = (profiles: string[]) => [
        stage('WORKLOAD', 'TO_PORT', [tier('t', ['pass-80', 'open'])], profiles),
      ];
      node.bindPod('b', stages([]));
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 81))).to.equal('deny RULE');
      node.bindPod('b', stages(['open']));
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    });

    it('PASS inside a profile is no allow: the next profile is asked', async () => {
      const node = (await newNode())
        .policy('pass-all', [rule('PASS')])
        .policy('open', [rule('ALLOW')]);
      node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [], ['pass-all'])]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
      node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [], ['pass-all', 'open'])]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    });

    it('local pod to local pod: egress of the one and ingress of the other must allow', async () => {
      const node = (await newNode()).bindPod('a', [
        stage('WORKLOAD', 'TO_PORT', [], ['allow-all']),
      ]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
      expect(await node.fate(PORT_B, tcp(POD_B, POD_A, 80))).to.equal('allow vnic-a');
    });
  });

  describe('rule matches', () => {
    it('no condition matches everything, both families', async () => {
      const node = await guarded(newNode, {});
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
      expect(await node.fate(PORT_A, udp(POD_A6, POD_B6, 80))).to.equal(OPEN);
    });

    it('family, protocol, not protocol', async () => {
      expect(
        await (await guarded(newNode, { family: 6 })).fate(PORT_A, tcp(POD_A, POD_B, 80)),
      ).to.equal(CLOSED);
      expect(
        await (await guarded(newNode, { family: 6 })).fate(PORT_A, tcp(POD_A6, POD_B6, 80)),
      ).to.equal(OPEN);
      expect(
        await (await guarded(newNode, { protocol: 17 })).fate(PORT_A, tcp(POD_A, POD_B, 80)),
      ).to.equal(CLOSED);
      expect(
        await (await guarded(newNode, { protocol: 17 })).fate(PORT_A, udp(POD_A, POD_B, 80)),
      ).to.equal(OPEN);
      expect(
        await (await guarded(newNode, { notProtocol: 17 })).fate(PORT_A, udp(POD_A, POD_B, 80)),
      ).to.equal(CLOSED);
      expect(
        await (await guarded(newNode, { notProtocol: 17 })).fate(PORT_A, tcp(POD_A, POD_B, 80)),
      ).to.equal(OPEN);
    });

    it('prefixes are ORed and match only the families they hold', async () => {
      const node = await guarded(newNode, {
        source: side({ prefixes: ['10.65.0.0/24', '10.99.0.0/16'] }),
      });
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
      expect(await node.fate(PORT_A, tcp(POD_A6, POD_B6, 80))).to.equal(CLOSED);
      expect(await node.fate(UPLINK, tcp(FAR, POD_B, 80))).to.equal(CLOSED);
    });

    it('not prefixes: none may hold the address', async () => {
      const node = await guarded(newNode, {
        source: side({ notPrefixes: ['198.51.100.0/24', '::/0'] }),
      });
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
      expect(await node.fate(UPLINK, tcp(FAR, POD_B, 80))).to.equal(CLOSED);
      expect(await node.fate(PORT_A, tcp(POD_A6, POD_B6, 80))).to.equal(CLOSED);
    });

    it('port ranges are inclusive and ORed; packets without ports do not match them', async () => {
      const ports = [
        { low: 80, high: 82 },
        { low: 443, high: 443 },
      ];
      const node = await guarded(newNode, { destination: side({ ports }) });
      for (const [port, fate] of [
        [79, CLOSED],
        [80, OPEN],
        [82, OPEN],
        [83, CLOSED],
        [443, OPEN],
      ] as const) {
        expect(await node.fate(PORT_A, tcp(POD_A, POD_B, port)), `port ${port}`).to.equal(fate);
      }
      expect(await node.fate(PORT_A, icmp(POD_A, POD_B, 8))).to.equal(CLOSED);
    });

    it('source ports, not ports', async () => {
      const from = await guarded(newNode, {
        source: side({ ports: [{ low: 40000, high: 40000 }] }),
      });
      expect(await from.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
      expect(await from.fate(PORT_A, tcp(POD_A, POD_B, 80, { sourcePort: 1 }))).to.equal(CLOSED);
      const not = await guarded(newNode, {
        destination: side({ notPorts: [{ low: 80, high: 90 }] }),
      });
      expect(await not.fate(PORT_A, tcp(POD_A, POD_B, 85))).to.equal(CLOSED);
      expect(await not.fate(PORT_A, tcp(POD_A, POD_B, 91))).to.equal(OPEN);
    });

    it('ICMP type, type and code, and their negations; type 0 is a type', async () => {
      const ping = await guarded(newNode, { icmp: { type: 8 } });
      expect(await ping.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 5 }))).to.equal(OPEN);
      expect(await ping.fate(PORT_A, icmp(POD_A, POD_B, 13))).to.equal(CLOSED);
      expect(await ping.fate(PORT_A, tcp(POD_A, POD_B, 8))).to.equal(CLOSED);
      const coded = await guarded(newNode, { icmp: { type: 8, code: 0 } });
      expect(await coded.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 1 }))).to.equal(CLOSED);
      expect(await coded.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 0 }))).to.equal(OPEN);
      const not = await guarded(newNode, { notIcmp: { type: 8, code: 0 } });
      expect(await not.fate(PORT_A, icmp(POD_A, POD_B, 8))).to.equal(CLOSED);
      expect(await not.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 1, id: 2 }))).to.equal(OPEN);
      expect(await not.fate(PORT_A, tcp(POD_A, POD_B, 8))).to.equal(CLOSED);
      const zero = await guarded(newNode, { icmp: { type: 0 } }, (node) => node.bindPod('a'));
      expect(await zero.fate(PORT_A, icmp(POD_A, POD_B, 8))).to.equal(CLOSED);
    });

    it('protocol 1 over IPv6 is no ICMP', async () => {
      const node = await guarded(newNode, { icmp: { type: 8 } });
      const packet = { source: POD_A6, destination: POD_B6, protocol: 1, icmp: { type: 8 } };
      expect(await node.fate(PORT_A, packet)).to.match(/^deny/);
    });
  });

  describe('groups', () => {
    const groups = (...ids: string[]) => ids.map((id) => key('addressGroup', id));

    it('groups are ANDed, negated groups exclude', async () => {
      const prepare = (node: PacketNode) =>
        node
          .group('pods', 'PREFIX', ['10.65.0.0/24'])
          .group('some', 'PREFIX', [`${POD_A}/32`])
          .group('none', 'PREFIX', []);
      const open = async (match: Parameters<typeof side>[0]): Promise<string> => {
        const node = await guarded(newNode, { source: side(match) }, prepare);
        return node.fate(PORT_A, tcp(POD_A, POD_B, 80));
      };
      expect(await open({ groups: groups('pods', 'some') })).to.equal(OPEN);
      expect(await open({ groups: groups('pods', 'none') })).to.equal(CLOSED);
      expect(await open({ groups: groups('pods'), notGroups: groups('some') })).to.equal(CLOSED);
      expect(await open({ notGroups: groups('none') })).to.equal(OPEN);
      expect(await open({ groups: groups('none') })).to.equal(CLOSED);
    });

    it('named ports are ORed with ranges and test address, protocol and port', async () => {
      const prepare = (node: PacketNode) =>
        node.group('web-ports', 'IP_PORT', [`${POD_B},6:8080`, `${POD_B6},17:53`]);
      const match = { ports: [{ low: 80, high: 80 }], namedPortGroups: groups('web-ports') };
      const node = await guarded(newNode, { destination: side(match) }, prepare);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 8080))).to.equal(OPEN);
      expect(await node.fate(PORT_A, udp(POD_A, POD_B, 8080))).to.equal(CLOSED);
      expect(await node.fate(PORT_A, tcp(POD_A6, POD_B6, 8080))).to.equal(CLOSED);
      expect(await node.fate(PORT_A, udp(POD_A6, POD_B6, 53))).to.equal(OPEN);
      const not = await guarded(
        newNode,
        { destination: side({ notNamedPortGroups: groups('web-ports') }) },
        prepare,
      );
      expect(await not.fate(PORT_A, tcp(POD_A, POD_B, 8080))).to.equal(CLOSED);
      expect(await not.fate(PORT_A, tcp(POD_A, POD_B, 8081))).to.equal(OPEN);
    });

    it('ip-port groups are ANDed with everything else', async () => {
      const prepare = (node: PacketNode) =>
        node.group('service', 'IP_PORT', [`${POD_B},6:80`]).group('other', 'IP_PORT', []);
      const node = await guarded(newNode, { ipPortGroups: groups('service') }, prepare);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
      expect(await node.fate(PORT_A, udp(POD_A, POD_B, 80))).to.equal(CLOSED);
      const both = await guarded(newNode, { ipPortGroups: groups('service', 'other') }, prepare);
      expect(await both.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
    });

    it('a member change is met by the next packet, without a change of policy', async () => {
      const node = await guarded(newNode, { source: side({ groups: groups('some') }) }, (fresh) =>
        fresh.group('some', 'PREFIX', []),
      );
      const change = (added: string[], removed: string[]): void => {
        node.store.apply({
          op: 'modifyMembers',
          key: key('addressGroup', 'some'),
          added: { members: added },
          removed: { members: removed },
        });
      };
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
      change([`${POD_A}/32`], []);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
      change([], [`${POD_A}/32`]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 81))).to.equal(CLOSED);
    });

    it('nested prefixes: removing one leaves the address in the other', async () => {
      const node = await guarded(newNode, { source: side({ groups: groups('nets') }) }, (fresh) =>
        fresh.group('nets', 'PREFIX', ['10.0.0.0/8', '10.65.0.0/16']),
      );
      node.store.apply({
        op: 'modifyMembers',
        key: key('addressGroup', 'nets'),
        added: {},
        removed: { members: ['10.65.0.0/16'] },
      });
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    });
  });
}
