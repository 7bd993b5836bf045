/** Others may flush the whole ruleset, as the restart of a firewall service does: nothing opens, and it is back at once. */
import { expect } from 'chai';
import { needs } from '../../support/root.js';
import { FAR, HOST, key, object, POD_A, POD_B, stage } from '../node-words.js';
import { KernelNode } from './kernel-node.js';
import { outputOf, until } from './namespaces.js';

const STRANGER = '10.65.0.77';
const FLUSHES = 12;

describe('soft-xpu linux: a ruleset that others flush', function () {
  this.timeout(30_000);
  let node: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping', 'tcpdump'));
  before(async () => {
    node = await KernelNode.start(async (namespaces) => {
      for (const word of ['x', 'wire']) await namespaces.add(word);
      const pair = `type veth peer name eth0 netns ${namespaces.name('wire')}`;
      await namespaces.batch('x', `link add up0 ${pair}`, 'link set dev up0 up');
      await namespaces.batch(
        'wire',
        'link set dev eth0 up',
        'addr add 192.0.2.1/24 dev eth0',
        'route add 10.65.0.0/24 dev eth0',
      );
      await namespaces.batch('x', 'addr add 192.0.2.2/24 dev up0');
      return { uplink: 'up0' };
    });
    await node.attachPods();
    await node.attachHost();
    await node.namespaces.batch('a', `addr add ${STRANGER}/32 dev eth0`);
  });
  after(() => node?.close());

  const pings = (from: string, to: string): Promise<boolean> => node.namespaces.pings(from, to);
  const bindB = (profiles: readonly string[]): Promise<void> => {
    node.objects.bindPod('b', [
      stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      stage('WORKLOAD', 'TO_PORT', [], profiles),
    ]);
    return node.settled();
  };

  /** How many echo requests come in at an end while the ruleset is flushed again and again. */
  async function arrivals(
    from: string,
    at: string,
    ip: string,
    ...more: string[]
  ): Promise<number> {
    const { namespaces } = node;
    const watch = namespaces.spawn(at, 'tcpdump', '-l', '-n', '-i', 'eth0', 'icmp');
    const seen = outputOf(watch);
    await new Promise((resolve) => watch.stderr?.once('data', resolve));
    const flood = namespaces.spawn(from, 'ping', '-q', '-i', '0.002', ...more, ip);
    const ended = outputOf(flood);
    for (let round = 0; round < FLUSHES; round += 1) {
      await namespaces.run('x', 'nft', 'flush', 'ruleset');
      await until('the table is back', hasTable);
    }
    flood.kill('SIGINT');
    expect(Number(/(\d+) packets transmitted/.exec(await ended)?.[1])).to.be.greaterThan(50);
    watch.kill('SIGTERM');
    return (await seen).split('echo request').length - 1;
  }

  async function hasTable(): Promise<boolean> {
    const text = await node.namespaces.run('x', 'nft', 'list', 'chains', 'inet');
    return text.includes('chain at-');
  }

  it('what is denied stays denied, between pods and from the wire', async () => {
    await bindB([]);
    expect(await arrivals('a', 'b', POD_B)).to.equal(0);
    expect(await arrivals('wire', 'b', POD_B)).to.equal(0);
  });

  it('a pod that may send nothing does not reach the wire', async () => {
    node.objects.bindPod('a', []);
    await node.settled();
    expect(await arrivals('a', 'wire', '192.0.2.1')).to.equal(0);
    node.objects.bindPod('a');
    await node.settled();
  });

  it('a source that is not the pod’s own stays out', async () => {
    await bindB(['allow-all']);
    expect(await arrivals('a', 'b', POD_B, '-I', STRANGER)).to.equal(0);
  });

  it('what is allowed goes on when it is back, what the wire asks for among it', async () => {
    expect(await pings('a', POD_B)).to.be.true;
    expect(await pings('h', POD_A)).to.be.true;
    await node.namespaces.batch('wire', 'neigh flush dev eth0');
    expect(await pings('wire', POD_A)).to.be.true;
  });
});

describe('soft-xpu linux: what the uplink answers for', function () {
  this.timeout(20_000);
  let node: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping'));
  before(async () => {
    node = await KernelNode.start(async (namespaces) => {
      for (const word of ['x', 'wire']) await namespaces.add(word);
      const pair = `type veth peer name eth0 netns ${namespaces.name('wire')}`;
      await namespaces.batch('x', `link add up0 ${pair}`, 'link set dev up0 up');
      await namespaces.batch('wire', 'link set dev eth0 up', 'route add default dev eth0');
      await namespaces.batch('wire', 'addr add 192.0.2.1/24 dev eth0');
      await namespaces.batch('x', 'addr add 192.0.2.2/24 dev up0');
      return { uplink: 'up0' };
    });
    await node.attachPods();
    await node.attachHost();
    const ends = { localIp: HOST, remoteIp: '172.30.0.2', vni: 4096 };
    const { objects } = node;
    objects.put(object('tunnel', 'tun-1', { vpc: key('vpc', 'cluster'), ...ends }));
    objects.route('remote', '10.66.0.0/16', { tunnel: key('tunnel', 'tun-1') });
    objects.route('block', '10.65.0.0/26', { evalMapping: true });
    await node.settled();
  });
  after(() => node?.close());

  const isAnswered = async (ip: string): Promise<boolean> => {
    await node.namespaces.try('wire', 'ping', '-c', '1', '-W', '0.2', ip);
    const text = await node.namespaces.run('wire', 'ip', 'neigh', 'show', ip);
    return text.includes('lladdr');
  };

  it('pods and the node, and its own address on the wire', async () => {
    for (const ip of [POD_A, POD_B, HOST, '192.0.2.2']) expect(await isAnswered(ip), ip).to.be.true;
    node.objects.remove('mapping', 'map-b');
    await node.settled();
    await node.namespaces.batch('wire', 'neigh flush dev eth0');
    expect(await isAnswered(POD_B), 'gone').to.be.false;
    expect(await isAnswered(POD_A), 'still there').to.be.true;
  });

  it('nobody else: link-local addresses, gateways, blocks, what is behind tunnels', async () => {
    for (const ip of [
      '169.254.169.254',
      '169.254.1.1',
      '10.65.0.9',
      '10.66.0.9',
      '172.30.0.2',
      FAR,
    ]) {
      expect(await isAnswered(ip), ip).to.be.false;
    }
  });
});
