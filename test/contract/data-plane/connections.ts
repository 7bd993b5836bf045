/** Connection tracking on packets: what is established, related, invalid. */
import { expect } from 'chai';

import {
  FAR,
  FAR6,
  HOST,
  HOST_PORT,
  icmp,
  key,
  object,
  POD_A,
  POD_A6,
  POD_B,
  POD_B6,
  PORT_A,
  PORT_B,
  replyTo,
  rule,
  stage,
  tcp,
  tier,
  toPort,
  udp,
  UPLINK,
} from '../../soft-xpu/node-fixture.js';
import type { NewNode, PacketNode } from './node.js';

const SYN = 2;
const ACK = 16;
const FIN_ACK = 17;
const RST = 4;
const SYN_ACK = 18;

/** Pod a may send, and receives nothing. */
async function sender(newNode: NewNode): Promise<PacketNode> {
  return (await newNode()).bindPod('a', [stage('WORKLOAD', 'FROM_PORT', [], ['allow-all'])]);
}

/** Connection tracking on packets: what is established, related, invalid. */
export function connectionsContract(newNode: NewNode): void {
  describe('established flows', () => {
    it('a reply passes a pod that receives nothing; a new flow the other way does not', async () => {
      const node = await sender(newNode);
      const packet = tcp(POD_A, FAR, 80);
      expect(await node.fate(UPLINK, replyTo(packet))).to.equal('deny INVALID_STATE');
      expect(await node.fate(UPLINK, replyTo(packet, ACK))).to.equal('deny PROFILE_END');
      await node.fate(PORT_A, packet);
      expect(await node.fate(UPLINK, replyTo(packet))).to.equal('allow vnic-a');
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 40000))).to.equal('deny PROFILE_END');
    });

    it('UDP, SCTP and ICMP echo have replies too, by ports and by identifier', async () => {
      const node = await sender(newNode);
      await node.fate(PORT_A, udp(POD_A, FAR, 53));
      expect(await node.fate(UPLINK, replyTo(udp(POD_A, FAR, 53)))).to.equal('allow vnic-a');
      expect(await node.fate(UPLINK, udp(FAR, POD_A, 40001, { sourcePort: 53 }))).to.match(/^deny/);
      const sctp = { ...tcp(POD_A, FAR, 99), protocol: 132 };
      await node.fate(PORT_A, sctp);
      expect(await node.fate(UPLINK, replyTo(sctp))).to.equal('allow vnic-a');
      await node.fate(PORT_A, icmp(POD_A, FAR, 8, { id: 7 }));
      expect(await node.fate(UPLINK, icmp(FAR, POD_A, 0, { id: 7 }))).to.equal('allow vnic-a');
      expect(await node.fate(UPLINK, icmp(FAR, POD_A, 0, { id: 8 }))).to.equal(
        'deny INVALID_STATE',
      );
      await node.fate(PORT_A, icmp(POD_A6, FAR6, 128, { id: 7 }));
      expect(await node.fate(UPLINK, icmp(FAR6, POD_A6, 129, { id: 7 }))).to.equal('allow vnic-a');
    });

    it('a flow lives on when policy turns to deny (KEEP), new flows do not', async () => {
      const node = await newNode();
      const packet = tcp(POD_A, POD_B, 80);
      await node.fate(PORT_A, packet);
      await node.fate(PORT_B, replyTo(packet));
      node.bindPod('b', []);
      expect(await node.fate(PORT_A, { ...packet, tcpFlags: ACK })).to.equal('allow vnic-b');
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80, { sourcePort: 4 }))).to.match(/^deny/);
    });

    it('a flow is judged again where the binding says REEVALUATE, by its first packet', async () => {
      const node = await newNode();
      const reevaluate = { establishedPolicy: 'REEVALUATE' as const };
      const packet = tcp(POD_A, POD_B, 80);
      node.bindPod('b', undefined, reevaluate);
      const allowed = tcp(POD_A, POD_B, 443);
      for (const syn of [packet, allowed]) {
        await node.fate(PORT_A, syn);
        await node.fate(PORT_B, replyTo(syn));
      }
      node.policy('web-only', [rule('ALLOW', toPort(443))]);
      const web = stage('WORKLOAD', 'TO_PORT', [], ['web-only']);
      node.bindPod('b', [web], reevaluate);
      expect(await node.fate(PORT_A, { ...packet, tcpFlags: ACK })).to.match(/^deny/);
      expect(await node.fate(PORT_B, replyTo(packet, ACK))).to.match(/^deny/);
      expect(await node.fate(PORT_A, { ...allowed, tcpFlags: ACK })).to.equal('allow vnic-b');
      expect(await node.fate(PORT_B, replyTo(allowed, ACK))).to.equal('allow vnic-a');
    });

    it('an address that goes or moves takes its flows with it', async () => {
      const node = await newNode();
      const packet = tcp(POD_A, POD_B, 80);
      await node.fate(PORT_A, packet);
      node.remove('mapping', 'map-a').mapping('map-a', POD_A, 'vnic-a');
      node.bindPod('a', [stage('WORKLOAD', 'FROM_PORT', [], ['allow-all'])]);
      expect(await node.fate(PORT_B, replyTo(packet, ACK))).to.equal('deny PROFILE_END');
    });
  });

  describe('invalid packets', () => {
    it('ICMP types that cannot open a flow are invalid to pods, both families', async () => {
      const node = await newNode();
      for (const type of [0, 3, 4, 5, 11, 12, 14, 16, 18, 30]) {
        expect(await node.fate(PORT_A, icmp(POD_A, FAR, type)), `${type}`).to.equal(
          'deny INVALID_STATE',
        );
      }
      for (const type of [8, 13, 15, 17]) {
        expect(await node.fate(PORT_A, icmp(POD_A, FAR, type)), `${type}`).to.equal('allow uplink');
      }
      for (const type of [1, 2, 3, 4, 129, 137, 140, 141]) {
        expect(await node.fate(PORT_A, icmp(POD_A6, FAR6, type)), `${type}`).to.equal(
          'deny INVALID_STATE',
        );
      }
      for (const type of [128, 139]) {
        expect(await node.fate(PORT_A, icmp(POD_A6, FAR6, type)), `${type}`).to.equal(
          'allow uplink',
        );
      }
    });

    it('neighbour and listener discovery is untracked: policy alone decides, and no connection is left', async () => {
      const node = await newNode();
      for (const type of [130, 131, 132, 133, 134, 135, 136, 143]) {
        expect(await node.fate(PORT_A, icmp(POD_A6, POD_B6, type)), `${type}`).to.equal(
          'allow vnic-b',
        );
      }
      expect(await node.flowCount()).to.equal(0);
    });

    it('an ACK picks a flow up in mid-stream; SYN-ACK, FIN, RST and senseless flags cannot', async () => {
      const node = await newNode();
      const fate = (tcpFlags: number, sourcePort: number) =>
        node.fate(PORT_A, tcp(POD_A, FAR, 80, { tcpFlags, sourcePort }));
      expect(await fate(ACK, 1)).to.equal('allow uplink');
      expect(await fate(ACK | 8, 2)).to.equal('allow uplink');
      for (const flags of [SYN_ACK, FIN_ACK, RST, 0, SYN | 1, SYN | RST, 1]) {
        expect(await fate(flags, 100 + flags), `flags ${flags}`).to.equal('deny INVALID_STATE');
      }
    });

    it('a SYN on a finished flow is a new flow, judged anew', async () => {
      const node = await newNode();
      const syn = tcp(POD_A, POD_B, 80);
      await node.fate(PORT_A, syn);
      await node.fate(PORT_B, replyTo(syn, RST | ACK));
      node.bindPod('b', []);
      expect(await node.fate(PORT_A, syn)).to.equal('deny PROFILE_END');
    });

    it('are dropped before failsafes and rules, at the first stage that is there', async () => {
      const node = (await newNode()).policy('open', [rule('ALLOW')]);
      const failsafes = [{ direction: 'INBOUND' as const, protocol: 6, port: 22 }];
      const packet = tcp(FAR, HOST, 22, { tcpFlags: RST });
      node.bindPort('UPLINK', [stage('HOST', 'FROM_PORT', [tier('t', ['open'])])], { failsafes });
      expect(await node.fate(UPLINK, packet)).to.equal('deny INVALID_STATE');
      node.bindPort('UPLINK', [stage('PRE_DNAT', 'FROM_PORT', [tier('t', ['open'])])], {
        failsafes,
      });
      expect(await node.fate(UPLINK, packet)).to.equal('deny INVALID_STATE');
    });

    it('pass where no stage is asked: from the host to a pod, from the wire to an unbound host', async () => {
      const node = await newNode();
      const answer = { tcpFlags: SYN_ACK };
      expect(await node.fate(HOST_PORT, tcp(HOST, POD_A, 1, answer))).to.equal('allow vnic-a');
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 1, answer))).to.equal('allow host');
      expect(await node.fate(HOST_PORT, icmp(HOST, FAR, 0))).to.equal('allow uplink');
    });

    it('are judged by the rules where the binding says CONTINUE', async () => {
      const node = (await newNode()).bindPod('a', undefined, { invalidAction: 'CONTINUE' });
      expect(await node.fate(PORT_A, icmp(POD_A, FAR, 0))).to.equal('allow uplink');
    });

    it('a packet that UNTRACKED allowed meets no check on its way, at the pod neither', async () => {
      const node = (await newNode()).policy('open', [rule('ALLOW')]);
      node.bindPort('UPLINK', [stage('UNTRACKED', 'FROM_PORT', [tier('t', ['open'])])]);
      expect(await node.fate(UPLINK, icmp(FAR, POD_A, 0))).to.equal('allow vnic-a');
    });
  });

  describe('related packets', () => {
    it('an ICMP error that quotes a tracked flow reaches its sender, through a pod that receives nothing', async () => {
      const node = await sender(newNode);
      const quoted = udp(POD_A, FAR, 53);
      const router = '203.0.113.1';
      expect(await node.fate(UPLINK, icmp(router, POD_A, 3, { quoted }))).to.equal(
        'deny INVALID_STATE',
      );
      await node.fate(PORT_A, quoted);
      expect(await node.fate(UPLINK, icmp(router, POD_A, 3, { code: 4, quoted }))).to.equal(
        'allow vnic-a',
      );
      const other = udp(POD_A, FAR, 54);
      expect(await node.fate(UPLINK, icmp(router, POD_A, 3, { quoted: other }))).to.match(/^deny/);
    });

    it('an error about a flow of somebody else is invalid', async () => {
      const node = await sender(newNode);
      const quoted = udp(POD_B, FAR, 53);
      await node.fate(PORT_B, quoted);
      expect(await node.fate(UPLINK, icmp('203.0.113.1', POD_A, 3, { quoted }))).to.equal(
        'deny INVALID_STATE',
      );
    });
  });

  describe('routing domains', () => {
    it('equal addresses of two Vpcs do not meet, and do not share flows', async () => {
      const node = await newNode();
      node.put(object('vpc', 'other', {}));
      node.put(object('subnet', 'other-pool', { vpc: key('vpc', 'other') }));
      node.vnic('vnic-x', 'cali-x', true, { subnet: key('subnet', 'other-pool') });
      node.put(
        object('mapping', 'map-x', {
          vpc: key('vpc', 'other'),
          subnet: key('subnet', 'other-pool'),
          ip: POD_B,
          destination: key('vnic', 'vnic-x'),
        }),
      );
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('allow vnic-b');
      const spec = { ...node.bindingSpec('b'), port: { vnic: key('vnic', 'vnic-x') } };
      node.put(object('policyBinding', 'bind-x', { ...spec, stages: [] }));
      const port = { kind: 'vnic', id: 'vnic-x' } as const;
      expect(await node.fate(port, replyTo(tcp(POD_A, POD_B, 80), ACK))).to.equal(
        'deny PROFILE_END',
      );
    });
  });
}
