/** Pods of one node, with real packets through the kernel. */
import { expect } from 'chai';
import { needs } from '../../support/root.js';
import {
  HOST,
  HOST6,
  key,
  object,
  POD_A,
  POD_A6,
  POD_B,
  POD_B6,
  rule,
  side,
  stage,
  tier,
} from '../node-words.js';
import { KernelNode } from './kernel-node.js';
import { until } from './namespaces.js';

describe('soft-xpu linux: pods of a node', function () {
  this.timeout(20_000);
  let node: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping'));
  before(async () => {
    node = await KernelNode.start();
    await node.attachPods();
    await node.attachHost();
  });
  after(() => node?.close());

  const pings = (from: string, to: string): Promise<boolean> => node.namespaces.pings(from, to);

  it('carries both families between pods, and from the host to a pod', async () => {
    expect(await pings('a', POD_B)).to.be.true;
    expect(await pings('a', POD_B6)).to.be.true;
    expect(await pings('h', POD_A)).to.be.true;
    expect(await pings('h', POD_A6)).to.be.true;
  });

  it('asks the policies of both pods, and follows every change at once', async () => {
    const { objects } = node;
    const denied = [rule('DENY', { source: side({ prefixes: [`${POD_A}/32`] }) }), rule('ALLOW')];
    objects.policy('mine', denied, [rule('ALLOW')]);
    objects.bindPod('b', [
      stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      stage('WORKLOAD', 'TO_PORT', [tier('t', ['mine'])]),
    ]);
    await node.settled();
    expect(await pings('a', POD_B)).to.be.false;
    expect(await pings('a', POD_B6)).to.be.true;
    const [count] = await node.xpu.dataPlane.ruleCounts('mine');
    expect(count?.count.packets).to.equal(2);
    objects.bindPod('b');
    await node.settled();
    expect(await pings('a', POD_B)).to.be.true;
  });

  it('denies both ways without a binding, the host included', async () => {
    node.objects.remove('policyBinding', 'bind-b');
    await node.settled();
    expect(await pings('a', POD_B)).to.be.false;
    expect(await pings('h', POD_B)).to.be.false;
    expect(await pings('b', POD_A)).to.be.false;
    const { drops } = await node.xpu.dataPlane.totalCounts();
    expect(drops.get('NO_BINDING')?.packets).to.be.greaterThan(3);
    node.objects.bindPod('b');
    await node.settled();
    expect(await pings('a', POD_B)).to.be.true;
  });

  it('answers a pod for its gateway, and hands it to the host only where the binding says so', async () => {
    expect(await pings('a', HOST)).to.be.false;
    node.objects.bindPod('a', undefined, { toHostAction: 'ACCEPT' });
    await node.settled();
    expect(await pings('a', HOST)).to.be.true;
    expect(await pings('a', HOST6)).to.be.true;
    await node.namespaces.batch('h', 'addr add 169.254.169.254/32 dev lo');
    expect(await pings('a', '169.254.169.254')).to.be.true;
    node.objects.bindPod('a');
    await node.settled();
    expect(await pings('a', '169.254.169.254')).to.be.false;
    await node.settled();
  });

  it('drops what a pod sends from an address that is not its own', async () => {
    await node.namespaces.batch('a', 'addr add 10.65.0.77/32 dev eth0');
    expect(await node.namespaces.pings('a', POD_B, '-I', '10.65.0.77')).to.be.false;
    const { drops } = await node.xpu.dataPlane.totalCounts();
    expect(drops.get('SOURCE')?.packets).to.be.greaterThan(1);
  });

  it('makes the pair of a pod anew whose namespace is gone', async () => {
    await node.namespaces.delete('b');
    const there = async (): Promise<boolean> =>
      (await node.namespaces.try('h', 'ip', 'link', 'show', 'dev', 'cali-b')).code === 0;
    await until('a new VF', there);
    await node.settled();
    await node.attach('b', 'cali-b', POD_B, POD_B6);
    expect(await pings('a', POD_B)).to.be.true;
    expect(await pings('a', POD_B6)).to.be.true;
  });

  it('forgets the flows of an address that another pod gets', async () => {
    expect(await pings('a', POD_B)).to.be.true;
    const ofB = async (): Promise<number> => {
      const flows = await node.xpu.dataPlane.flows(
        ({ original }) => original.destination.text === POD_B,
      );
      return flows.length;
    };
    expect(await ofB()).to.be.greaterThan(0);
    node.objects.remove('mapping', 'map-b');
    await node.settled();
    expect(await ofB()).to.equal(0);
    expect(await pings('a', POD_B)).to.be.false;
    node.objects.mapping('map-b', POD_B, 'vnic-b');
    await node.settled();
    expect(await pings('a', POD_B)).to.be.true;
  });

  it('lists flows with their ports, and flushes those that are chosen', async () => {
    expect(await pings('a', POD_B6)).to.be.true;
    const { dataPlane } = node.xpu;
    const isIt = (flow: { original: { destination: { text: string } } }): boolean =>
      flow.original.destination.text === POD_B6;
    const [flow] = await dataPlane.flows(isIt);
    expect(flow?.entry).to.deep.equal({ kind: 'vnic', id: 'vnic-a' });
    expect(flow?.exit).to.deep.equal({ kind: 'vnic', id: 'vnic-b' });
    expect(flow?.state).to.equal('ESTABLISHED');
    expect(flow?.packetCount).to.equal(4);
    const others = (await dataPlane.flowCount()) - (await dataPlane.flows(isIt)).length;
    expect(await dataPlane.flushFlows(isIt)).to.be.greaterThan(0);
    expect(await dataPlane.flows(isIt)).to.deep.equal([]);
    expect(await dataPlane.flowCount()).to.equal(others);
  });

  it('keeps two routing domains with the same addresses apart', async () => {
    const { objects } = node;
    objects.put(object('routeTable', 'other-4', { family: 4 }));
    objects.put(object('vpc', 'other', { v4RouteTable: key('routeTable', 'other-4') }));
    objects.put(object('subnet', 'others', { vpc: key('vpc', 'other') }));
    for (const [pod, ip] of [
      ['c', POD_A],
      ['d', POD_B],
    ] as const) {
      const subnet = key('subnet', 'others');
      objects.vnic(`vnic-${pod}`, `cali-${pod}`, true, { subnet });
      const spec = {
        vpc: key('vpc', 'other'),
        subnet,
        ip,
        destination: key('vnic', `vnic-${pod}`),
      };
      objects.put(object('mapping', `map-${pod}`, spec));
      const bound = { ...objects.bindingSpec('a'), port: { vnic: key('vnic', `vnic-${pod}`) } };
      const allowedSources = [`${ip}/32`];
      objects.put(object('policyBinding', `bind-${pod}`, { ...bound, allowedSources }));
    }
    await node.settled();
    await node.attach('c', 'cali-c', POD_A);
    await node.attach('d', 'cali-d', POD_B);
    expect(await pings('c', POD_B)).to.be.true;
    expect(await pings('a', POD_B)).to.be.true;
    const received = async (pod: string): Promise<number> => {
      const text = await node.namespaces.run(pod, 'ip', '-s', '-j', 'link', 'show', 'dev', 'eth0');
      const [link] = JSON.parse(text) as { stats64: { rx: { packets: number } } }[];
      return link?.stats64.rx.packets ?? NaN;
    };
    const before = await received('d');
    expect(await pings('a', POD_B)).to.be.true;
    expect(await received('d')).to.be.lessThan(before + 2);
    expect(await pings('c', POD_B)).to.be.true;
    expect(await received('d')).to.be.at.least(before + 2);
    objects.remove('policyBinding', 'bind-d');
    await node.settled();
    expect(await pings('c', POD_B)).to.be.false;
    expect(await pings('a', POD_B)).to.be.true;
  });
});
