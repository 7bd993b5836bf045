/** Two nodes: VXLAN between their XPUs, and routes without encapsulation. */
import { expect } from 'chai';
import { needs } from '../../support/root.js';
import { HOST, key, object, POD_A, POD_A6, POD_B, POD_B6, rule, stage } from '../node-words.js';
import { KernelNode } from './kernel-node.js';
import { outputOf, until } from './namespaces.js';

const OTHER = '172.30.0.2';
const MACS = ['66:00:00:00:00:01', '66:00:00:00:00:02'] as const;

describe('soft-xpu linux: two nodes', function () {
  this.timeout(30_000);
  let one: KernelNode;
  let two: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping', 'tcpdump'));
  before(async () => {
    const wired = (): Promise<KernelNode> =>
      KernelNode.start(async (namespaces) => {
        await namespaces.add('x');
        return { uplink: 'up0' };
      });
    [one, two] = [await wired(), await wired()];
    // The wire comes after the XPUs: they notice.
    const peer = two.namespaces.name('x');
    await one.namespaces.batch('x', `link add up0 type veth peer name up0 netns ${peer}`);
    for (const [node, number, other] of [
      [one, 1, OTHER],
      [two, 2, HOST],
    ] as const) {
      await node.namespaces.batch(
        'x',
        'link set dev up0 up',
        `addr add 169.254.64.${number}/32 dev up0`,
        `route add ${other}/32 dev up0 scope link`,
      );
    }
    // Pod a lives on node one, pod b on node two.
    one.objects.remove('mapping', 'map-b').remove('mapping', 'map-b6');
    two.objects.remove('mapping', 'map-a').remove('mapping', 'map-a6');
    two.objects.remove('mapping', 'map-host').mapping('map-host', OTHER, 'vnic-host');
    for (const node of [one, two]) {
      node.objects.route('block', '10.65.0.0/26', { evalMapping: true });
      node.objects.route('block6', 'fd00:65::/64', { evalMapping: true });
    }
    await one.attach('a', 'cali-a', POD_A, POD_A6);
    await two.attach('b', 'cali-b', POD_B, POD_B6);
  });
  after(async () => {
    await two?.close();
    await one?.close();
  });

  const tunnel = (node: KernelNode, localIp: string, remoteIp: string, mac: string): void => {
    const spec = { vpc: key('vpc', 'cluster'), localIp, remoteIp, vni: 4096 };
    node.objects.put(object('tunnel', 'peer', spec));
    const via = { tunnel: key('tunnel', 'peer'), overlayMac: mac };
    const [pod, pod6] = node === one ? [POD_B, POD_B6] : [POD_A, POD_A6];
    node.objects.route('far-4', `${pod}/32`, via).route('far-6', `${pod6}/128`, via);
  };
  const settled = async (): Promise<void> => {
    await one.settled();
    await two.settled();
  };

  it('drops what no way leads to', async () => {
    expect(await one.namespaces.pings('a', POD_B)).to.be.false;
  });

  it('carries both families through VXLAN, under the policies of both nodes', async () => {
    tunnel(one, HOST, OTHER, MACS[1]);
    tunnel(two, OTHER, HOST, MACS[0]);
    await settled();
    const capture = outputOf(
      one.namespaces.spawn('x', 'tcpdump', '-l', '-n', '-i', 'up0', '-c', '2', 'udp port 4789'),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
    expect(await capture).to.match(/IP 172\.30\.0\.1\.\d+ > 172\.30\.0\.2\.4789: VXLAN.*vni 4096/);
    expect(await one.namespaces.pings('a', POD_B6)).to.be.true;
    expect(await two.namespaces.pings('b', POD_A)).to.be.true;
    two.objects.bindPod('b', [
      stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      stage('WORKLOAD', 'TO_PORT', []),
    ]);
    await settled();
    expect(await one.namespaces.pings('a', POD_B)).to.be.false;
    expect(await two.namespaces.pings('b', POD_A)).to.be.true;
    two.objects.bindPod('b');
    await settled();
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
  });

  it('tells a pod that a packet is too big for the tunnel', async () => {
    const big = await one.namespaces.try(
      'a',
      'ping',
      '-4',
      '-c',
      '1',
      '-M',
      'do',
      '-s',
      '1472',
      POD_B,
    );
    expect(big.stdout + big.stderr).to.match(/From 169\.254\.1\.1 .*Frag needed.*mtu = 1450/);
    const fits = ['-M', 'do', '-s', String(1450 - 28)];
    expect(await one.namespaces.pings('a', POD_B, ...fits)).to.be.true;
    expect(await one.namespaces.pings('a', POD_B, '-M', 'dont', '-s', '3000')).to.be.true;
    const argv = ['ping', '-6', '-c', '1', '-M', 'do', '-s', '1452', POD_B6];
    const big6 = await one.namespaces.try('a', ...argv);
    expect(big6.stdout + big6.stderr).to.match(/Packet too big: mtu=1450/);
    expect(await one.namespaces.pings('a', POD_B6, '-M', 'do', '-s', String(1450 - 48))).to.be.true;
  });

  it('takes no VXLAN from a node it does not know', async () => {
    two.objects.remove('route', 'far-4').remove('route', 'far-6').remove('tunnel', 'peer');
    await settled();
    expect(await one.namespaces.pings('a', POD_B)).to.be.false;
    tunnel(two, OTHER, HOST, MACS[0]);
    await settled();
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
  });

  it('leads by a next hop as the underlay reaches it, without encapsulation', async () => {
    for (const [node, pod, hop] of [
      [one, POD_B, OTHER],
      [two, POD_A, HOST],
    ] as const) {
      node.objects.put(object('nextHop', 'node', { ip: hop }));
      node.objects.route('far-4', `${pod}/32`, { nextHop: key('nextHop', 'node') });
    }
    await settled();
    const device = async (): Promise<string> =>
      one.namespaces.run('x', 'ip', 'route', 'show', 'table', '1003', POD_B);
    expect(await device()).to.contain(`via ${OTHER} dev up0`);
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
    // The underlay is changed by others: the way goes by its new gateway.
    await one.namespaces.batch('x', `route replace ${OTHER}/32 via 169.254.64.2 dev up0 onlink`);
    await until('another gateway', async () => (await device()).includes('via 169.254.64.2'));
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
  });

  it('reaches the other node itself from a pod, and its host from the host', async () => {
    await one.attachHost();
    await two.namespaces.batch(
      'h',
      'link set dev host0 up',
      `addr add ${OTHER}/32 dev host0`,
      'route add 169.254.1.1 dev host0 scope link',
      'route add default via 169.254.1.1 dev host0',
    );
    expect(await one.namespaces.pings('h', OTHER)).to.be.true;
    expect(await one.namespaces.pings('a', OTHER)).to.be.true;
  });

  it('asks the binding of the tunnel, and that of the uplink', async () => {
    tunnel(one, HOST, OTHER, MACS[1]);
    tunnel(two, OTHER, HOST, MACS[0]);
    one.objects.policy('none', [rule('DENY')], [rule('DENY')]);
    one.objects.bindPort('TUNNEL', [
      stage('FORWARD', 'TO_PORT', [
        { tierId: 't', policies: [key('networkPolicy', 'none')], defaultAction: 'DENY' },
      ]),
    ]);
    await settled();
    expect(await one.namespaces.pings('a', POD_B)).to.be.false;
    expect(await one.namespaces.pings('a', OTHER)).to.be.true;
    one.objects.remove('policyBinding', 'bind-tunnel');
    await settled();
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
  });

  it('sends nothing in clear when the device of a tunnel is gone and nobody looks', async () => {
    // Everything that no Route speaks of would leave by the wire.
    await one.namespaces.batch('x', 'route add default via 169.254.64.2 dev up0 onlink');
    await one.namespaces.batch('x', '-6 route add default dev up0');
    const sent = async (): Promise<string> => {
      const filter = `host ${POD_B} or host ${POD_B6} or host ${OTHER}`;
      const watch = one.namespaces.spawn('x', 'tcpdump', '-l', '-n', '-i', 'up0', filter);
      const seen = outputOf(watch);
      await new Promise((resolve) => setTimeout(resolve, 400));
      for (const ip of [OTHER, POD_B, POD_B6]) await one.namespaces.pings('a', ip);
      watch.kill('SIGTERM');
      return seen;
    };
    await one.xpu.close();
    for (const end of ['link set dev vx4096 down', 'link del dev vx4096']) {
      await one.namespaces.batch('x', end);
      const seen = await sent();
      expect(seen, 'what has no Route').to.contain(`> ${OTHER}: ICMP echo request`);
      expect(seen, end).not.to.contain(POD_B).and.not.to.contain(POD_B6);
    }
    await one.restart();
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
  });

  it('is taken over with its tunnels, and nothing is written', async () => {
    const watches = [
      one.namespaces.spawn('x', 'nft', 'monitor'),
      one.namespaces.spawn('x', 'ip', 'monitor', 'link', 'address', 'route', 'rule'),
      one.namespaces.spawn('x', 'bridge', 'monitor', 'fdb'),
    ];
    const seen = watches.map(outputOf);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await one.restart();
    for (const watch of watches) watch.kill('SIGTERM');
    expect((await Promise.all(seen)).join('').trim()).to.equal('');
    expect(await one.namespaces.pings('a', POD_B)).to.be.true;
  });
});
