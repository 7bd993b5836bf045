/** Objects that the kernel does not want: they concern those who ask for them, and nobody else's netdev or flow. */
import {
  credentials,
  makeGenericClientConstructor,
  status,
  type Client,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { opiPackage } from '../../../src/opi/codec/package.js';
import { Kernel } from '../../../src/soft-xpu/linux/kernel.js';
import type { NetItem } from '../../../src/soft-xpu/linux/network/item.js';
import { vethPair } from '../../../src/soft-xpu/linux/network/links.js';
import { route } from '../../../src/soft-xpu/linux/network/routing.js';
import { stepsOf } from '../../../src/soft-xpu/linux/network/steps.js';
import { linkNameInMaking } from '../../../src/soft-xpu/linux/names.js';
import { startServer, type RunningServer } from '../../../src/soft-xpu/server.js';
import { needs } from '../../support/root.js';
import { binding, key, object, POD_B, stage } from '../node-words.js';
import { RawClient } from '../server/server-fixture.js';
import { KernelNode } from './kernel-node.js';
import { outputOf, until } from './namespaces.js';

const CLOUD = 'opi_api.network.cloud.v1alpha1.CloudInfraService';
const BINDINGS = 'opi_api.network.k8s.v1alpha1.PolicyBindingService';

/** Why a node is not as its objects say; '' if it is. */
function refusalOf(node: KernelNode): Promise<string> {
  return node.settled().then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
}

describe('soft-xpu linux: what the kernel refuses', function () {
  this.timeout(30_000);
  let node: KernelNode;
  let server: RunningServer;
  const clients: Client[] = [];
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping'));
  beforeEach(async () => {
    node = await KernelNode.start();
    await node.attachPods();
    await serve();
  });
  afterEach(async () => {
    await unserve();
    await node?.close();
  });

  async function serve(): Promise<void> {
    server = await startServer(node.xpu, { listen: [`unix:${node.path('xpu.sock')}`] });
  }

  async function unserve(): Promise<void> {
    for (const client of clients.splice(0)) client.close();
    await server?.stop();
  }

  function client(service: string): RawClient {
    const Constructor = makeGenericClientConstructor(
      opiPackage()[service] as ServiceDefinition,
      service,
    );
    const made = new Constructor(`unix:${node.path('xpu.sock')}`, credentials.createInsecure());
    clients.push(made);
    return new RawClient(made);
  }

  async function createInterface(pod: string): Promise<void> {
    const spec = {
      admin_status: 'IF_STATUS_UP',
      host_if_spec: { vf: true, ifname: `cali-${pod}` },
    };
    await client(CLOUD).call('CreateInterface', { interface_id: `if-${pod}`, interface: { spec } });
  }

  const vnic = (pod: string, mac?: number[]) => ({
    vnic_id: `vnic-${pod}`,
    vnic: {
      spec: {
        subnet_name_ref: 'subnets/pool',
        host_if_name_ref: `interfaces/if-${pod}`,
        ...(mac === undefined ? {} : { mac_address: Buffer.from(mac) }),
      },
    },
  });
  const pings = (from: string, to: string): Promise<boolean> => node.namespaces.pings(from, to);
  const hostLink = (name: string): Promise<string> =>
    node.namespaces.run('h', 'ip', '-d', '-j', 'link', 'show', 'dev', name);

  it('fails its own call alone: policy, other pods and the next start go on without it', async () => {
    await node.namespaces.batch('h', 'link add cali-z type veth peer name other');
    const foreign = await hostLink('cali-z');
    await createInterface('z');
    const failure = await client(CLOUD).failure('CreateVnic', vnic('z'));
    expect(failure.code).to.equal(status.INTERNAL);
    expect(failure.details).to.match(/vnic\/vnic-z: .*cali-z.*File exists/);
    // Of the other calls every one is answered, and in force.
    expect(await pings('a', POD_B)).to.be.true;
    await client(BINDINGS).call('DeletePolicyBinding', { name: 'policyBindings/bind-b' });
    expect(await pings('a', POD_B)).to.be.false;
    await createInterface('y');
    await client(CLOUD).call('CreateVnic', vnic('y'));
    await hostLink('cali-y');

    await unserve();
    await node.restart();
    await serve();
    expect(await pings('a', POD_B)).to.be.false;
    const again = { vnic: { ...vnic('z').vnic, name: 'vnic/vnic-z' }, name: 'vnic/vnic-z' };
    expect(await client(CLOUD).code('UpdateVnic', again)).to.equal(status.INTERNAL);
    await client(CLOUD).call('DeleteVnic', { name: 'vnic/vnic-z' });
    await client(CLOUD).call('DeleteInterface', { name: 'interfaces/if-z' });
    await node.settled();
    expect(await hostLink('cali-z')).to.equal(foreign);
    expect(await node.namespaces.run('x', 'ip', '-br', 'link')).not.to.match(/cali-z|cxm\./);
  });

  it('is tried again by itself, with everything that stands on it', async () => {
    await node.namespaces.batch('h', 'link add cali-z type veth peer name other');
    await createInterface('z');
    expect(await client(CLOUD).code('CreateVnic', vnic('z'))).to.equal(status.INTERNAL);
    node.objects.mapping('map-z', '10.65.0.9', 'vnic-z');
    await node.xpu.dataPlane.settled([key('mapping', 'map-z')]);
    await node.namespaces.batch('h', 'link del dev cali-z');
    const routes = (): Promise<string> =>
      node.namespaces.run('x', 'ip', 'route', 'show', 'table', '1002');
    await until('a pair', async () => (await routes()).includes('10.65.0.9 dev cali-z'));
    await node.settled();
    await hostLink('cali-z');
  });

  it('leaves a netdev alone that has the name of a representor, in the XPU and in the host', async () => {
    await node.namespaces.batch(
      'x',
      'link add mgmt0 type veth peer name mgmt1',
      'link set dev mgmt0 address 02:00:00:00:77:77',
    );
    const mgmt = (): Promise<string> =>
      node.namespaces.run('x', 'ip', '-d', '-j', 'link', 'show', 'mgmt0');
    const foreign = await mgmt();
    node.objects.vnic('vnic-m', 'mgmt0', true).mapping('map-m', '10.65.0.9', 'vnic-m');
    const refusal = (): Promise<string> => refusalOf(node);
    expect(await refusal()).to.match(/vnic\/vnic-m: .*mgmt0.*File exists/);
    expect(await refusal()).to.match(/vnic\/vnic-m: .*mgmt0.*File exists/);
    expect(await mgmt()).to.equal(foreign);
    expect(await node.namespaces.run('x', 'ip', 'route', 'show', 'table', '1002')).not.to.contain(
      'mgmt0',
    );
    expect(
      (await node.namespaces.try('h', 'ip', 'link', 'show', 'dev', 'mgmt0')).code,
    ).not.to.equal(0);
    await node.restart();
    expect(await mgmt()).to.equal(foreign);
    for (const gone of [key('mapping', 'map-m'), key('vnic', 'vnic-m')]) {
      node.xpu.store.apply({ op: 'delete', key: gone });
    }
    expect(await refusal()).to.equal('');
    expect(await mgmt()).to.equal(foreign);
  });

  it('does not take another netdev for a VF that went to its pod', async () => {
    await node.namespaces.batch('h', 'link add cali-a type veth peer name other');
    const foreign = await hostLink('cali-a');
    const stored = node.xpu.store.get(key('vnic', 'vnic-a'));
    const spec = { ...stored?.object.spec, mac: '02:00:00:00:99:99' };
    node.objects.put(object('vnic', 'vnic-a', spec as never));
    await node.settled();
    expect(await hostLink('cali-a')).to.equal(foreign);
  });

  it('clears away what was left of a making that was cut short', async () => {
    await unserve();
    await node.xpu.close();
    const making = linkNameInMaking('cali-z');
    const peer = `peer name cali-z netns ${node.namespaces.name('h')}`;
    await node.namespaces.batch('x', `link add name ${making} type veth ${peer}`);
    await node.restart();
    await serve();
    expect(await node.namespaces.run('x', 'ip', '-br', 'link')).not.to.contain('cxm.');
    await createInterface('z');
    await client(CLOUD).call('CreateVnic', vnic('z'));
  });

  it('keeps no other step from being taken, even where its program gives up', async () => {
    const kernel = new Kernel({
      netns: `/run/netns/${node.namespaces.name('x')}`,
      hostNetns: undefined,
    });
    const pair = (name: string, peerNetns: string): NetItem[] =>
      vethPair({ name, mac: 'ee:ee:ee:ee:ee:ee', mtu: 1500, peerNetns });
    const nowhere = `/run/netns/${node.namespaces.name('nowhere')}`;
    const host = `/run/netns/${node.namespaces.name('h')}`;
    const wanted = [
      ...pair('cali-p', host),
      ...pair('cali-q', nowhere),
      ...pair('cali-r', host),
      route(1002, '10.65.9.9/32', { blackhole: true }),
    ];
    const changes = wanted.map((after) => ({ id: after.id, before: undefined, after }));
    const { before, after } = stepsOf(changes);
    const { done, waiting, refused } = await kernel.take([...before, ...after]);
    const ids = (steps: readonly { id: string }[]): string[] => steps.map(({ id }) => id);
    expect(ids(refused.map(({ step }) => step))).to.deep.equal(['link cali-q']);
    expect(refused[0]?.complaint).to.match(/link add .*nowhere.*Invalid "netns" value/);
    expect(ids(waiting)).to.have.members(['setting cali-q', 'up cali-q']);
    expect(ids(done)).to.include.members(['link cali-p', 'up cali-p', 'link cali-r', 'up cali-r']);
    const links = await node.namespaces.run('x', 'ip', '-br', 'link');
    expect(links).to.contain('cali-p').and.to.contain('cali-r').and.not.to.contain('cali-q');
    expect(links).not.to.contain('cxm.');
    const routes = await node.namespaces.run('x', 'ip', 'route', 'show', 'table', '1002');
    expect(routes).to.contain('blackhole 10.65.9.9');
  });

  it('is not offered a MAC address of a group, or of nobody', async () => {
    await createInterface('z');
    for (const mac of [
      [1, 0, 0x5e, 0, 0, 1],
      [0, 0, 0, 0, 0, 0],
    ]) {
      const failure = await client(CLOUD).failure('CreateVnic', vnic('z', mac));
      expect(failure.code).to.equal(status.INVALID_ARGUMENT);
      expect(failure.details).to.contain('spec.mac');
    }
  });
});

describe('soft-xpu linux: flows of an address that was left', function () {
  this.timeout(30_000);
  let node: KernelNode;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping', 'tcpdump'));
  before(async () => {
    node = await KernelNode.start();
    await node.attachPods();
  });
  after(() => node?.close());

  const flowsOf = async (ip: string): Promise<number> =>
    (await node.xpu.dataPlane.flows(({ original }) => original.destination.text === ip)).length;

  it('never reach who gets the address, not for a moment', async () => {
    const { namespaces, objects } = node;
    objects.vnic('vnic-c', 'cali-c', true);
    const closed = [
      stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      stage('WORKLOAD', 'TO_PORT', []),
    ];
    const port = { vnic: key('vnic', 'vnic-c') };
    objects.put(
      object('policyBinding', 'bind-c', {
        ...binding(port, closed, { allowedSources: [`${POD_B}/32`] }),
      }),
    );
    await node.settled();
    await node.attach('c', 'cali-c', POD_B);
    const watch = namespaces.spawn('c', 'tcpdump', '-l', '-n', '-i', 'eth0', 'icmp');
    const seen = outputOf(watch);
    await new Promise((resolve) => watch.stderr?.once('data', resolve));
    for (let round = 0; round < 5; round += 1) {
      const args = ['-q', '-i', '0.002', '-w', '1', POD_B];
      const ping = outputOf(namespaces.spawn('a', 'ping', ...args));
      await new Promise((resolve) => setTimeout(resolve, 200));
      objects.mapping('map-b', POD_B, 'vnic-c');
      await node.settled();
      expect(await ping).to.match(/ [1-9]\d* received/);
      objects.mapping('map-b', POD_B, 'vnic-b');
      await node.settled();
    }
    watch.kill('SIGTERM');
    expect((await seen).split('echo request').length - 1).to.equal(0);
  });

  it('are forgotten by the next life, if this one did not come to it', async () => {
    expect(await node.namespaces.pings('a', POD_B)).to.be.true;
    expect(await flowsOf(POD_B)).to.be.greaterThan(0);
    // A program that does not end well stands for a death between the ruleset and the flows.
    const { PATH } = process.env;
    const folder = mkdtempSync(join(tmpdir(), 'cxn-'));
    writeFileSync(join(folder, 'conntrack'), '#!/bin/sh\necho died >&2\nexit 1\n', { mode: 0o755 });
    process.env['PATH'] = `${folder}:${PATH ?? ''}`;
    try {
      node.objects.remove('mapping', 'map-b');
      expect(await refusalOf(node)).to.contain('died');
      await node.xpu.close();
    } finally {
      process.env['PATH'] = PATH;
      rmSync(folder, { recursive: true, force: true });
    }
    expect(await flowsOf(POD_B)).to.be.greaterThan(0);
    await node.restart();
    expect(await flowsOf(POD_B)).to.equal(0);
  });
});
