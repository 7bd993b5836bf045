/** Routes and tunnel endpoints that the Felix of a lab's node tells: those that a real Felix tells of such a cluster. */
import { expect } from 'chai';
import { decodeToDataplane } from '../../../src/driver/message.js';
import type { ToDataplane } from '../../../src/gen/felix/types.js';
import { Cluster } from '../../../src/lab/nodes/cluster.js';
import { NodeFelix } from '../../../src/lab/nodes/node-felix.js';

const POOLS = `
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: { name: v4 }
spec: { cidr: 10.65.0.0/16, vxlanMode: Always, natOutgoing: true }
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: { name: v4-near }
spec: { cidr: 10.66.0.0/18, vxlanMode: CrossSubnet }
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: { name: v4-plain }
spec: { cidr: 10.68.0.0/18 }
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: { name: v6 }
spec: { cidr: 'fd65::/48', vxlanMode: Always }
`;

function nodeYaml(name: string, ipv4Address: string, ipv6Address: string): string {
  return `---
apiVersion: projectcalico.org/v3
kind: Node
metadata: { name: ${name} }
spec: { bgp: { ipv4Address: ${ipv4Address}, ipv6Address: '${ipv6Address}' } }
`;
}

function podYaml(name: string, node: string, ip: string): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec: { nodeName: ${node} }
status: { podIPs: [{ ip: '${ip}' }] }
`;
}

const NODES =
  nodeYaml('node-a', '172.30.0.1/24', 'fd30::1/64') +
  nodeYaml('node-b', '172.30.0.2/24', 'fd30::2/64') +
  nodeYaml('node-d', '172.31.0.4/24', 'fd31::4/64');

function clusterOf(...texts: string[]): Cluster {
  const cluster = new Cluster();
  apply(cluster, texts.join(''));
  return cluster;
}

function apply(cluster: Cluster, text: string, name = 'x.yaml'): void {
  cluster.apply({ name: 'step', files: [{ name, text }] });
}

class Teller {
  private readonly felix: NodeFelix;
  private readonly cluster: Cluster;

  constructor(node: string, cluster: Cluster) {
    this.felix = new NodeFelix(node, cluster.plan().nodes);
    this.cluster = cluster;
  }

  next(): ToDataplane[] {
    return this.felix.next(this.cluster).frames.map((frame) => decodeToDataplane(frame).message);
  }
}

/** `dst node ip same-subnet ...` of a route, as short text. */
function routes(messages: readonly ToDataplane[]): Map<string, string> {
  return new Map(
    messages.flatMap((message): [string, string][] => {
      if (message.payload === 'route_remove') return [[message.route_remove.dst, 'gone']];
      if (message.payload !== 'route_update') return [];
      const route = message.route_update;
      const words = [
        `types=${route.types}`,
        `pool=${route.ip_pool_type}`,
        route.dst_node_name,
        route.dst_node_ip,
        ...(route.same_subnet ? ['near'] : []),
        ...(route.nat_outgoing ? ['nat'] : []),
        ...(route.local_workload ? ['own'] : []),
        ...(route.borrowed ? ['borrowed'] : []),
        ...(route.tunnel_type?.vxlan === true ? ['vxlan'] : []),
      ];
      return [[route.dst, words.filter(Boolean).join(' ')]];
    }),
  );
}

describe('lab: routes and tunnel endpoints of a node', () => {
  it('tells pools, nodes, tunnels, blocks and own pods with the bits of RouteType', () => {
    const pods =
      podYaml('p', 'node-a', '10.65.4.1') +
      podYaml('q', 'node-b', '10.65.8.1') +
      podYaml('r', 'node-a', 'fd65::1:1') +
      podYaml('s', 'node-b', 'fd65::2:1');
    const told = routes(new Teller('node-a', clusterOf(POOLS, NODES, pods)).next());
    expect(Object.fromEntries(told)).to.include({
      // Pools: type CIDR_INFO, no node.
      '10.65.0.0/16': 'types=0 pool=2 nat',
      '10.68.0.0/18': 'types=0 pool=1',
      'fd65::/48': 'types=0 pool=2',
      '172.30.0.1/32': 'types=8 pool=0 node-a 172.30.0.1',
      '172.30.0.2/32': 'types=2 pool=0 node-b 172.30.0.2',
      'fd31::4/128': 'types=2 pool=0 node-d fd31::4',
      '10.65.4.0/26': 'types=4 pool=2 node-a 172.30.0.1 nat',
      '10.65.4.1/32': 'types=4 pool=2 node-a 172.30.0.1 nat own',
      '10.65.8.0/26': 'types=1 pool=2 node-b 172.30.0.2 nat',
      'fd65::2:0/122': 'types=1 pool=2 node-b fd30::2',
      'fd65::1:1/128': 'types=4 pool=2 node-a fd30::1 own',
      '10.65.255.254/32': 'types=32 pool=2 node-a 172.30.0.1 nat vxlan',
      '10.65.255.253/32': 'types=16 pool=2 node-b 172.30.0.2 nat vxlan',
    });
    expect([...told.keys()]).not.to.include('10.65.8.1/32');
  });

  it('tells of a cross-subnet pool who is near', () => {
    const pods =
      podYaml('p', 'node-b', '10.66.39.193') +
      podYaml('q', 'node-d', '10.66.8.65') +
      podYaml('r', 'node-a', '10.66.4.2');
    const told = routes(new Teller('node-a', clusterOf(POOLS, NODES, pods)).next());
    expect(told.get('10.66.39.192/26')).to.equal('types=1 pool=2 node-b 172.30.0.2 near');
    expect(told.get('10.66.8.64/26')).to.equal('types=1 pool=2 node-d 172.31.0.4');
    expect(told.get('10.66.4.2/32')).to.equal('types=4 pool=2 node-a 172.30.0.1 near own');
  });

  it('tells an address out of the block of another node as borrowed', () => {
    const pods = podYaml('a', 'node-b', '10.65.8.1') + podYaml('b', 'node-d', '10.65.8.2');
    const cluster = clusterOf(POOLS, NODES, pods);
    const told = routes(new Teller('node-a', cluster).next());
    expect(told.get('10.65.8.0/26')).to.contain('node-b');
    expect(told.get('10.65.8.2/32')).to.equal('types=1 pool=2 node-d 172.31.0.4 nat borrowed');
    const own = routes(new Teller('node-d', cluster).next());
    expect(own.get('10.65.8.2/32')).to.equal('types=4 pool=2 node-d 172.31.0.4 nat own borrowed');
  });

  it('tells every node its tunnel endpoint once, and its own address as a setting', () => {
    const messages = new Teller('node-a', clusterOf(POOLS, NODES)).next();
    const endpoints = messages.flatMap((message) =>
      message.payload === 'vtep_update' ? [message.vtep_update] : [],
    );
    expect(endpoints.map(({ node }) => node)).to.deep.equal(['node-a', 'node-b', 'node-d']);
    const [own] = endpoints;
    expect(own).to.include({
      mac: '66:00:00:00:00:01',
      ipv4_addr: '10.65.255.254',
      parent_device_ip: '172.30.0.1',
      mac_v6: '66:00:00:00:01:01',
      ipv6_addr: 'fd65::ffff:ffff:ffff:ffff:fffe',
      parent_device_ipv6: 'fd30::1',
    });
    const [first] = messages;
    expect(first?.payload === 'config_update' && first.config_update.config).to.include({
      IPv4VXLANTunnelAddr: '10.65.255.254',
      VXLANTunnelMACAddrV6: '66:00:00:00:01:01',
    });
  });

  it('tells no tunnel where no pool has one', () => {
    const plain = POOLS.replaceAll(/vxlanMode: \w+/g, 'vxlanMode: Never');
    const messages = new Teller('node-a', clusterOf(plain, NODES)).next();
    expect(messages.map(({ payload }) => payload)).not.to.include('vtep_update');
    expect([...routes(messages).values()].filter((text) => /types=(16|32)/.test(text))).to.be.empty;
  });

  it('tells of a step what it changes and no more', () => {
    const cluster = clusterOf(POOLS, NODES, podYaml('p', 'node-a', '10.65.4.1'));
    const teller = new Teller('node-a', cluster);
    teller.next();
    expect(teller.next()).to.deep.equal([]);
    apply(cluster, podYaml('q', 'node-b', '10.65.8.1'));
    expect([...routes(teller.next())]).to.deep.equal([
      ['10.65.8.0/26', 'types=1 pool=2 node-b 172.30.0.2 nat'],
    ]);
    apply(cluster, podYaml('q', 'node-b', '10.65.8.1'), 'q.delete.yaml');
    expect([...routes(teller.next())]).to.deep.equal([['10.65.8.0/26', 'gone']]);
  });

  it('starts anew for what makes a Felix restart, and then tells everything', () => {
    const cluster = clusterOf(POOLS, NODES, podYaml('p', 'node-a', '10.65.4.1'));
    const felix = new NodeFelix('node-a', cluster.plan().nodes);
    const whole = felix.next(cluster);
    expect(whole.restarts).to.equal(true);
    apply(
      cluster,
      `---
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata: { name: default }
spec: { defaultEndpointToHostAction: Accept }
`,
    );
    const again = felix.next(cluster);
    expect(again.restarts).to.equal(true);
    expect(again.frames.length).to.equal(whole.frames.length);
  });
});
