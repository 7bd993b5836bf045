/** What the memory data plane tells of a packet beside its fate: the way it took, and counters. */
import { expect } from 'chai';
import {
  POD_A,
  POD_B,
  PORT_A,
  PORT_B,
  rule,
  stage,
  tcp,
  TestNode,
  tier,
  toPort,
} from '../node-fixture.js';

describe('soft-xpu memory: tiers and profiles', () => {
  it('LOG is noted and never decides', () => {
    const node = new TestNode().policy('log-all', [rule('LOG')]);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['log-all'], 'PASS')])]);
    const passage = node.send(PORT_A, tcp(POD_A, POD_B, 80));
    expect(passage.path.map(({ effect }) => effect)).to.deep.equal(['ALLOW', 'LOG', 'DENY']);
    expect(passage.dropReason).to.equal('PROFILE_END');
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
