/** A namespace shared with others, as on a DPU: rules are about our netdevs alone, and closed for all of those. */
import { expect } from 'chai';
import type { PortRef } from '../../../../src/soft-xpu/memory/port.js';
import { needs } from '../../../support/root.js';
import {
  FAR,
  HOST,
  HOST_PORT,
  icmp,
  key,
  object,
  POD_A,
  POD_A6,
  POD_B,
  PORT_A,
  PORT_B,
  replyTo,
  stage,
  tcp,
  tier,
  TUNNEL,
  UPLINK,
} from '../../node-words.js';
import { KernelNode } from './kernel-node.js';

const OTHER_A: PortRef = { kind: 'vnic', id: 'mgmt0' };
const A = '192.0.2.10';
const A6 = '2001:db8:a::1';
const B = '203.0.113.130';
const REMOTE = '10.66.0.9';

describe('soft-xpu linux: ruleset in a shared namespace', function () {
  this.timeout(20_000);
  let node: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl'));
  before(() => {
    node = new KernelNode({
      foreign: true,
      more: { mgmt0: '192.0.2.0/24', mgmt1: '203.0.113.128/25' },
    });
    const vpc = key('vpc', 'cluster');
    node.put(object('tunnel', 'tun-1', { vpc, localIp: HOST, remoteIp: '172.30.0.2', vni: 4096 }));
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

  it('nothing passes between a netdev of others and ours, whatever policy says', async () => {
    for (const [fields, what] of [
      [tcp(A, POD_A, 80), 'to a pod'],
      [tcp(POD_B, POD_A, 80), 'to a pod as another pod'],
      [tcp(A, HOST, 80), 'to the host'],
      [tcp(A, REMOTE, 80), 'into a tunnel'],
      [tcp(A6, POD_A6, 80), 'to a pod by IPv6'],
    ] as const) {
      expect(await node.fate(OTHER_A, fields), what).to.equal('deny SOURCE');
    }
    for (const [port, source] of [
      [PORT_B, POD_B],
      [HOST_PORT, HOST],
      [TUNNEL, REMOTE],
    ] as const) {
      expect(await node.fate(port, tcp(source, A, 80)), source).to.equal('deny NO_MAPPING');
    }
    node.bindPort('UPLINK', [stage('FORWARD', 'TO_PORT', [tier('closed', ['none'])])]);
    expect(await node.fate(PORT_B, tcp(POD_B, FAR, 80))).to.equal('deny TIER_DEFAULT');
    expect(await node.fate(PORT_B, tcp(POD_B, A, 80))).to.equal('deny NO_MAPPING');
    node.remove('policyBinding', 'bind-uplink');
  });

  it('a flow of before is no way through either', async () => {
    node.load();
    node.run('nft', 'delete', 'table', 'inet', 'calico-xpu');
    const probe = tcp(POD_B, A, 443);
    expect((await node.exits([[PORT_B, probe]]))[0]).to.equal('mgmt0');
    node.reload();
    expect(await node.fate(OTHER_A, replyTo(probe))).to.equal('deny SOURCE');
    expect(await node.fate(PORT_B, probe)).to.equal('deny NO_MAPPING');
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
    expect(await node.fate(OTHER_A, tcp(A, POD_A, 82))).to.equal('deny SOURCE');
    expect(await node.fate(OTHER_A, tcp(A, B, 82))).to.equal('allow mgmt1');
    expect(node.run('nft', 'list', 'chain', 'inet', 'others', 'see-it')).to.contain('packets 1 ');
    node.run('nft', `delete ${table}`);
  });

  it('the machine’s own services are for others alone; a port may ask a gateway for an echo', async () => {
    node.run('ip', 'addr', 'add', '192.0.2.1/32', 'dev', 'lo');
    const counted = (name: string): number => node.counters().get(name)?.packets ?? 0;
    node.run('nft', 'add table inet seen');
    node.run(
      'nft',
      'add chain inet seen in { type filter hook input priority 100; tcp dport 8081 counter; }',
    );
    const seen = (): string =>
      /packets (\d+) /.exec(node.run('nft', 'list', 'table', 'inet', 'seen'))?.[1] ?? '';
    expect(await node.fate(OTHER_A, tcp(A, '192.0.2.1', 8081))).to.equal('deny ');
    expect(await node.fate(UPLINK, tcp(FAR, '192.0.2.1', 8081))).to.equal('deny ');
    expect(seen()).to.equal('2');
    node.bindPod('a', undefined, { toHostAction: 'ACCEPT' });
    const gateway = '10.65.0.254';
    for (const ip of ['192.0.2.1', gateway]) {
      for (const [port, source] of [
        [PORT_A, POD_A],
        [HOST_PORT, HOST],
        [TUNNEL, REMOTE],
      ] as const) {
        expect(await node.fate(port, tcp(source, ip, 8081)), source).to.equal('deny TO_HOST');
      }
    }
    expect(await node.fate(PORT_A, icmp(POD_A, '192.0.2.1', 8))).to.equal('deny TO_HOST');
    expect(seen()).to.equal('2');
    expect(counted('vnic/vnic-a/drop/TO_HOST')).to.equal(3);
    const before = counted('total/router');
    await node.fate(PORT_A, icmp(POD_A, gateway, 8, { id: 7 }));
    await node.fate(PORT_A, icmp(POD_A, gateway, 8, { id: 7 }));
    expect(counted('total/router')).to.equal(before + 2);
    node.bindPod('a');
    expect(await node.fate(PORT_A, icmp(POD_A, gateway, 8, { id: 8 }))).to.equal('deny TO_HOST');
    node.run('nft', 'delete table inet seen');
  });

  it('the machine gets the answers to what it began', async () => {
    const { stdout } = node.try('ping', '-c', '1', '-W', '1', '-I', '192.0.2.1', POD_A);
    expect(stdout).to.contain('1 packets transmitted');
    const taken = (): number => node.counters().get('total/router')?.packets ?? 0;
    const before = taken();
    const id = Number(
      /icmp .*?sport=(\d+)|id=(\d+)/.exec(
        node.run('conntrack', '-L', '-p', 'icmp', '-d', POD_A),
      )?.[2],
    );
    await node.fate(PORT_A, icmp(POD_A, '192.0.2.1', 0, { id }));
    expect(taken()).to.equal(before + 1);
  });

  it('a representor whose Interface no Vnic uses is closed', async () => {
    node.put(object('interface', 'if-spare', { ifname: 'mgmt0', vf: true, adminUp: true }));
    expect(await node.fate(OTHER_A, tcp(A, B, 80, { sourcePort: 2 }))).to.equal('deny NO_BINDING');
    node.store.apply({ op: 'delete', key: key('interface', 'if-spare') });
    expect(await node.fate(OTHER_A, tcp(A, B, 80, { sourcePort: 2 }))).to.equal('allow mgmt1');
  });
});
