/** The wanted network state: what objects become, that the way to it does not matter, and the order of steps. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Commit } from '../../../src/soft-xpu/store/object-store.js';
import type { SpecByKind } from '../../../src/opi/objects/specs.js';
import { createMemoryXpu } from '../../../src/soft-xpu/memory-xpu.js';
import type { NetworkSurroundings } from '../../../src/soft-xpu/linux/network/contributions.js';
import { DomainNumbers } from '../../../src/soft-xpu/linux/network/domains.js';
import { ITEM_KINDS, type Line, type NetItem } from '../../../src/soft-xpu/linux/network/item.js';
import { linkNameInMaking } from '../../../src/soft-xpu/linux/names.js';
import { Network } from '../../../src/soft-xpu/linux/network/network.js';
import { LAST_METRIC, linkLocalOf } from '../../../src/soft-xpu/linux/network/routing.js';
import type { NetworkSteps, Step } from '../../../src/soft-xpu/linux/network/steps.js';
import { seedOfRun } from '../../support/chance.js';
import { NodeObjects } from '../node-objects.js';
import { key, object, POD_A, POD_A6 } from '../node-words.js';

const AROUND: NetworkSurroundings = {
  netdevOf: (ifname) => ifname,
  foreign: false,
  hostNetns: '/run/netns/host',
  uplink: { name: 'up0', mtu: 1500 },
  underlay: [],
};

/** A node whose network follows its store, with a kernel that does as it is told. */
class FollowedNode extends NodeObjects {
  readonly wanted: Network;
  readonly kernel = new Map<string, NetItem>();
  private readonly domains: DomainNumbers;

  constructor(around: Partial<NetworkSurroundings> = {}) {
    const { store } = createMemoryXpu();
    const domains = new DomainNumbers();
    const network = new Network(store, domains, { ...AROUND, ...around });
    store.onCommit((commit: Commit) => network.follow(commit));
    super(store, false);
    this.wanted = network;
    this.domains = domains;
  }

  /** Takes the steps that are due. */
  take(): NetworkSteps {
    const steps = this.wanted.steps();
    for (const { id, result } of [...steps.before, ...steps.after]) {
      if (result === undefined) this.kernel.delete(id);
      else this.kernel.set(id, result);
      this.wanted.confirm(id, result);
    }
    this.domains.settle();
    return steps;
  }

  /** What the kernel has, in one text. */
  state(): string {
    return textOf(this.kernel.values());
  }

  /** What the objects of the store want when looked at all at once. */
  afresh(): string {
    const domains = new DomainNumbers();
    domains.restore(this.domains.entries());
    const network = new Network(this.store, domains, AROUND);
    network.followAll();
    return textOf(network.items());
  }
}

function textOf(items: Iterable<NetItem>): string {
  return [...items]
    .map(({ id, content }) => `${id} = ${content}`)
    .sort()
    .join('\n');
}

function linesOf(steps: readonly Step[]): string[] {
  return steps.flatMap(({ lines }) => lines.map(({ text }: Line) => text));
}

describe('soft-xpu linux: network state', () => {
  it('makes a pair with its MACs, and leads the addresses of its Vnic there', () => {
    const node = new FollowedNode();
    const { before, after } = node.take();
    const making = linkNameInMaking('cali-a');
    const mac = (node.store.get(key('vnic', 'vnic-a'))?.object.spec as SpecByKind['vnic']).mac;
    expect(linesOf(before)).to.include(
      `link add name ${making} type veth peer name cali-a address ${mac} mtu 1500 netns /run/netns/host`,
    );
    expect(linesOf(before)).to.include(`link set dev ${making} address ee:ee:ee:ee:ee:ee mtu 1500`);
    expect(linesOf(before)).to.include(`link set dev ${making} name cali-a`);
    const late = linesOf(after);
    expect(late).to.include('link set dev cali-a up');
    expect(late).to.include(`route replace ${POD_A}/32 table 1002 dev cali-a scope link proto 199`);
    expect(late).to.include(`route replace ${POD_A6}/128 table 1002 dev cali-a proto 199`);
    expect(late).to.include(`neigh replace ${POD_A} lladdr ${mac} dev cali-a nud permanent`);
    expect(late).to.include(`neigh replace proxy ${POD_A6} dev up0`);
    expect(late).to.include(`neigh replace proxy ${POD_A} dev up0`);
    expect(late).to.include('addr replace 10.65.0.254/32 dev lo');
  });

  it('leads a tunnel route to the overlay MAC without asking for a neighbour', () => {
    const node = new FollowedNode();
    node.take();
    const tunnel = { vpc: key('vpc', 'cluster'), localIp: '172.30.0.1', vni: 4096 };
    node.put(object('tunnel', 'tunnel-2', { ...tunnel, remoteIp: '172.30.0.2' }));
    node.take();
    const mac = '66:00:00:00:00:02';
    const via = { tunnel: key('tunnel', 'tunnel-2'), overlayMac: mac };
    node.route('remote', '10.66.0.0/26', via).route('remote6', 'fd66::/64', via);
    expect(linesOf(node.take().after)).to.have.members([
      `fdb replace ${mac} dev vx4096 dst 172.30.0.2 self permanent`,
      `neigh replace fe80::6400:ff:fe00:2 lladdr ${mac} dev vx4096 nud permanent`,
      'route replace 10.66.0.0/26 table 1003 via inet6 fe80::6400:ff:fe00:2 dev vx4096 onlink proto 199',
      'route replace fd66::/64 table 1003 via fe80::6400:ff:fe00:2 dev vx4096 onlink proto 199',
      `route replace blackhole 10.66.0.0/26 table 1003 metric ${LAST_METRIC} proto 199`,
      `route replace blackhole fd66::/64 table 1003 metric ${LAST_METRIC} proto 199`,
    ]);
    expect(linkLocalOf('ee:ee:ee:ee:ee:ee')).to.equal('fe80::ecee:eeff:feee:eeee');
  });

  it('gives tunnels of both outer families a device each, less what VXLAN takes of the MTU', () => {
    const node = new FollowedNode({ uplink: { name: 'up0', mtu: 9000 } });
    const tunnel = { vpc: key('vpc', 'cluster'), vni: 7 };
    node.put(
      object('tunnel', 'tunnel-4', { ...tunnel, localIp: '192.0.2.1', remoteIp: '192.0.2.2' }),
    );
    node.put(
      object('tunnel', 'tunnel-6', { ...tunnel, localIp: '2001:db8::1', remoteIp: '2001:db8::2' }),
    );
    const lines = linesOf(node.take().before);
    expect(lines).to.include(`link set dev ${linkNameInMaking('vx7')} mtu 8950`);
    expect(lines).to.include(`link set dev ${linkNameInMaking('vx7-6')} mtu 8930`);
    node.wanted.setUplink({ name: 'up0', mtu: 1500 });
    const changed = linesOf(node.take().before);
    expect(changed).to.include('link set dev vx7 mtu 1450');
    expect(changed.filter((line) => line.startsWith('link add'))).to.deep.equal([]);
  });

  it('resolves a next hop in the main table, and follows it', () => {
    const prefix = { family: 4, value: 0n, length: 0 } as const;
    const node = new FollowedNode();
    node.put(object('nextHop', 'next', { ip: '192.0.2.9' }));
    node.route('remote', '10.66.0.0/26', { nextHop: key('nextHop', 'next') });
    const blocked = 'route replace blackhole 10.66.0.0/26 table 1003 proto 199';
    expect(linesOf(node.take().after)).to.include(blocked);
    node.wanted.setUnderlay([{ prefix, device: 'up0', gateway: '192.0.2.1', metric: 0 }]);
    expect(linesOf(node.take().after)).to.deep.equal([
      'route replace 10.66.0.0/26 table 1003 via 192.0.2.1 dev up0 onlink proto 199',
    ]);
  });

  it('touches nothing but what a change is about', () => {
    const node = new FollowedNode();
    node.take();
    node.mapping('map-c', '10.65.0.9', 'vnic-a');
    const added = node.take();
    expect([...added.before, ...added.after].map(({ id }) => id)).to.have.members([
      'route 10.65.0.9/32 table 1002',
      'route 10.65.0.9/32 table 1002 metric 4294967295',
      'neighbour 10.65.0.9 cali-a',
      'proxy 10.65.0.9 up0',
    ]);
    node.put(object('vpc', 'cluster', { ...vpcOf(node), vni: 5 }));
    node.policy('some-policy', []);
    expect(linesOf([...node.take().before, ...node.take().after])).to.deep.equal([]);
    node.remove('mapping', 'map-c');
    expect(node.take().after).to.deep.equal([]);
  });

  it('puts everything of a netdev in place again that was deleted under it', () => {
    const node = new FollowedNode();
    node.take();
    const before = node.state();
    const links = new Map(
      ['lo', 'up0', 'cali-b', 'host0'].map((name, index) => [name, { index, mtu: 1500, up: true }]),
    );
    node.wanted.look(links);
    const steps = node.take();
    expect(node.state()).to.equal(before);
    const lines = linesOf([...steps.before, ...steps.after]);
    const making = linkNameInMaking('cali-a');
    const others = lines.filter((line) => !line.includes('cali-a') && !line.includes(making));
    expect(others).to.deep.equal([]);
    expect(lines).to.include(`link set dev ${making} name cali-a`);
    expect(linesOf(node.take().before)).to.deep.equal([]);
  });

  it('makes and renames nothing where representors exist already', () => {
    const netdevs = new Map([['cali-a', 'pf0vf0']]);
    const node = new FollowedNode({ foreign: true, netdevOf: (ifname) => netdevs.get(ifname) });
    const { before, after } = node.take();
    const lines = linesOf([...before, ...after]);
    expect(lines.filter((line) => line.startsWith('link '))).to.deep.equal([]);
    expect(lines).to.include(
      `route replace ${POD_A}/32 table 1002 dev pf0vf0 scope link proto 199`,
    );
    expect(lines).to.include('net/ipv4/conf/pf0vf0/proxy_arp=1');
    expect(lines.some((line) => line.includes('cali-'))).to.be.false;
  });
});

function vpcOf(node: NodeObjects): SpecByKind['vpc'] {
  return node.store.get(key('vpc', 'cluster'))?.object.spec as SpecByKind['vpc'];
}

/** Changes of a node's network; what the store refuses is left out. */
const CHANGES: readonly ((node: FollowedNode) => unknown)[] = [
  (node) => node.mapping('map-c', '10.65.0.9', 'vnic-a'),
  (node) => node.mapping('map-d', '10.65.0.9', 'vnic-b'),
  (node) => node.remove('mapping', 'map-c'),
  (node) => node.remove('mapping', 'map-d'),
  (node) => node.remove('mapping', 'map-a'),
  (node) => node.remove('mapping', 'map-a6'),
  (node) => node.mapping('map-a', POD_A, 'vnic-a'),
  (node) => node.remove('vnic', 'vnic-a').remove('interface', 'if-vnic-a'),
  (node) => node.vnic('vnic-a', 'cali-a', true, { mac: '02:00:00:00:00:77' }),
  (node) => node.put(object('subnet', 'pool', subnetWith('02:00:00:00:00:aa'))),
  (node) => node.put(object('subnet', 'pool', subnetWith('ee:ee:ee:ee:ee:ee'))),
  (node) => node.put(tunnelTo('tunnel-1', '172.30.0.8')),
  (node) => node.put(tunnelTo('tunnel-2', '172.30.0.9')),
  (node) => node.put(tunnelTo('tunnel-3', 'fd30::9')),
  (node) => node.put(tunnelTo('tunnel-1', '172.30.0.8', '66:00:00:00:00:08')),
  (node) => node.remove('tunnel', 'tunnel-1'),
  (node) => node.remove('tunnel', 'tunnel-3'),
  (node) => node.route('remote', '10.66.0.0/26', { tunnel: key('tunnel', 'tunnel-1') }),
  (node) => node.route('remote', '10.66.0.0/26', { tunnel: key('tunnel', 'tunnel-3') }),
  (node) => node.route('remote', '10.66.0.0/26', { evalMapping: true }),
  (node) => node.remove('route', 'remote'),
  (node) => node.put(object('routeTable', 'table-x', { family: 4 })),
  (node) =>
    node.put(
      object('vpc', 'cluster', { ...vpcOf(node), v4RouteTable: key('routeTable', 'table-x') }),
    ),
  (node) =>
    node.put(
      object('vpc', 'cluster', { ...vpcOf(node), v4RouteTable: key('routeTable', 'table-4') }),
    ),
  (node) => node.put(object('vpc', 'other-vpc', { v4RouteTable: key('routeTable', 'table-4') })),
  (node) => node.remove('vpc', 'other-vpc'),
  (node) => node.take(),
];

function subnetWith(routerMac: string): SpecByKind['subnet'] {
  return { vpc: key('vpc', 'cluster'), v4RouterIp: '10.65.0.254', routerMac };
}

function tunnelTo(id: string, remoteIp: string, mac?: string): ReturnType<typeof object> {
  const localIp = remoteIp.includes(':') ? 'fd30::1' : '172.30.0.1';
  const spec = { vpc: key('vpc', 'cluster'), localIp, remoteIp, vni: 9 };
  return object('tunnel', id, mac === undefined ? spec : { ...spec, remoteMac: mac });
}

describe('soft-xpu linux: network state by any way', () => {
  it('is what the objects want afresh, and its steps are in order', () => {
    const changes = fc.array(fc.constantFrom(...CHANGES), { maxLength: 40 });
    fc.assert(
      fc.property(changes, (sequence) => {
        const node = new FollowedNode();
        node.take();
        for (const change of sequence) tolerant(() => change(node));
        checkOrder(node, node.take());
        expect(node.state()).to.equal(node.afresh());
        expect(linesOf(node.take().before)).to.deep.equal([]);
      }),
      {
        numRuns: 300,
        seed: seedOfRun(),
        interruptAfterTimeLimit: 4000,
        markInterruptAsFailure: false,
      },
    );
  });
});

function tolerant(change: () => unknown): void {
  try {
    change();
  } catch (error) {
    if ((error as Error).name !== 'StoreError') throw error;
  }
}

/** Links first, then what stands on them; and nothing that packets move by before the ruleset. */
function checkOrder(node: FollowedNode, { before, after }: NetworkSteps): void {
  const kinds = (steps: readonly Step[]): number[] =>
    steps.flatMap(({ result }) => (result ? ITEM_KINDS.indexOf(result.kind) : []));
  for (const ranks of [kinds(before), kinds(after)]) {
    expect(ranks).to.deep.equal([...ranks].sort((a, b) => a - b));
  }
  expect(kinds(before).filter((rank) => rank > ITEM_KINDS.indexOf('sysctl'))).to.deep.equal([]);
  for (const item of node.kernel.values()) {
    if (item.device === undefined || ['lo', 'up0'].includes(item.device)) continue;
    expect(node.kernel.has(`link ${item.device}`), `${item.id} without its netdev`).to.be.true;
  }
}
