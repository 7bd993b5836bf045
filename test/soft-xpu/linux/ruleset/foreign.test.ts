/** A namespace shared with others, as on a DPU: rules are about our netdevs alone, and closed for all of those. */
import { expect } from 'chai';
import type { PortRef } from '../../../../src/soft-xpu/memory/port.js';
import { needs } from '../../../support/root.js';
import {
  FAR,
  key,
  object,
  POD_A,
  POD_B,
  PORT_A,
  PORT_B,
  rule,
  stage,
  tcp,
  tier,
  toPort,
  UPLINK,
} from '../../node-words.js';
import { KernelNode } from './kernel-node.js';

const OTHER_A: PortRef = { kind: 'vnic', id: 'mgmt0' };
const A = '192.0.2.10';
const B = '203.0.113.130';

describe('soft-xpu linux: ruleset in a shared namespace', function () {
  this.timeout(20_000);
  let node: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack'));
  before(() => {
    node = new KernelNode({
      foreign: true,
      more: { mgmt0: '192.0.2.0/24', mgmt1: '203.0.113.128/25' },
    });
    node.open();
  });
  after(() => node.close());

  it('what passes between netdevs of others meets no rule, whatever the uplink says', async () => {
    node.policy('none', []);
    const closed = (
      kind: 'UNTRACKED' | 'PRE_DNAT' | 'FORWARD' | 'HOST',
      direction: 'FROM_PORT' | 'TO_PORT',
    ) => stage(kind, direction, [tier('closed', ['none'])]);
    node.bindPort('UPLINK', [
      closed('UNTRACKED', 'FROM_PORT'),
      closed('PRE_DNAT', 'FROM_PORT'),
      closed('FORWARD', 'FROM_PORT'),
      closed('FORWARD', 'TO_PORT'),
      closed('HOST', 'FROM_PORT'),
    ]);
    expect(await node.fate(OTHER_A, tcp(A, B, 80))).to.equal('allow mgmt1');
    expect(await node.fate(OTHER_A, tcp(A, FAR, 80))).to.equal('allow uplink');
    expect(await node.fate(UPLINK, tcp(FAR, A, 80))).to.equal('allow mgmt0');
    expect(await node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal('deny TIER_DEFAULT');
    node.remove('policyBinding', 'bind-uplink');
  });

  it('from others to a pod its policy is asked, and its gate', async () => {
    node.policy('only-web', [rule('ALLOW', toPort(80))]);
    node.bindPod('a', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['only-web'])])]);
    expect(await node.fate(OTHER_A, tcp(A, POD_A, 80))).to.equal('allow vnic-a');
    expect(await node.fate(OTHER_A, tcp(A, POD_A, 81))).to.equal('deny TIER_DEFAULT');
    node.remove('policyBinding', 'bind-a');
    expect(await node.fate(OTHER_A, tcp(A, POD_A, 80))).to.equal('deny NO_BINDING');
    expect(await node.fate(PORT_A, tcp(POD_A, A, 80))).to.equal('deny NO_BINDING');
    node.bindPod('a');
  });

  it('from a pod to others its policy is asked', async () => {
    expect(await node.fate(PORT_B, tcp(POD_B, A, 80))).to.equal('allow mgmt0');
    node.bindPod('b', []);
    expect(await node.fate(PORT_B, tcp(POD_B, A, 80))).to.equal('deny PROFILE_END');
    node.bindPod('b');
  });

  it('marks of others are left as they are, and mean nothing to us', async () => {
    const table = 'table inet others';
    const mark = 'meta mark set 0x70000000';
    node.run('nft', `add ${table}`);
    node.run(
      'nft',
      `add chain inet others mark-it { type filter hook prerouting priority -400; iifname "mgmt0" ${mark}; }`,
    );
    node.run(
      'nft',
      'add chain inet others see-it { type filter hook postrouting priority 0; oifname "mgmt1" meta mark 0x70000000 counter; }',
    );
    node.bindPod('a', []);
    expect(await node.fate(OTHER_A, tcp(A, POD_A, 82))).to.equal('deny PROFILE_END');
    expect(await node.fate(OTHER_A, tcp(A, B, 82))).to.equal('allow mgmt1');
    expect(node.run('nft', 'list', 'chain', 'inet', 'others', 'see-it')).to.contain('packets 1 ');
    node.run('nft', `delete ${table}`);
    node.bindPod('a');
  });

  it('what others send to this machine is theirs; what a pod sends to it is asked as towards the host', async () => {
    node.run('ip', 'addr', 'add', '192.0.2.1/32', 'dev', 'lo');
    const taken = (): number => node.counters().get('total/router')?.packets ?? 0;
    node.run('nft', 'add table inet seen');
    node.run(
      'nft',
      'add chain inet seen in { type filter hook input priority 100; tcp dport 8081 counter; }',
    );
    expect(await node.fate(OTHER_A, tcp(A, '192.0.2.1', 8081))).to.equal('deny ');
    expect(node.run('nft', 'list', 'table', 'inet', 'seen')).to.contain('packets 1 ');
    const before = taken();
    expect(await node.fate(PORT_A, tcp(POD_A, '192.0.2.1', 8081))).to.equal('deny TO_HOST');
    node.bindPod('a', undefined, { toHostAction: 'ACCEPT' });
    await node.fate(PORT_A, tcp(POD_A, '192.0.2.1', 8081, { sourcePort: 3 }));
    expect(taken()).to.equal(before + 1);
    node.bindPod('a');
  });

  it('a representor whose Interface no Vnic uses is closed', async () => {
    node.put(object('interface', 'if-spare', { ifname: 'mgmt0', vf: true, adminUp: true }));
    expect(await node.fate(OTHER_A, tcp(A, B, 80, { sourcePort: 2 }))).to.equal('deny NO_BINDING');
    node.store.apply({ op: 'delete', key: key('interface', 'if-spare') });
    expect(await node.fate(OTHER_A, tcp(A, B, 80, { sourcePort: 2 }))).to.equal('allow mgmt1');
  });
});
