/** What programs of the system print, and what we make of it. */
import { expect } from 'chai';
import { vxlanDevice } from '../../../src/soft-xpu/linux/network/links.js';
import {
  firstPacket,
  idleMsOf,
  parseConnections,
  timeoutSettings,
} from '../../../src/soft-xpu/linux/conntrack-text.js';
import { eventOf } from '../../../src/soft-xpu/linux/link-watch.js';
import { netdevOf, parseNetdevs } from '../../../src/soft-xpu/linux/netdevs.js';
import {
  batchesOf,
  complaintsOf,
  meaningOf,
  sysctlComplaints,
} from '../../../src/soft-xpu/linux/network/batch.js';
import { domainRules, neighbour, route } from '../../../src/soft-xpu/linux/network/routing.js';
import { hopTo, underlayRoutes } from '../../../src/soft-xpu/linux/network/underlay.js';
import type { Step } from '../../../src/soft-xpu/linux/network/steps.js';

const CONNECTIONS = [
  'ipv4     2 tcp      6 431999 ESTABLISHED src=10.65.0.1 dst=10.65.0.2 sport=40000 dport=80 packets=6 bytes=404 src=10.65.0.2 dst=10.65.0.1 sport=80 dport=40000 packets=4 bytes=264 [ASSURED] mark=0 use=1 id=3178562311',
  'ipv4     2 udp      17 29 src=10.65.0.1 dst=10.65.0.9 sport=5353 dport=53 packets=1 bytes=60 [UNREPLIED] src=10.65.0.9 dst=10.65.0.1 sport=53 dport=5353 packets=0 bytes=0 mark=0 zone=1 use=1 id=2',
  'ipv6     10 icmpv6   58 28 src=fd00:65::1 dst=fd00:65::2 type=128 code=0 id=77 packets=2 bytes=208 src=fd00:65::2 dst=fd00:65::1 type=129 code=0 id=77 packets=2 bytes=208 mark=0 use=1 id=9',
  'ipv4     2 tcp      6 110 TIME_WAIT src=10.65.0.1 dst=10.65.0.2 sport=40001 dport=80 src=10.65.0.2 dst=10.65.0.1 sport=80 dport=40001 [ASSURED] mark=0 use=1 id=10',
  'ipv4     2 unknown  4 580 src=10.65.0.1 dst=10.65.0.2 src=10.65.0.2 dst=10.65.0.1 mark=0 use=1 id=11',
  'conntrack v1.4.7 (conntrack-tools): 5 flow entries have been shown.',
].join('\n');

describe('soft-xpu linux: connections as conntrack prints them', () => {
  const [tcp, udp, icmp, closing, other, ...rest] = parseConnections(CONNECTIONS);

  it('are read with both tuples, figures, zone and id', () => {
    expect(rest).to.deep.equal([]);
    expect(tcp).to.deep.include({
      family: 4,
      protocol: 6,
      zone: 0,
      id: '3178562311',
      state: 'ESTABLISHED',
    });
    expect(tcp).to.include({ packetCount: 10, byteCount: 668, timeout: 431999 });
    expect(tcp?.reply).to.include({ source: '10.65.0.2', sourcePort: 80, destinationPort: 40000 });
    expect(udp).to.include({ zone: 1, state: 'NEW', packetCount: 1 });
    expect(icmp?.original.icmp).to.deep.equal({ type: 128, code: 0, id: 77 });
    expect(icmp).to.include({ id: '9', family: 6 });
    expect(closing?.state).to.equal('CLOSING');
    expect(other).to.include({ protocol: 4, state: 'ESTABLISHED' });
  });

  it('become the packet that began them', () => {
    expect(firstPacket(tcp!)).to.include({ protocol: 6, sourcePort: 40000, destinationPort: 80 });
    expect(firstPacket(icmp!)?.source.text).to.equal('fd00:65::1');
    expect(firstPacket({ ...tcp!, original: { ...tcp!.original, source: 'x' } })).to.equal(
      undefined,
    );
  });

  it('tell how long they are idle', () => {
    const times = {
      tcp: 600,
      tcpSetup: 1,
      tcpHalfClose: 2,
      tcpClose: 3,
      udp: 40,
      icmp: 30,
      other: 600,
    };
    const values = new Map(
      timeoutSettings(times).map((setting) => {
        const [path = '', value] = setting.split('=');
        return [path, Number(value)];
      }),
    );
    expect(idleMsOf(udp!, values)).to.equal(11_000);
    expect(idleMsOf(icmp!, values)).to.equal(2_000);
    expect(idleMsOf(other!, values)).to.equal(20_000);
    expect(idleMsOf({ ...tcp!, timeout: 550 }, values)).to.equal(50_000);
    expect(idleMsOf(tcp!, values)).to.equal(0);
  });
});

describe('soft-xpu linux: batches', () => {
  const step = (item: ReturnType<typeof route>): Step => ({
    id: item.id,
    result: item,
    lines: item.make,
  });
  const device = route(1002, '10.0.0.1/32', { device: 'cali-a' });
  const blackhole = route(1002, '10.0.0.2/32', { blackhole: true });

  it('group lines by program, in their order', () => {
    const batches = batchesOf([
      step(device),
      ...domainRules(1).slice(0, 2).map(step),
      step(blackhole),
    ]);
    expect(batches.map(({ tool, lines }) => [tool, lines.length])).to.deep.equal([
      ['ip', 2],
      ['ip6', 1],
      ['ip', 1],
    ]);
  });

  it('find the line of each complaint', () => {
    const stderr =
      'Error: Device for nexthop is not up.\nCommand failed -:3\nRTNETLINK answers: No such process\n' +
      'Command failed -:8\n';
    expect([...complaintsOf(stderr)]).to.deep.equal([
      [2, 'Error: Device for nexthop is not up.'],
      [7, 'RTNETLINK answers: No such process'],
    ]);
    const path = 'net/ipv4/conf/up0/proxy_arp';
    const missing = `sysctl: cannot stat /proc/sys/${path}: No such file or directory`;
    const [complaint] = sysctlComplaints(missing, ['net/ipv4/conf/x/rp_filter=0', `${path}=1`]);
    expect(complaint?.[0]).to.equal(1);
  });

  it('tell waiting from wrong', () => {
    expect(meaningOf('Cannot find device "cali-a"', 'ip', device)).to.equal('waiting');
    expect(meaningOf('Error: Device for nexthop is not up.', 'ip', device)).to.equal('waiting');
    expect(meaningOf('RTNETLINK answers: File exists', 'ip', device)).to.equal('wrong');
    const [pair] = vxlanDevice(7, 4, 1500);
    expect(meaningOf('Cannot find device "vx7"', 'ip', pair)).to.equal('wrong');
    expect(meaningOf('RTNETLINK answers: File exists', 'ip', domainRules(1)[0])).to.equal('done');
    expect(meaningOf('RTNETLINK answers: No such process', 'ip', undefined)).to.equal('done');
    expect(meaningOf('Cannot find device "cali-a"', 'ip', undefined)).to.equal('done');
    expect(meaningOf('RTNETLINK answers: Operation not permitted', 'ip', undefined)).to.equal(
      'wrong',
    );
    expect(meaningOf('Cannot find device "cali-a"', 'host', device)).to.equal('done');
    const mac = neighbour('10.0.0.1', 'cali-a', '02:00:00:00:00:01');
    expect(meaningOf('Error: Invalid argument', 'ip', mac)).to.equal('wrong');
  });
});

describe('soft-xpu linux: names of netdevs', () => {
  it('are those of the Interfaces, unless the kernel or another netdev has them', () => {
    expect(netdevOf('cali0123456789a', undefined, 'up0')).to.equal('cali0123456789a');
    for (const name of [
      'cali0123456789ab',
      'lo',
      'up0',
      'vx4096',
      'vx4096-6',
      'a/b',
      'a b',
      '..',
      '',
      'all',
    ]) {
      expect(netdevOf(name, undefined, 'up0'), name).to.equal(undefined);
    }
  });

  it('are looked up in a table, then made by a pattern', () => {
    const table = parseNetdevs('host0=pf0hpf, host0-1=enp3s0f0r1');
    const foreign = { table, pattern: 'pf{pf}vf{vf}' };
    expect(netdevOf('host0', foreign, 'p0')).to.equal('pf0hpf');
    expect(netdevOf('host0-1', foreign, 'p0')).to.equal('enp3s0f0r1');
    expect(netdevOf('host1-12', foreign, 'p0')).to.equal('pf1vf12');
    expect(netdevOf('host1', foreign, 'p0')).to.equal(undefined);
    expect(netdevOf('eth7', { table, pattern: '{ifname}_r' }, 'p0')).to.equal('eth7_r');
    expect(netdevOf('other', { table, pattern: undefined }, 'p0')).to.equal(undefined);
    expect(() => parseNetdevs('host0')).to.throw('--netdevs host0: not IFNAME=NETDEV');
  });
});

describe('soft-xpu linux: the underlay', () => {
  const routes = underlayRoutes(
    JSON.stringify([
      { dst: 'default', gateway: '192.0.2.1', dev: 'up0' },
      { dst: '192.0.2.0/24', dev: 'up0' },
      { dst: '192.0.2.9', gateway: '192.0.2.3', dev: 'up0', metric: 20 },
      { dst: '192.0.2.9', gateway: '192.0.2.4', dev: 'up1', metric: 10 },
    ]),
    JSON.stringify([{ dst: '2001:db8::/32', dev: 'up0' }]),
  );

  it('is asked by longest prefix, then by metric', () => {
    expect(hopTo('198.51.100.1', routes)).to.deep.equal({ device: 'up0', gateway: '192.0.2.1' });
    expect(hopTo('192.0.2.77', routes)).to.deep.equal({ device: 'up0', gateway: '192.0.2.77' });
    expect(hopTo('192.0.2.9', routes)).to.deep.equal({ device: 'up1', gateway: '192.0.2.4' });
    expect(hopTo('2001:db8::1', routes)).to.deep.equal({ device: 'up0', gateway: '2001:db8::1' });
    expect(hopTo('2001:db9::1', routes)).to.equal(undefined);
  });

  it('and netdevs are all that events are told of', () => {
    expect(
      eventOf(
        'Deleted 5: cali-a@if2: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default',
      ),
    ).to.deep.equal({ device: 'cali-a', deleted: true, up: false });
    expect(
      eventOf(
        '6: up0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc noqueue state UP group default',
      ),
    ).to.deep.equal({ device: 'up0', deleted: false, up: true });
    for (const line of [
      'default via 192.0.2.1 dev up0',
      'Deleted 192.0.2.0/24 dev up0 proto kernel scope link src 192.0.2.2',
      '2001:db8::/64 dev up0 proto kernel metric 256 pref medium',
    ]) {
      expect(eventOf(line), line).to.equal('route');
    }
    for (const line of [
      '10.65.0.1 dev cali-a table 1002 proto 199 scope link',
      'Deleted local 192.0.2.2 dev up0 table local proto kernel scope host src 192.0.2.2',
      'fe80::/64 dev cali-a proto kernel metric 256 pref medium',
      '',
    ]) {
      expect(eventOf(line), line).to.equal(undefined);
    }
  });
});
