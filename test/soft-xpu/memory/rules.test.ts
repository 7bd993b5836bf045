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
  TestNode,
  tier,
  toPort,
  udp,
  UPLINK,
} from '../node-fixture.js';

/** A node whose pod b is open to what one rule allows, and to nothing else. */
function guarded(match: Partial<RuleMatch>, prepare: (node: TestNode) => void = () => undefined) {
  const node = new TestNode();
  prepare(node);
  node.policy('guard', [rule('ALLOW', match)]);
  node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [], ['guard'])]);
  return node;
}

const OPEN = 'allow vnic-b';
const CLOSED = 'deny PROFILE_END';

describe('soft-xpu memory: tiers and profiles', () => {
  it('the first terminal rule decides, in the order of policies and rules', () => {
    const node = new TestNode();
    node.policy('deny-80', [rule('DENY', toPort(80))]);
    node.policy('open', [rule('ALLOW'), rule('DENY', toPort(81))]);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['deny-80', 'open'])])]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('deny RULE');
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 81))).to.equal(OPEN);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['open', 'deny-80'])])]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80, { sourcePort: 2 }))).to.equal(OPEN);
  });

  it('a tier default ends the stage with DENY and goes on with PASS', () => {
    const node = new TestNode().policy('empty', []).policy('open', [rule('ALLOW')]);
    const tiers = (action: 'DENY' | 'PASS') => [
      tier('one', ['empty'], action),
      tier('two', ['open']),
    ];
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', tiers('DENY'))]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('deny TIER_DEFAULT');
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', tiers('PASS'))]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
  });

  it('a tier without policies does not exist, whatever its default', () => {
    const node = new TestNode();
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', [], 'DENY')], ['allow-all'])]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
  });

  it('PASS skips the rest of the tier, after the last one the profiles are asked', () => {
    const node = new TestNode();
    node.policy('pass-80', [rule('PASS', toPort(80)), rule('DENY')]);
    node.policy('open', [rule('ALLOW')]);
    const stages = (profiles: string[]) => [
      stage('WORKLOAD', 'TO_PORT', [tier('t', ['pass-80', 'open'])], profiles),
    ];
    node.bindPod('b', stages([]));
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 81))).to.equal('deny RULE');
    node.bindPod('b', stages(['open']));
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
  });

  it('PASS inside a profile is no allow: the next profile is asked', () => {
    const node = new TestNode().policy('pass-all', [rule('PASS')]).policy('open', [rule('ALLOW')]);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [], ['pass-all'])]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [], ['pass-all', 'open'])]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
  });

  it('LOG is noted and never decides', () => {
    const node = new TestNode().policy('log-all', [rule('LOG')]);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['log-all'], 'PASS')])]);
    const passage = node.send(PORT_A, tcp(POD_A, POD_B, 80));
    expect(passage.path.map(({ effect }) => effect)).to.deep.equal(['ALLOW', 'LOG', 'DENY']);
    expect(passage.dropReason).to.equal('PROFILE_END');
  });

  it('local pod to local pod: egress of the one and ingress of the other must allow', () => {
    const node = new TestNode().bindPod('a', [stage('WORKLOAD', 'TO_PORT', [], ['allow-all'])]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
    expect(node.fate(PORT_B, tcp(POD_B, POD_A, 80))).to.equal('allow vnic-a');
  });

  it('the deciding rule is named: port, direction, stage, tier, policy, rule and list', () => {
    const node = new TestNode().policy('deny-80', [rule('DENY', toPort(80), 'the rule')]);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('the tier', ['deny-80'])])]);
    expect(node.send(PORT_A, tcp(POD_A, POD_B, 80)).path.at(-1)).to.deep.include({
      kind: 'RULE',
      effect: 'DENY',
      port: PORT_B,
      direction: 'TO_PORT',
      stage: 'WORKLOAD',
      tierId: 'the tier',
      policyId: 'deny-80',
      ruleId: 'the rule',
      ruleList: 'INGRESS',
    });
  });
});

describe('soft-xpu memory: rule matches', () => {
  it('no condition matches everything, both families', () => {
    const node = guarded({});
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    expect(node.fate(PORT_A, udp(POD_A6, POD_B6, 80))).to.equal(OPEN);
  });

  it('family, protocol, not protocol', () => {
    expect(guarded({ family: 6 }).fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
    expect(guarded({ family: 6 }).fate(PORT_A, tcp(POD_A6, POD_B6, 80))).to.equal(OPEN);
    expect(guarded({ protocol: 17 }).fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
    expect(guarded({ protocol: 17 }).fate(PORT_A, udp(POD_A, POD_B, 80))).to.equal(OPEN);
    expect(guarded({ notProtocol: 17 }).fate(PORT_A, udp(POD_A, POD_B, 80))).to.equal(CLOSED);
    expect(guarded({ notProtocol: 17 }).fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
  });

  it('prefixes are ORed and match only the families they hold', () => {
    const node = guarded({ source: side({ prefixes: ['10.65.0.0/24', '10.99.0.0/16'] }) });
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    expect(node.fate(PORT_A, tcp(POD_A6, POD_B6, 80))).to.equal(CLOSED);
    expect(node.fate(UPLINK, tcp(FAR, POD_B, 80))).to.equal(CLOSED);
  });

  it('not prefixes: none may hold the address', () => {
    const node = guarded({ source: side({ notPrefixes: ['198.51.100.0/24', '::/0'] }) });
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    expect(node.fate(UPLINK, tcp(FAR, POD_B, 80))).to.equal(CLOSED);
    expect(node.fate(PORT_A, tcp(POD_A6, POD_B6, 80))).to.equal(CLOSED);
  });

  it('port ranges are inclusive and ORed; packets without ports do not match them', () => {
    const ports = [
      { low: 80, high: 82 },
      { low: 443, high: 443 },
    ];
    const node = guarded({ destination: side({ ports }) });
    const fates = [79, 80, 82, 83, 443].map((port) => node.fate(PORT_A, tcp(POD_A, POD_B, port)));
    expect(fates).to.deep.equal([CLOSED, OPEN, OPEN, CLOSED, OPEN]);
    expect(node.fate(PORT_A, icmp(POD_A, POD_B, 8))).to.equal(CLOSED);
  });

  it('source ports, not ports', () => {
    const from = guarded({ source: side({ ports: [{ low: 40000, high: 40000 }] }) });
    expect(from.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    expect(from.fate(PORT_A, tcp(POD_A, POD_B, 80, { sourcePort: 1 }))).to.equal(CLOSED);
    const not = guarded({ destination: side({ notPorts: [{ low: 80, high: 90 }] }) });
    expect(not.fate(PORT_A, tcp(POD_A, POD_B, 85))).to.equal(CLOSED);
    expect(not.fate(PORT_A, tcp(POD_A, POD_B, 91))).to.equal(OPEN);
  });

  it('ICMP type, type and code, and their negations; type 0 is a type', () => {
    const ping = guarded({ icmp: { type: 8 } });
    expect(ping.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 5 }))).to.equal(OPEN);
    expect(ping.fate(PORT_A, icmp(POD_A, POD_B, 13))).to.equal(CLOSED);
    expect(ping.fate(PORT_A, tcp(POD_A, POD_B, 8))).to.equal(CLOSED);
    const coded = guarded({ icmp: { type: 8, code: 0 } });
    expect(coded.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 1 }))).to.equal(CLOSED);
    expect(coded.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 0 }))).to.equal(OPEN);
    const not = guarded({ notIcmp: { type: 8, code: 0 } });
    expect(not.fate(PORT_A, icmp(POD_A, POD_B, 8))).to.equal(CLOSED);
    expect(not.fate(PORT_A, icmp(POD_A, POD_B, 8, { code: 1, id: 2 }))).to.equal(OPEN);
    expect(not.fate(PORT_A, tcp(POD_A, POD_B, 8))).to.equal(CLOSED);
    const zero = guarded({ icmp: { type: 0 } }, (node) => node.bindPod('a'));
    expect(zero.fate(PORT_A, icmp(POD_A, POD_B, 8))).to.equal(CLOSED);
  });

  it('protocol 1 over IPv6 is no ICMP', () => {
    const node = guarded({ icmp: { type: 8 } });
    const packet = { source: POD_A6, destination: POD_B6, protocol: 1, icmp: { type: 8 } };
    expect(node.fate(PORT_A, packet)).to.equal(CLOSED);
  });
});

describe('soft-xpu memory: groups', () => {
  const groups = (...ids: string[]) => ids.map((id) => key('addressGroup', id));

  it('groups are ANDed, negated groups exclude', () => {
    const prepare = (node: TestNode) =>
      node
        .group('pods', 'PREFIX', ['10.65.0.0/24'])
        .group('some', 'PREFIX', [`${POD_A}/32`])
        .group('none', 'PREFIX', []);
    const open = (match: Parameters<typeof side>[0]) =>
      guarded({ source: side(match) }, prepare).fate(PORT_A, tcp(POD_A, POD_B, 80));
    expect(open({ groups: groups('pods', 'some') })).to.equal(OPEN);
    expect(open({ groups: groups('pods', 'none') })).to.equal(CLOSED);
    expect(open({ groups: groups('pods'), notGroups: groups('some') })).to.equal(CLOSED);
    expect(open({ notGroups: groups('none') })).to.equal(OPEN);
    expect(open({ groups: groups('none') })).to.equal(CLOSED);
  });

  it('named ports are ORed with ranges and test address, protocol and port', () => {
    const prepare = (node: TestNode) =>
      node.group('web-ports', 'IP_PORT', [`${POD_B},6:8080`, `${POD_B6},17:53`]);
    const match = { ports: [{ low: 80, high: 80 }], namedPortGroups: groups('web-ports') };
    const node = guarded({ destination: side(match) }, prepare);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 8080))).to.equal(OPEN);
    expect(node.fate(PORT_A, udp(POD_A, POD_B, 8080))).to.equal(CLOSED);
    expect(node.fate(PORT_A, tcp(POD_A6, POD_B6, 8080))).to.equal(CLOSED);
    expect(node.fate(PORT_A, udp(POD_A6, POD_B6, 53))).to.equal(OPEN);
    const not = guarded(
      { destination: side({ notNamedPortGroups: groups('web-ports') }) },
      prepare,
    );
    expect(not.fate(PORT_A, tcp(POD_A, POD_B, 8080))).to.equal(CLOSED);
    expect(not.fate(PORT_A, tcp(POD_A, POD_B, 8081))).to.equal(OPEN);
  });

  it('ip-port groups are ANDed with everything else', () => {
    const prepare = (node: TestNode) =>
      node.group('service', 'IP_PORT', [`${POD_B},6:80`]).group('other', 'IP_PORT', []);
    const node = guarded({ ipPortGroups: groups('service') }, prepare);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    expect(node.fate(PORT_A, udp(POD_A, POD_B, 80))).to.equal(CLOSED);
    const both = guarded({ ipPortGroups: groups('service', 'other') }, prepare);
    expect(both.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
  });

  it('a member change is met by the next packet, without a change of policy', () => {
    const node = guarded({ source: side({ groups: groups('some') }) }, (fresh) =>
      fresh.group('some', 'PREFIX', []),
    );
    const change = (added: string[], removed: string[]): void => {
      node.xpu.store.apply({
        op: 'modifyMembers',
        key: key('addressGroup', 'some'),
        added: { members: added },
        removed: { members: removed },
      });
    };
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(CLOSED);
    change([`${POD_A}/32`], []);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
    change([], [`${POD_A}/32`]);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 81))).to.equal(CLOSED);
  });

  it('nested prefixes: removing one leaves the address in the other', () => {
    const node = guarded({ source: side({ groups: groups('nets') }) }, (fresh) =>
      fresh.group('nets', 'PREFIX', ['10.0.0.0/8', '10.65.0.0/16']),
    );
    node.xpu.store.apply({
      op: 'modifyMembers',
      key: key('addressGroup', 'nets'),
      added: {},
      removed: { members: ['10.65.0.0/16'] },
    });
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal(OPEN);
  });
});

describe('soft-xpu memory: counters', () => {
  it('count packets and bytes by rule, stage and drop reason, and outlive a change of the policy', () => {
    const node = new TestNode().policy('count-80', [rule('ALLOW', toPort(80), 'r-80')]);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['count-80'])])]);
    node.send(PORT_A, tcp(POD_A, POD_B, 80, { byteCount: 100 }));
    node.policy('count-80', [rule('ALLOW', toPort(80), 'r-80'), rule('DENY', toPort(9), 'r-9')]);
    node.send(PORT_A, tcp(POD_A, POD_B, 80, { byteCount: 60, sourcePort: 2 }));
    node.send(PORT_A, tcp(POD_A, POD_B, 81));
    const { dataPlane } = node.xpu;
    const [first] = dataPlane.policy('count-80')?.rules.INGRESS ?? [];
    expect(first?.counter).to.deep.equal({ packets: 2, bytes: 160 });
    const binding = dataPlane.bindingOf(PORT_B);
    expect(binding?.stageCounts.entries()).to.deep.equal([
      ['WORKLOAD TO_PORT dropped', { packets: 1, bytes: 64 }],
    ]);
    expect(binding?.drops.entries()[0]?.[0]).to.equal('TIER_DEFAULT');
    expect(dataPlane.forwarded.packets).to.equal(2);
    expect(dataPlane.drops.entries()).to.deep.equal([['TIER_DEFAULT', { packets: 1, bytes: 64 }]]);
  });
});
