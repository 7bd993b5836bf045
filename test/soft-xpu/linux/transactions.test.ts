/** What the kernel refuses, what goes together, and what tables hold. */
import { expect } from 'chai';
import { status } from '@grpc/grpc-js';
import { LinuxError } from '../../../src/soft-xpu/linux/errors.js';
import { serviceError } from '../../../src/soft-xpu/server/status.js';
import { needs } from '../../support/root.js';
import { key, object, POD_A, POD_B, rule } from '../node-words.js';
import { KernelNode } from './kernel-node.js';

describe('soft-xpu linux: transactions', function () {
  this.timeout(20_000);
  let node: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping'));
  before(async () => {
    node = await KernelNode.start(() => Promise.resolve({ limits: { networkPolicy: 5 } }));
    await node.attachPods();
  });
  after(() => node?.close());

  const refusal = (): Promise<unknown> =>
    node.settled().then(
      () => undefined,
      (error: unknown) => error,
    );

  it('answer INTERNAL for what the kernel refuses, leave the rest in force, and make it good later', async () => {
    // Somebody else has the name that the VF would get.
    await node.namespaces.batch('h', 'link add cali-z type veth peer name other');
    node.objects.vnic('vnic-z', 'cali-z', true);
    const error = await refusal();
    expect(error).to.be.instanceOf(LinuxError).with.property('code', 'refused');
    expect((error as Error).message).to.match(/vnic\/vnic-z: .* name cali-z .*File exists/);
    expect(serviceError(error, 'strict').code).to.equal(status.INTERNAL);
    expect(await node.namespaces.pings('a', POD_B)).to.be.true;
    expect(await refusal()).to.be.instanceOf(LinuxError);
    await node.namespaces.batch('h', 'link del dev cali-z');
    expect(await refusal()).to.equal(undefined);
    await node.namespaces.run('h', 'ip', 'link', 'show', 'dev', 'cali-z');
    expect(await node.namespaces.pings('a', POD_B)).to.be.true;
  });

  it('replace a ruleset that somebody took away', async () => {
    await node.namespaces.run('x', 'nft', 'delete', 'table', 'inet', 'calico-xpu');
    node.objects.policy('mine', [rule('ALLOW')]);
    // It was noticed before, or it is by the commit that fails.
    await refusal();
    expect(await refusal()).to.equal(undefined);
    expect(await node.namespaces.pings('a', POD_B)).to.be.true;
    const source = '10.65.0.77';
    await node.namespaces.batch('a', `addr add ${source}/32 dev eth0`);
    expect(await node.namespaces.pings('a', POD_B, '-I', source)).to.be.false;
  });

  it('take what is committed meanwhile together', async () => {
    const position = async (): Promise<number> => {
      const chains = await node.namespaces.run('x', 'nft', 'list', 'chains');
      return Number(/at-(\d+)/.exec(chains)?.[1]);
    };
    const before = await position();
    const answers: Promise<void>[] = [];
    for (let port = 1; port <= 40; port += 1) {
      node.objects.policy('mine', [rule('ALLOW', {}, `r${port}`)]);
      answers.push(node.settled());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(answers);
    expect((await position()) - before).to.be.within(1, 20);
    const counts = await node.xpu.dataPlane.ruleCounts('mine');
    expect(counts.map(({ ruleId }) => ruleId)).to.deep.equal(['r40']);
  });

  it('refuse what a table does not hold, and change nothing', async () => {
    for (let number = 0; number < 3; number += 1) node.objects.policy(`policy-${number}`, []);
    expect(() => node.objects.policy('policy-3', [])).to.throw('the networkPolicy table holds 5');
    expect(node.xpu.store.limits.vpc).to.equal(4094);
    await node.settled();
    expect(await node.namespaces.pings('a', POD_B)).to.be.true;
  });

  it('survive any of their parts: the state file is what the kernel has', async () => {
    node.objects.put(object('vpc', 'late-vpc', {}));
    node.objects.mapping('map-z', '10.65.0.55', 'vnic-z');
    await node.settled();
    await node.restart();
    expect(node.xpu.store.get(key('vpc', 'late-vpc'))).not.to.equal(undefined);
    expect(await node.namespaces.pings('b', POD_A)).to.be.true;
    const rules = await node.namespaces.run('x', 'ip', 'rule');
    expect(rules).to.contain('fwmark 0x20000/0xfff0000 lookup 1004');
  });

  it('replace the ruleset of another program or another uplink, and keep the life', async () => {
    const { bootId } = node.xpu.dataPlane;
    await node.namespaces.run('x', 'nft', 'add', 'chain', 'inet', 'calico-xpu', 'stale');
    await node.restart();
    expect(await node.namespaces.run('x', 'nft', 'list', 'chains')).to.contain('stale');
    await node.restart({ program: '9.9.9' });
    expect(await node.namespaces.run('x', 'nft', 'list', 'chains')).not.to.contain('stale');
    expect(node.xpu.dataPlane.bootId).to.equal(bootId);
    expect(await node.namespaces.pings('b', POD_A)).to.be.true;
  });
});
