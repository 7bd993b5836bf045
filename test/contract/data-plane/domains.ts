/** Several Vpcs with the same addresses on one node: whose a packet is says the port that it comes in by. */
import { expect } from 'chai';
import type { PortRef } from '../../../src/soft-xpu/memory/port.js';
import {
  binding,
  HOST,
  key,
  object,
  POD_A,
  POD_B,
  PORT_A,
  replyTo,
  rule,
  stage,
  tcp,
  tier,
  toPort,
} from '../../soft-xpu/node-fixture.js';
import type { NewNode, PacketNode } from './node.js';

const OF_CLUSTER: PortRef = { kind: 'tunnel', vpc: 'cluster' };
const OF_OTHER: PortRef = { kind: 'tunnel', vpc: 'other' };
const PORT_C: PortRef = { kind: 'vnic', id: 'vnic-c' };
/** A remote pod; behind the other VNI somebody else has its address. */
const REMOTE = '10.66.0.9';

/** Pod c of Vpc other has the address of pod a of Vpc cluster. Each Vpc has a VNI, and remote pods behind it. */
function addOther(node: PacketNode): PacketNode {
  const other = key('vpc', 'other');
  const table = key('routeTable', 'other-4');
  node.put(object('routeTable', table.id, { family: 4 }));
  node.put(object('vpc', other.id, { v4RouteTable: table }));
  node.put(object('subnet', 'other-pool', { vpc: other, v4RouterIp: '10.65.0.254' }));
  node.vnic('vnic-c', 'cali-c', true, { subnet: key('subnet', 'other-pool') });
  const [subnet, destination] = [key('subnet', 'other-pool'), key('vnic', 'vnic-c')];
  node.put(object('mapping', 'map-c', { vpc: other, subnet, ip: POD_A, destination }));
  for (const [vpc, vni] of [
    ['cluster', 4096],
    ['other', 5000],
  ] as const) {
    const ends = { localIp: HOST, remoteIp: '172.30.0.2', vni };
    node.put(object('tunnel', `tun-${vpc}`, { vpc: key('vpc', vpc), ...ends }));
  }
  node.route('remote', '10.66.0.0/16', { tunnel: key('tunnel', 'tun-cluster') });
  const via = { tunnel: key('tunnel', 'tun-other') };
  return node.put(object('route', 'other-remote', { table, prefix: '10.66.0.0/16', via }));
}

function bindC(node: PacketNode, policy: string): void {
  const stages = [
    stage('WORKLOAD', 'FROM_PORT', [], [policy]),
    stage('WORKLOAD', 'TO_PORT', [], [policy]),
  ];
  const spec = binding({ vnic: key('vnic', 'vnic-c') }, stages, {
    allowedSources: [`${POD_A}/32`],
  });
  node.put(object('policyBinding', 'bind-c', spec));
}

/** See the file head. */
export function domainsContract(newNode: NewNode): void {
  describe('routing domains of tunnels', () => {
    it('a tunnel leads to the pods of its own Vpc, and to nobody else', async () => {
      const node = addOther(await newNode());
      bindC(node, 'allow-all');
      expect(await node.fate(OF_CLUSTER, tcp(REMOTE, POD_A, 80))).to.equal('allow vnic-a');
      expect(await node.fate(OF_OTHER, tcp(REMOTE, POD_A, 80))).to.equal('allow vnic-c');
      expect(await node.fate(OF_CLUSTER, tcp(REMOTE, POD_B, 80))).to.equal('allow vnic-b');
      expect(await node.fate(OF_OTHER, tcp(REMOTE, POD_B, 80))).not.to.contain('vnic');
      expect(await node.fate(OF_OTHER, tcp(REMOTE, HOST, 80))).not.to.contain('host');
    });

    it('what is local to one Vpc may be remote in another, and sends from there', async () => {
      const node = addOther(await newNode());
      bindC(node, 'allow-all');
      expect(await node.fate(OF_OTHER, tcp(POD_B, POD_A, 80))).to.equal('allow vnic-c');
      expect(await node.fate(OF_CLUSTER, tcp(POD_B, POD_A, 80))).to.equal('deny SOURCE');
      expect(await node.fate(OF_OTHER, tcp(POD_A, POD_A, 81))).to.equal('deny SOURCE');
    });

    it('policy and connections of one address in two Vpcs are apart', async () => {
      const node = addOther(await newNode()).policy('only-web', [rule('ALLOW', toPort(80))]);
      bindC(node, 'only-web');
      node.bindPod('a', [
        stage('WORKLOAD', 'TO_PORT', [tier('t', ['only-web'])]),
        stage('WORKLOAD', 'FROM_PORT', []),
      ]);
      const packet = tcp(REMOTE, POD_A, 80);
      expect(await node.fate(OF_OTHER, packet)).to.equal('allow vnic-c');
      expect(await node.fate(PORT_A, replyTo(packet))).not.to.contain('allow');
      expect(await node.fate(PORT_C, replyTo(packet))).to.equal('allow tunnel');
      expect(await node.fate(OF_CLUSTER, tcp(REMOTE, POD_A, 81))).to.equal('deny TIER_DEFAULT');
      expect(await node.fate(OF_CLUSTER, packet)).to.equal('allow vnic-a');
      expect(await node.fate(PORT_A, replyTo(packet))).to.equal('allow tunnel');
    });
  });
}
