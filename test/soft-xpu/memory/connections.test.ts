/** Connection tracking on packets: what is established, related, invalid, and when a flow ends. */
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
  TestNode,
  tier,
  toPort,
  udp,
  UPLINK,
} from '../node-fixture.js';

const SYN = 2;
const ACK = 16;
const FIN_ACK = 17;
const RST = 4;
const SYN_ACK = 18;

/** Pod a may send, and receives nothing. */
function sender(): TestNode {
  return new TestNode().bindPod('a', [stage('WORKLOAD', 'FROM_PORT', [], ['allow-all'])]);
}

describe('soft-xpu memory: established flows', () => {
  it('a reply passes a pod that receives nothing; a new flow the other way does not', () => {
    const node = sender();
    const packet = tcp(POD_A, FAR, 80);
    expect(node.fate(UPLINK, replyTo(packet))).to.equal('deny INVALID_STATE');
    expect(node.fate(UPLINK, replyTo(packet, ACK))).to.equal('deny PROFILE_END');
    node.send(PORT_A, packet);
    expect(node.fate(UPLINK, replyTo(packet))).to.equal('allow vnic-a');
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 40000))).to.equal('deny PROFILE_END');
  });

  it('UDP, SCTP and ICMP echo have replies too, by ports and by identifier', () => {
    const node = sender();
    node.send(PORT_A, udp(POD_A, FAR, 53));
    expect(node.fate(UPLINK, replyTo(udp(POD_A, FAR, 53)))).to.equal('allow vnic-a');
    expect(node.fate(UPLINK, udp(FAR, POD_A, 40001, { sourcePort: 53 }))).to.match(/^deny/);
    const sctp = { ...tcp(POD_A, FAR, 99), protocol: 132 };
    node.send(PORT_A, sctp);
    expect(node.fate(UPLINK, replyTo(sctp))).to.equal('allow vnic-a');
    node.send(PORT_A, icmp(POD_A, FAR, 8, { id: 7 }));
    expect(node.fate(UPLINK, icmp(FAR, POD_A, 0, { id: 7 }))).to.equal('allow vnic-a');
    expect(node.fate(UPLINK, icmp(FAR, POD_A, 0, { id: 8 }))).to.equal('deny INVALID_STATE');
    node.send(PORT_A, icmp(POD_A6, FAR6, 128, { id: 7 }));
    expect(node.fate(UPLINK, icmp(FAR6, POD_A6, 129, { id: 7 }))).to.equal('allow vnic-a');
  });

  it('a flow lives on when policy turns to deny (KEEP), new flows do not', () => {
    const node = new TestNode();
    const packet = tcp(POD_A, POD_B, 80);
    node.send(PORT_A, packet);
    node.bindPod('b', []);
    expect(node.fate(PORT_A, { ...packet, tcpFlags: ACK })).to.equal('allow vnic-b');
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80, { sourcePort: 4 }))).to.match(/^deny/);
  });

  it('a flow is judged again where the binding says REEVALUATE, by its first packet', () => {
    const node = new TestNode();
    const reevaluate = { establishedPolicy: 'REEVALUATE' as const };
    const packet = tcp(POD_A, POD_B, 80);
    node.bindPod('b', undefined, reevaluate);
    node.send(PORT_A, packet);
    node.send(PORT_A, tcp(POD_A, POD_B, 443));
    node.policy('web-only', [rule('ALLOW', toPort(443))]);
    const web = stage('WORKLOAD', 'TO_PORT', [], ['web-only']);
    node.bindPod('b', [web], reevaluate);
    // The reply is judged by what the flow's first packet would meet now.
    expect(node.fate(PORT_B, replyTo(packet))).to.equal('deny PROFILE_END');
    expect(node.fate(PORT_A, { ...packet, tcpFlags: ACK })).to.equal('deny PROFILE_END');
    expect(node.fate(PORT_B, replyTo(tcp(POD_A, POD_B, 443)))).to.equal('allow vnic-a');
  });

  it('a lookup neither counts nor leaves a connection', () => {
    const node = sender();
    const { dataPlane } = node.xpu;
    const before = dataPlane.forwarded.packets;
    const packet = tcp(POD_A, FAR, 80);
    node.lookup(PORT_A, packet);
    expect(dataPlane.connections.size).to.equal(0);
    expect(dataPlane.forwarded.packets).to.equal(before);
    expect(node.fate(UPLINK, replyTo(packet))).to.match(/^deny/);
  });

  it('a fresh walk sees no connection and keeps the table', () => {
    const node = sender();
    const packet = tcp(POD_A, FAR, 80);
    node.send(PORT_A, packet);
    const options = { fresh: true, commit: false };
    expect(node.lookup(UPLINK, replyTo(packet), options).verdict).to.equal('DENY');
    expect(node.fate(UPLINK, replyTo(packet))).to.equal('allow vnic-a');
  });

  it('an address that goes or moves takes its flows with it', () => {
    const node = new TestNode();
    const packet = tcp(POD_A, POD_B, 80);
    node.send(PORT_A, packet);
    node.remove('mapping', 'map-a').mapping('map-a', POD_A, 'vnic-a');
    node.bindPod('a', [stage('WORKLOAD', 'FROM_PORT', [], ['allow-all'])]);
    expect(node.fate(PORT_B, replyTo(packet, ACK))).to.equal('deny PROFILE_END');
  });

  it('a full table drops new flows and says so; it has room again once flows expired', () => {
    const node = new TestNode({ flowsMax: 2 });
    node.send(PORT_A, udp(POD_A, FAR, 1));
    node.send(PORT_A, udp(POD_A, FAR, 2));
    expect(node.fate(PORT_A, udp(POD_A, FAR, 3))).to.equal('deny FLOW_TABLE_FULL');
    expect(node.fate(UPLINK, replyTo(udp(POD_A, FAR, 1)))).to.equal('allow vnic-a');
    node.clock.ms += 200_000;
    expect(node.fate(PORT_A, udp(POD_A, FAR, 3))).to.equal('allow uplink');
  });
});

describe('soft-xpu memory: idle flows', () => {
  const reply = replyTo(udp(POD_A, FAR, 53));

  it('are forgotten after their timeout, and kept by every packet', () => {
    const node = sender();
    node.send(PORT_A, udp(POD_A, FAR, 53));
    for (let times = 0; times < 5; times++) {
      node.clock.ms += 119_000;
      expect(node.fate(UPLINK, reply)).to.equal('allow vnic-a');
    }
    node.clock.ms += 121_000;
    expect(node.fate(UPLINK, reply)).to.equal('deny PROFILE_END');
  });

  it('TCP: short before the handshake, long after it, short after the end', () => {
    const node = sender();
    const syn = tcp(POD_A, FAR, 80);
    node.send(PORT_A, syn);
    node.clock.ms += 11_000;
    expect(node.fate(UPLINK, replyTo(syn))).to.match(/^deny/);
    node.send(PORT_A, syn);
    node.send(UPLINK, replyTo(syn));
    node.send(PORT_A, { ...syn, tcpFlags: ACK });
    node.clock.ms += 599_000;
    expect(node.fate(UPLINK, replyTo(syn, ACK))).to.equal('allow vnic-a');
    node.send(PORT_A, { ...syn, tcpFlags: FIN_ACK });
    node.send(UPLINK, replyTo(syn, FIN_ACK));
    node.clock.ms += 16_000;
    expect(node.fate(UPLINK, replyTo(syn, ACK))).to.match(/^deny/);
  });

  it('timeouts can be set', () => {
    const node = sender();
    node.xpu.dataPlane.connections.timeouts = {
      ...node.xpu.dataPlane.connections.timeouts,
      udp: 1,
    };
    node.send(PORT_A, udp(POD_A, FAR, 53));
    node.clock.ms += 2000;
    expect(node.fate(UPLINK, reply)).to.equal('deny PROFILE_END');
  });
});

describe('soft-xpu memory: invalid packets', () => {
  it('ICMP types that cannot open a flow are invalid to pods, both families', () => {
    const node = new TestNode();
    for (const type of [0, 3, 4, 5, 11, 12, 14, 16, 18, 30]) {
      expect(node.fate(PORT_A, icmp(POD_A, FAR, type)), `${type}`).to.equal('deny INVALID_STATE');
    }
    for (const type of [8, 13, 15, 17]) {
      expect(node.fate(PORT_A, icmp(POD_A, FAR, type)), `${type}`).to.equal('allow uplink');
    }
    for (const type of [1, 2, 3, 4, 129, 137, 140, 141]) {
      expect(node.fate(PORT_A, icmp(POD_A6, FAR6, type)), `${type}`).to.equal('deny INVALID_STATE');
    }
    for (const type of [128, 139]) {
      expect(node.fate(PORT_A, icmp(POD_A6, FAR6, type)), `${type}`).to.equal('allow uplink');
    }
  });

  it('neighbour and listener discovery is untracked: policy alone decides, and no connection is left', () => {
    const node = new TestNode();
    for (const type of [130, 131, 132, 133, 134, 135, 136, 143]) {
      expect(node.fate(PORT_A, icmp(POD_A6, POD_B6, type)), `${type}`).to.equal('allow vnic-b');
    }
    expect(node.xpu.dataPlane.connections.size).to.equal(0);
  });

  it('an ACK picks a flow up in mid-stream; SYN-ACK, FIN, RST and senseless flags cannot', () => {
    const node = new TestNode();
    const fate = (tcpFlags: number, sourcePort: number): string =>
      node.fate(PORT_A, tcp(POD_A, FAR, 80, { tcpFlags, sourcePort }));
    expect(fate(ACK, 1)).to.equal('allow uplink');
    expect(fate(ACK | 8, 2)).to.equal('allow uplink');
    for (const flags of [SYN_ACK, FIN_ACK, RST, 0, SYN | 1, SYN | RST, 1]) {
      expect(fate(flags, 100 + flags), `flags ${flags}`).to.equal('deny INVALID_STATE');
    }
  });

  it('a SYN on a finished flow is a new flow, judged anew', () => {
    const node = new TestNode();
    const syn = tcp(POD_A, POD_B, 80);
    node.send(PORT_A, syn);
    node.send(PORT_B, replyTo(syn, RST | ACK));
    node.bindPod('b', []);
    expect(node.fate(PORT_A, syn)).to.equal('deny PROFILE_END');
  });

  it('are dropped before failsafes and rules, at the first stage that is there', () => {
    const node = new TestNode().policy('open', [rule('ALLOW')]);
    const failsafes = [{ direction: 'INBOUND' as const, protocol: 6, port: 22 }];
    const packet = tcp(FAR, HOST, 22, { tcpFlags: RST });
    node.bindPort('UPLINK', [stage('HOST', 'FROM_PORT', [tier('t', ['open'])])], { failsafes });
    const passage = node.send(UPLINK, packet);
    expect(passage.dropReason).to.equal('INVALID_STATE');
    expect(passage.path.at(-1)).to.include({ stage: 'HOST', direction: 'FROM_PORT' });
    node.bindPort('UPLINK', [stage('PRE_DNAT', 'FROM_PORT', [tier('t', ['open'])])], { failsafes });
    expect(node.send(UPLINK, packet).path.at(-1)).to.include({ stage: 'PRE_DNAT' });
  });

  it('pass where no stage is asked: from the host to a pod, from the wire to an unbound host', () => {
    const node = new TestNode();
    const answer = { tcpFlags: SYN_ACK };
    expect(node.fate(HOST_PORT, tcp(HOST, POD_A, 1, answer))).to.equal('allow vnic-a');
    expect(node.fate(UPLINK, tcp(FAR, HOST, 1, answer))).to.equal('allow host');
    expect(node.fate(HOST_PORT, icmp(HOST, FAR, 0))).to.equal('allow uplink');
  });

  it('are judged by the rules where the binding says CONTINUE', () => {
    const node = new TestNode().bindPod('a', undefined, { invalidAction: 'CONTINUE' });
    expect(node.fate(PORT_A, icmp(POD_A, FAR, 0))).to.equal('allow uplink');
  });

  it('a packet that UNTRACKED allowed meets no check on its way, at the pod neither', () => {
    const node = new TestNode().policy('open', [rule('ALLOW')]);
    node.bindPort('UPLINK', [stage('UNTRACKED', 'FROM_PORT', [tier('t', ['open'])])]);
    expect(node.fate(UPLINK, icmp(FAR, POD_A, 0))).to.equal('allow vnic-a');
  });
});

describe('soft-xpu memory: related packets', () => {
  it('an ICMP error that quotes a tracked flow reaches its sender, through a pod that receives nothing', () => {
    const node = sender();
    const quoted = udp(POD_A, FAR, 53);
    const router = '203.0.113.1';
    expect(node.fate(UPLINK, icmp(router, POD_A, 3, { quoted }))).to.equal('deny INVALID_STATE');
    node.send(PORT_A, quoted);
    expect(node.fate(UPLINK, icmp(router, POD_A, 3, { code: 4, quoted }))).to.equal('allow vnic-a');
    const other = udp(POD_A, FAR, 54);
    expect(node.fate(UPLINK, icmp(router, POD_A, 3, { quoted: other }))).to.match(/^deny/);
  });

  it('an error about a flow of somebody else is invalid', () => {
    const node = sender();
    const quoted = udp(POD_B, FAR, 53);
    node.send(PORT_B, quoted);
    expect(node.fate(UPLINK, icmp('203.0.113.1', POD_A, 3, { quoted }))).to.equal(
      'deny INVALID_STATE',
    );
  });
});

describe('soft-xpu memory: fragments', () => {
  it('follow the verdict of their first one, which alone carries ports', () => {
    const node = new TestNode().policy('web-only', [rule('ALLOW', toPort(80))]);
    node.bindPod('b', [stage('WORKLOAD', 'TO_PORT', [], ['web-only'])]);
    const first = (id: number, port: number) =>
      udp(POD_A, POD_B, port, { fragment: { id, first: true }, sourcePort: id });
    const later = (id: number) =>
      udp(POD_A, POD_B, 0, { fragment: { id, first: false }, sourcePort: 0 });
    expect(node.fate(PORT_A, later(1))).to.equal('deny MALFORMED');
    expect(node.fate(PORT_A, first(1, 80))).to.equal('allow vnic-b');
    expect(node.fate(PORT_A, later(1))).to.equal('allow vnic-b');
    expect(node.fate(PORT_A, first(2, 81))).to.equal('deny PROFILE_END');
    expect(node.fate(PORT_A, later(2))).to.equal('deny PROFILE_END');
    node.clock.ms += 31_000;
    expect(node.fate(PORT_A, later(1))).to.equal('deny MALFORMED');
  });
});

describe('soft-xpu memory: routing domains', () => {
  it('equal addresses of two Vpcs do not meet, and do not share flows', () => {
    const node = new TestNode();
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
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('allow vnic-b');
    const spec = { ...node.bindingSpec('b'), port: { vnic: key('vnic', 'vnic-x') } };
    node.put(object('policyBinding', 'bind-x', { ...spec, stages: [] }));
    const port = { kind: 'vnic', id: 'vnic-x' } as const;
    expect(node.fate(port, replyTo(tcp(POD_A, POD_B, 80), ACK))).to.equal('deny PROFILE_END');
  });
});
