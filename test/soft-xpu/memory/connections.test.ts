/** Connection tracking of the memory data plane that time and a full table show; the rest is in the contract. */
import { expect } from 'chai';
import {
  FAR,
  POD_A,
  POD_B,
  PORT_A,
  replyTo,
  rule,
  stage,
  tcp,
  TestNode,
  toPort,
  udp,
  UPLINK,
} from '../node-fixture.js';

const ACK = 16;
const FIN_ACK = 17;

/** Pod a may send, and receives nothing. */
function sender(): TestNode {
  return new TestNode().bindPod('a', [stage('WORKLOAD', 'FROM_PORT', [], ['allow-all'])]);
}

describe('soft-xpu memory: established flows', () => {
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
