/** Netdevs that are there before the XPU, as on a DPU in switchdev mode: used, and left as they are. */
import { expect } from 'chai';
import { errorText } from '../../../src/base/errors.js';
import { parseNetdevs, reservedNetdevs } from '../../../src/soft-xpu/linux/netdevs.js';
import { createLinuxXpu, removeLinuxXpu } from '../../../src/soft-xpu/linux-xpu.js';
import { needs } from '../../support/root.js';
import { HOST, POD_A, POD_A6, POD_B, POD_B6, stage } from '../node-words.js';
import { KernelNode } from './kernel-node.js';
import { outputOf, type TestNamespaces, until } from './namespaces.js';

/** Our names for Interfaces, and the machine's for their representors. */
const NETDEVS = 'cali-a=pf0vf0,cali-b=pf0vf1,cali-c=pf0vf2,host0=pf0hpf';
const WIRE = '192.0.2.1';
const POD_C = '10.65.0.3';

/** A machine with representors, an uplink, a management network of its own, and rules of its own. */
async function machine(namespaces: TestNamespaces): Promise<void> {
  for (const word of ['x', 'wire', 'm']) await namespaces.add(word);
  const pair = (name: string, peer: string, where: string): string =>
    `link add ${name} type veth peer name ${peer} netns ${namespaces.name(where)}`;
  await namespaces.batch(
    'x',
    pair('p0', 'eth0', 'wire'),
    pair('mgmt0', 'eth0', 'm'),
    pair('pf0vf0', 'cali-a', 'h'),
    pair('pf0vf1', 'cali-b', 'h'),
    pair('pf0hpf', 'host0', 'h'),
    ...['p0', 'mgmt0', 'pf0vf0', 'pf0vf1', 'pf0hpf'].map((name) => `link set dev ${name} up`),
    'addr add 192.0.2.2/24 dev p0',
    'addr add 203.0.113.2/24 dev mgmt0',
    'rule add from 203.0.113.77 lookup 77',
    'route add 198.51.100.0/24 via 203.0.113.1 dev mgmt0 table 77',
  );
  await namespaces.batch('wire', 'link set dev eth0 up', `addr add ${WIRE}/24 dev eth0`);
  await namespaces.batch('wire', 'route add 10.65.0.0/26 via 192.0.2.2');
  await namespaces.batch('m', 'link set dev eth0 up', 'addr add 203.0.113.1/24 dev eth0');
  await namespaces.run('x', 'nft', 'add table inet admin');
  await namespaces.run(
    'x',
    'nft',
    'add chain inet admin in { type filter hook input priority 0; policy accept; }',
  );
  await namespaces.run('x', 'nft', 'add rule inet admin in ip saddr 203.0.113.66 drop');
}

/** What is not ours, and the netdevs we were given, as text. */
async function surroundings({ run }: Pick<TestNamespaces, 'run'>): Promise<string> {
  const texts = [
    (await run('x', 'ip', '-br', 'link')).replace(
      /\b(UP|LOWERLAYERDOWN|UNKNOWN) +|,LOWER_UP|NO-CARRIER,/g,
      '',
    ),
    await run('x', 'ip', 'route', 'show', 'table', 'main'),
    await run('x', 'ip', 'route', 'show', 'table', '77'),
    await run('x', 'ip', 'addr', 'show', 'dev', 'mgmt0'),
    await run('x', 'nft', '-a', 'list', 'table', 'inet', 'admin'),
    await run('x', 'sh', '-c', 'sysctl net 2>/dev/null | grep -E "all|default|mgmt0|lo\\." | sort'),
  ];
  return texts.join('\n').replace(/valid_lft .*|nf_conntrack_\S+ = \d+| tentative/g, '');
}

describe('soft-xpu linux: netdevs that exist already', function () {
  this.timeout(30_000);
  let node: KernelNode;
  let before_: string;
  before(needs('root', 'ip', 'nft', 'conntrack', 'nsenter', 'ping', 'sysctl', 'tcpdump'));
  before(async () => {
    node = await KernelNode.start(async (namespaces) => {
      await machine(namespaces);
      const place = { uplink: 'p0', foreign: { table: parseNetdevs(NETDEVS), pattern: undefined } };
      const folder = `/tmp/${namespaces.name('off')}`;
      const netns = namespaces.name('x');
      const off = await createLinuxXpu({ ...place, netns, stateDir: folder }).then(
        () => undefined,
        (error: unknown) => errorText(error),
      );
      expect(off).to.contain('net/ipv4/ip_forward and net/ipv6/conf/all/forwarding');
      await removeLinuxXpu({ ...place, netns, stateDir: folder });
      const on = ['net/ipv4/ip_forward=1', 'net/ipv6/conf/all/forwarding=1'];
      await namespaces.run('x', 'sysctl', '-q', '-w', ...on);
      before_ = await surroundings({ run: (...argv) => namespaces.run(...argv) });
      return place;
    });
    await node.attachPods();
    await node.attachHost();
  });
  after(() => node?.close());

  const pings = (from: string, to: string): Promise<boolean> => node.namespaces.pings(from, to);
  const now = (): Promise<string> =>
    surroundings({ run: (...argv) => node.namespaces.run(...argv) });

  it('carries packets between them under policy', async () => {
    expect(await pings('a', POD_B)).to.be.true;
    expect(await pings('a', POD_B6)).to.be.true;
    expect(await pings('b', POD_A6)).to.be.true;
    expect(await pings('h', POD_A)).to.be.true;
    expect(await pings('wire', POD_A)).to.be.true;
    expect(await pings('a', WIRE)).to.be.true;
    node.objects.bindPod('b', [
      stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      stage('WORKLOAD', 'TO_PORT', []),
    ]);
    await node.settled();
    expect(await pings('a', POD_B)).to.be.false;
    expect(await pings('h', POD_A)).to.be.true;
    expect(await pings('wire', POD_B)).to.be.false;
  });

  it('leaves everything else of the machine as it was', async () => {
    expect(await now()).to.equal(before_);
    expect(await pings('m', '203.0.113.2')).to.be.true;
    expect(await pings('x', '203.0.113.1')).to.be.true;
    expect(await pings('wire', '192.0.2.2')).to.be.true;
  });

  it('tells and flushes no connection of the machine itself', async () => {
    expect(await pings('wire', POD_A)).to.be.true;
    const { dataPlane } = node.xpu;
    const ends = (await dataPlane.flows(() => true)).map(
      ({ original }) => `${original.source.text} ${original.destination.text}`,
    );
    expect(ends).to.include(`${WIRE} ${POD_A}`);
    expect(ends.filter((text) => text.includes('203.0.113.'))).to.deep.equal([]);
    const machineFlows = async (): Promise<number> =>
      (await node.namespaces.run('x', 'conntrack', '-L', '-d', '203.0.113.1')).split('\n').length;
    const before = await machineFlows();
    expect(before).to.be.greaterThan(1);
    expect(await dataPlane.flushFlows(() => true)).to.equal(ends.length);
    expect(await dataPlane.flowCount()).to.equal(0);
    expect(await machineFlows()).to.equal(before);
  });

  it('keeps its ports from the machine’s services and networks, and these from its ports', async () => {
    const { namespaces, objects } = node;
    const answer = "require('net').createServer((s) => s.end()).listen(50151, '0.0.0.0')";
    const server = namespaces.spawn('x', process.execPath, '-e', answer);
    const reaches = async (from: string, ip: string): Promise<boolean> => {
      const connect = `timeout 0.5 bash -c 'exec 3<>/dev/tcp/${ip}/50151'`;
      return (await namespaces.try(from, 'sh', '-c', connect)).code === 0;
    };
    objects.bindPod('a', undefined, { toHostAction: 'ACCEPT' });
    await node.settled();
    await namespaces.batch('m', 'route add 10.65.0.0/26 via 203.0.113.2');
    await until('a listener', () => reaches('m', '203.0.113.2'));
    expect(await reaches('wire', '192.0.2.2')).to.be.true;
    for (const ip of ['169.254.1.1', '203.0.113.2', '192.0.2.2']) {
      for (const from of ['a', 'h']) expect(await reaches(from, ip), `${from} ${ip}`).to.be.false;
    }
    expect(await pings('a', '169.254.1.1')).to.be.true;
    expect(await pings('x', POD_A)).to.be.true;
    expect(await pings('a', '203.0.113.1')).to.be.false;
    expect(await pings('m', POD_A)).to.be.false;
    server.kill('SIGKILL');
    objects.bindPod('a');
    await node.settled();
  });

  it('leaves the machine its own ways, whatever Routes say', async () => {
    for (const [id, prefix] of [
      ['management', '203.0.113.0/24'],
      ['underlay', '192.0.2.0/24'],
    ] as const) {
      node.objects.route(id, prefix, { evalMapping: true });
    }
    await node.settled();
    expect(await pings('x', '203.0.113.1')).to.be.true;
    expect(await pings('m', '203.0.113.2')).to.be.true;
    expect(await pings('x', WIRE)).to.be.true;
    expect(await pings('a', WIRE)).to.be.false;
    expect(await pings('x', POD_A)).to.be.true;
    node.objects.remove('route', 'management').remove('route', 'underlay');
    await node.settled();
    expect(await pings('a', WIRE)).to.be.true;
  });

  it('tells the wire of its pods and the node alone', async () => {
    const { namespaces } = node;
    const others = ['169.254.169.254', '203.0.113.1', '198.51.100.1', '10.65.0.9'];
    await namespaces.batch('wire', ...others.map((ip) => `route add ${ip} dev eth0`));
    await namespaces.batch('wire', ...[POD_A, HOST].map((ip) => `route replace ${ip} dev eth0`));
    for (const ip of [...others, POD_A, HOST]) {
      await namespaces.try('wire', 'ping', '-c', '1', '-W', '0.2', ip);
      const seen = await namespaces.run('wire', 'ip', 'neigh', 'show', ip);
      expect(seen.includes('lladdr'), ip).to.equal(!others.includes(ip));
    }
  });

  it('leads nobody to a pod while the ruleset is gone, and is back at once', async () => {
    const { namespaces } = node;
    const watch = namespaces.spawn('b', 'tcpdump', '-l', '-n', '-i', 'eth0', 'icmp');
    const seen = outputOf(watch);
    await new Promise((resolve) => watch.stderr?.once('data', resolve));
    const floods = ['a', 'wire', 'm'].map((from) =>
      namespaces.spawn(from, 'ping', '-q', '-i', '0.002', POD_B),
    );
    for (let round = 0; round < 5; round += 1) {
      await namespaces.run('x', 'nft', 'delete', 'table', 'inet', 'calico-xpu');
      await until('the table is back', async () =>
        (await namespaces.run('x', 'nft', 'list', 'chains')).includes('chain at-'),
      );
    }
    for (const flood of floods) flood.kill('SIGINT');
    watch.kill('SIGTERM');
    expect((await seen).split('echo request').length - 1).to.equal(0);
    expect(await pings('wire', POD_A)).to.be.true;
    expect(await now()).to.equal(before_);
  });

  it('waits for a netdev that is down or missing, and takes it when it comes', async () => {
    expect(await pings('a', HOST)).to.be.false;
    await node.namespaces.batch('x', 'link set dev pf0vf0 down');
    expect(await pings('wire', POD_A)).to.be.false;
    await node.namespaces.batch('x', 'link set dev pf0vf0 up');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await node.settled();
    expect(await pings('wire', POD_A)).to.be.true;
    expect(await pings('a', WIRE)).to.be.true;
  });

  it('closes a representor that no Interface speaks of', async () => {
    const { namespaces, objects } = node;
    await namespaces.add('c');
    const peer = `name eth0 netns ${namespaces.name('c')}`;
    await namespaces.batch('x', `link add pf0vf2 type veth peer ${peer}`, 'link set dev pf0vf2 up');
    // Whoever is there believes itself to be pod b, and needs no help to reach the machine.
    await namespaces.batch(
      'c',
      'link set dev eth0 up',
      `addr add ${POD_B}/32 dev eth0`,
      `addr add ${POD_C}/32 dev eth0`,
      'route add default dev eth0',
    );
    await namespaces.batch('x', `route add ${POD_C}/32 dev pf0vf2`);
    await namespaces.run('x', 'sysctl', '-q', '-w', 'net/ipv4/conf/pf0vf2/proxy_arp=1');
    await namespaces.run('x', 'sysctl', '-q', '-w', 'net/ipv4/conf/pf0vf2/rp_filter=0');
    const received = async (from: string): Promise<number> => {
      const watch = namespaces.spawn('a', 'tcpdump', '-l', '-n', '-i', 'eth0', 'icmp');
      const seen = outputOf(watch);
      await new Promise((resolve) => watch.stderr?.once('data', resolve));
      await pings(from, POD_A);
      await new Promise((resolve) => setTimeout(resolve, 200));
      watch.kill('SIGTERM');
      return (await seen).split('echo request').length - 1;
    };
    expect(await received('wire')).to.equal(2);
    expect(await received('c'), 'no Interface yet').to.equal(0);
    expect(await pings('wire', POD_C)).to.be.false;
    objects.vnic('vnic-c', 'cali-c', true);
    await node.settled();
    expect(await received('c'), 'no binding').to.equal(0);
    objects.remove('vnic', 'vnic-c').remove('interface', 'if-vnic-c');
    await node.settled();
    expect(await received('c'), 'no Interface any more').to.equal(0);
    await namespaces.delete('c');
    await until('the end of pf0vf2', async () => (await now()).indexOf('pf0vf2') < 0);
  });

  it('knows its representors by the pattern, whatever their Interfaces are called', () => {
    const foreign = { table: parseNetdevs('cali-z=en7,up=p0'), pattern: 'pf{pf}vf{vf}' };
    const reserved = reservedNetdevs(foreign, 'p0');
    expect([...reserved].filter((name) => !name.startsWith('pf'))).to.deep.equal(['en7']);
    expect(reserved).to.include.all.keys('pf0vf0', 'pf7vf255').and.to.have.property('size', 2049);
  });

  it('is adopted as any other, and removed without a trace', async () => {
    const { bootId } = node.xpu.dataPlane;
    await node.restart();
    expect(node.xpu.dataPlane.bootId).to.equal(bootId);
    expect(await pings('wire', POD_A)).to.be.true;
    await node.xpu.close();
    await removeLinuxXpu(node.options);
    expect(await now()).to.equal(before_);
    const left = await node.namespaces.run('x', 'sh', '-c', 'ip rule; ip -6 rule; nft list tables');
    expect(left).not.to.match(/proto 199|calico-xpu/);
    expect(await node.namespaces.run('x', 'ip', 'addr', 'show', 'dev', 'lo')).not.to.contain(
      '169.254',
    );
    expect(await node.namespaces.run('x', 'ip', 'neigh', 'show', 'nud', 'permanent')).to.equal('');
  });
});
