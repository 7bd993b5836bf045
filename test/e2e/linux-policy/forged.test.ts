/** What a pod or the wire may never get through, as real frames: sources of others, and packets inside packets. */
import { expect } from 'chai';
import { buildPacket } from '../../../src/lab/packets/build.js';
import type { VxlanOuter } from '../../../src/lab/packets/vxlan.js';
import { VTEP_ADDRESS } from '../../../src/soft-xpu/linux/names.js';
import { needs } from '../../support/root.js';
import { KNS, type PlaceName, type World } from '../../support/felix/world.js';
import { FlowNode, type Sent, type Way } from './flow-node.js';
import { remains } from './remains.js';

const REMOTE_NODE = ['172.30.0.2', 'fd30::2'] as const;
const REMOTE_POD = ['10.66.0.9', 'fd66::9'] as const;
const OWN_NODE = ['172.30.0.1', 'fd30::1'] as const;
const MACS = { own: '66:00:00:00:00:01', remote: '66:00:00:00:00:02' };
const VNI = 4096;

/** Everybody may do everything; the other node's pods are behind VXLAN, in both families. */
const OPEN: World = {
  config: { DefaultEndpointToHostAction: 'ACCEPT' },
  profiles: { open: KNS },
  pods: { a: { profiles: ['open'] }, b: { profiles: ['open'] } },
  routes: [
    ['10.66.0.0/26', REMOTE_NODE[0]],
    ['fd66::/122', REMOTE_NODE[1]],
  ].map(([dst, dst_node_ip]) => ({
    types: 1,
    ip_pool_type: 2,
    dst,
    dst_node_name: 'node-b',
    dst_node_ip,
  })),
  vteps: [
    ['node-a', OWN_NODE, MACS.own, '10.65.0.0', 'fd65::10'] as const,
    ['node-b', REMOTE_NODE, MACS.remote, '10.66.0.0', 'fd66::10'] as const,
  ].map(([node, parent, mac, ipv4_addr, ipv6_addr]) => ({
    node,
    mac,
    ipv4_addr,
    parent_device_ip: parent[0],
    mac_v6: mac,
    ipv6_addr,
    parent_device_ipv6: parent[1],
  })),
  encapsulation: { vxlan: true },
};
const ENCAPSULATING: World = {
  ...OPEN,
  config: {
    ...OPEN.config,
    AllowVXLANPacketsFromWorkloads: 'true',
    AllowIPIPPacketsFromWorkloads: 'true',
  },
};

let port = 20_000;
/** The first packet of a flow that nobody has had. */
function udp(addresses: Partial<Sent> = {}): Sent {
  port += 1;
  const { source = '', destination = '' } = addresses;
  const family = source.includes(':') || destination.includes(':') ? 6 : 4;
  return { family, protocol: 17, sourcePort: port, destinationPort: 80, ...addresses };
}

describe('forged packets on the kernel behind soft-xpu', function () {
  this.timeout(30_000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter'));
  let node: FlowNode;
  before(async () => (node = await FlowNode.open()));
  after(async () => {
    await node?.close();
    expect(remains()).to.deep.equal([]);
  });

  /** None of them comes out anywhere. */
  async function vanish(from: PlaceName, packets: readonly Sent[]): Promise<void> {
    const sent = packets.map((packet): [Sent, Way] => [packet, {}]);
    expect(await node.exitsOfAll(from, 'b', sent)).to.deep.equal([]);
  }

  describe('sources', () => {
    before(() => node.begin(OPEN));

    /** A pod beside it, the host, the wire, and what is behind the tunnel. */
    const TARGETS = [
      ['10.65.0.2', 'fd65::2'],
      OWN_NODE,
      ['198.18.0.9', '2001:db8::9'],
      REMOTE_POD,
    ] as const;
    const FORGED = {
      'another pod of this node': ['10.65.0.2', 'fd65::2'],
      'nobody’s address of our block': ['10.65.0.9', 'fd65::9'],
      'the host': OWN_NODE,
      'another node': REMOTE_NODE,
      'a pod of another node': REMOTE_POD,
      'somebody outside': ['198.18.0.9', '2001:db8::9'],
      'the gateway': ['169.254.1.1', 'fe80::1'],
      'the tunnel endpoint of the XPU': [VTEP_ADDRESS[4], VTEP_ADDRESS[6]],
      loopback: ['127.0.0.1', '::1'],
      'no address': ['0.0.0.0', '::'],
      'a group': ['224.0.0.1', 'ff02::1'],
    } as const;

    for (const [who, sources] of Object.entries(FORGED)) {
      it(`a pod does not send as ${who}: to a pod, the host, the wire, or into the tunnel`, async () => {
        const packets = sources.flatMap((source, index) =>
          TARGETS.map((target) => udp({ source, destination: target[index]! })),
        );
        await vanish(
          'a',
          packets.filter((one) => one.source !== one.destination),
        );
      });
    }

    it('its own addresses are the only ones; so are those of the pod beside it', async () => {
      for (const family of [4, 6] as const) {
        expect(await node.arrives('a', 'b', { ...udp(), family })).to.equal(true);
        expect(await node.arrives('b', 'wire', { ...udp(), family })).to.equal(true);
      }
    });

    it('nobody outside sends as a pod or as the node', async () => {
      const sources = ['10.65.0.1', 'fd65::1', ...OWN_NODE];
      const packets = sources.map((source) =>
        udp({ source, destination: source.includes(':') ? 'fd65::2' : '10.65.0.2' }),
      );
      await vanish('wire', packets);
    });
  });

  describe('packets inside packets', () => {
    type Outer = Pick<VxlanOuter, 'source' | 'destination'> & Partial<VxlanOuter>;

    /** What somebody sends in VXLAN. */
    function inVxlan(outer: Outer, innerSource: string): [Sent, Way] {
      const destination = innerSource.includes(':') ? 'fd65::2' : '10.65.0.2';
      const tunnel = {
        vni: VNI,
        ...outer,
        innerSourceMac: MACS.remote,
        innerDestinationMac: MACS.own,
      };
      return [udp({ source: innerSource, destination }), { tunnel }];
    }

    function ofPod(destination: string, innerSource: string): [Sent, Way] {
      const source = destination.includes(':') ? 'fd65::1' : '10.65.0.1';
      return inVxlan({ source, destination }, innerSource);
    }

    /** Where they come out, opened or not. */
    function exits(from: PlaceName, ...packets: [Sent, Way][]): Promise<string[]> {
      return node.exitsOfAll(from, 'b', packets);
    }

    const ENDS = [...REMOTE_NODE, ...OWN_NODE, VTEP_ADDRESS[4], VTEP_ADDRESS[6], '10.65.0.2'];

    it('a pod sends no VXLAN: to nodes, the XPU’s own endpoint, or pods', async () => {
      await node.begin(OPEN);
      const packets = ENDS.map((destination) => ofPod(destination, REMOTE_POD[0]));
      expect(await exits('a', ...packets)).to.deep.equal([]);
    });

    it('a pod sends no IP in IP of either family', async () => {
      const payload = buildPacket({ ...udp(), source: REMOTE_POD[0], destination: '10.65.0.2' });
      const ends = [...REMOTE_NODE, ...OWN_NODE, '10.65.0.2', 'fd65::2'];
      const packets = ends.map((destination): Sent => {
        const source = destination.includes(':') ? 'fd65::1' : '10.65.0.1';
        return { source, destination, protocol: 4, payload };
      });
      await vanish('a', packets);
    });

    it('where pods may send VXLAN and IP in IP, it goes where it is sent, and is opened nowhere', async () => {
      await node.begin(ENCAPSULATING);
      for (const source of [REMOTE_POD[0], '10.65.0.1', '198.18.0.9']) {
        expect(await exits('a', ofPod('198.18.0.8', source))).to.deep.equal(['wire']);
        expect(await exits('a', ofPod(OWN_NODE[0], source))).to.deep.equal(['host0']);
        const endpoints = [VTEP_ADDRESS[4], VTEP_ADDRESS[6]].map((one) => ofPod(one, source));
        expect(await exits('a', ...endpoints)).to.not.include('calib');
      }
      const ipip = {
        protocol: 4,
        payload: buildPacket({ ...udp(), source: REMOTE_POD[0], destination: '10.65.0.2' }),
      };
      expect(await node.exits('a', 'wire', ipip)).to.deep.equal(['wire']);
    });

    it('the wire’s VXLAN is opened for the nodes that are known, with their network, and for no local source', async () => {
      await node.begin(OPEN);
      const v4 = { source: REMOTE_NODE[0], destination: OWN_NODE[0] };
      const v6 = { source: REMOTE_NODE[1], destination: OWN_NODE[1] };
      expect(await exits('wire', inVxlan(v4, REMOTE_POD[0]))).to.deep.equal(['calib']);
      expect(await exits('wire', inVxlan(v6, REMOTE_POD[1]))).to.deep.equal(['calib']);
      const refused: [Outer, string][] = [
        [{ ...v4, source: '198.18.0.9' }, REMOTE_POD[0]],
        [{ ...v4, source: '172.30.0.3' }, REMOTE_POD[0]],
        [{ ...v4, vni: VNI + 1 }, REMOTE_POD[0]],
        [{ ...v4, destination: VTEP_ADDRESS[4] }, REMOTE_POD[0]],
        [{ ...v6, source: '2001:db8::9' }, REMOTE_POD[1]],
        [{ ...v6, vni: 1 }, REMOTE_POD[1]],
        [{ ...v6, destination: VTEP_ADDRESS[6] }, REMOTE_POD[1]],
        [v4, '10.65.0.1'],
        [v4, OWN_NODE[0]],
        [v6, 'fd65::1'],
        [v6, OWN_NODE[1]],
      ];
      const packets = refused.map(([outer, source]) => inVxlan(outer, source));
      expect(await exits('wire', ...packets)).to.deep.equal([]);
    });
  });
});
