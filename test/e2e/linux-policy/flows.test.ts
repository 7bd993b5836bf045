/** What needs more than a first packet, on the kernel: replies, handshakes, errors, fragments, and flows that outlive a change. */
import { expect } from 'chai';
import { buildPacket } from '../../../src/lab/packets/build.js';
import { SCTP_CHUNK, TCP_FLAG, type TcpSpec } from '../../../src/lab/packets/spec.js';
import { needs } from '../../support/root.js';
import {
  ADDRESSES,
  KNS,
  podMessage,
  policyMessage,
  type World,
} from '../../support/felix/world.js';
import { FlowNode, type Sent } from './flow-node.js';
import { remains } from './remains.js';

/** `a` sends and receives nothing; `b` the other way round: only flows from `a` to `b` can begin. */
const ONE_WAY: World = {
  policies: { in: { inbound: [] }, out: { outbound: [] } },
  profiles: { open: KNS },
  pods: {
    a: { tiers: [{ ingress: ['in'], default: 'Deny' }], profiles: ['open'] },
    b: { tiers: [{ egress: ['out'], default: 'Deny' }], profiles: ['open'] },
  },
};
const OPEN = { profiles: ['open'] };
const OPEN_PODS: World = { profiles: { open: KNS }, pods: { a: OPEN, b: OPEN } };
const DENY_ALL = { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] };

const { syn: SYN, ack: ACK, rst: RST, fin: FIN } = TCP_FLAG;
/** Chunks of the second half of SCTP's handshake. */
const [COOKIE_ECHO, COOKIE_ACK] = [10, 11];
const FAMILIES = [4, 6] as const;

let port = 20_000;
/** Ports of a flow that nobody has had. */
function freshPorts(destinationPort = 80): Pick<Sent, 'sourcePort' | 'destinationPort'> {
  port += 1;
  return { sourcePort: port, destinationPort };
}

function reversed({ sourcePort, destinationPort, ...rest }: Sent): Sent {
  return { ...rest, sourcePort: destinationPort!, destinationPort: sourcePort! };
}

/** One TCP connection, segment by segment. */
function tcpFlow(family: 4 | 6 = 4) {
  const flow: Sent = { family, protocol: 6, ...freshPorts() };
  const segment = (way: Sent, tcp: TcpSpec): Sent => ({ ...way, tcp });
  return {
    syn: segment(flow, { flags: SYN, sequence: 1000 }),
    synAck: segment(reversed(flow), { flags: SYN | ACK, sequence: 5000, acknowledgement: 1001 }),
    ack: segment(flow, { flags: ACK, sequence: 1001, acknowledgement: 5001 }),
    answer: segment(reversed(flow), { flags: ACK, sequence: 5001, acknowledgement: 1001 }),
  };
}

describe('flows on the kernel behind soft-xpu', function () {
  this.timeout(30_000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter'));
  let node: FlowNode;
  before(async () => (node = await FlowNode.open()));
  after(async () => {
    await node?.close();
    expect(remains()).to.deep.equal([]);
  });

  /** Handshake from `a` to `b`. */
  async function handshake({ syn, synAck, ack }: ReturnType<typeof tcpFlow>): Promise<void> {
    expect(await node.arrives('a', 'b', syn), 'SYN').to.equal(true);
    expect(await node.arrives('b', 'a', synAck), 'SYN-ACK').to.equal(true);
    expect(await node.arrives('a', 'b', ack), 'ACK').to.equal(true);
  }

  describe('where only one side may begin', () => {
    before(() => node.begin(ONE_WAY));

    for (const family of FAMILIES) {
      it(`corner 45: IPv${family} TCP: a whole connection through a sender that may send nothing`, async () => {
        const flow = tcpFlow(family);
        expect(await node.arrives('b', 'a', flow.synAck), 'SYN-ACK of nothing').to.equal(false);
        await handshake(flow);
        expect(await node.arrives('b', 'a', flow.answer)).to.equal(true);
        expect(await node.arrives('b', 'a', tcpFlow(family).syn), 'SYN back').to.equal(false);
      });

      it(`corner 69: IPv${family} UDP: a reply is allowed once the flow is tracked`, async () => {
        const request: Sent = { family, protocol: 17, ...freshPorts(53) };
        const reply = reversed(request);
        expect(await node.arrives('b', 'a', reply)).to.equal(false);
        expect(await node.arrives('a', 'b', request)).to.equal(true);
        expect(await node.arrives('b', 'a', reply)).to.equal(true);
        expect(await node.arrives('b', 'a', { ...reply, sourcePort: 54 })).to.equal(false);
      });

      it(`IPv${family} SCTP: the four packets of a handshake, then data both ways`, async () => {
        const flow: Sent = { family, protocol: 132, ...freshPorts(5000) };
        const tagged = (way: Sent, sctpChunk: number): Sent => ({ ...way, sctpChunk, sctpTag: 1 });
        const back = reversed(flow);
        expect(await node.arrives('b', 'a', tagged(back, SCTP_CHUNK.initAck))).to.equal(false);
        expect(await node.arrives('b', 'a', { ...back, sctpChunk: SCTP_CHUNK.init })).to.equal(
          false,
        );
        for (const [from, to, packet] of [
          ['a', 'b', { ...flow, sctpChunk: SCTP_CHUNK.init }],
          ['b', 'a', tagged(back, SCTP_CHUNK.initAck)],
          ['a', 'b', tagged(flow, COOKIE_ECHO)],
          ['b', 'a', tagged(back, COOKIE_ACK)],
          ['a', 'b', tagged(flow, SCTP_CHUNK.data)],
          ['b', 'a', tagged(back, SCTP_CHUNK.data)],
        ] as const) {
          expect(await node.arrives(from, to, packet), `chunk ${packet.sctpChunk}`).to.equal(true);
        }
      });

      it(`IPv${family} echo: the reply to a request, and no other`, async () => {
        const [protocol, ask, answer] = family === 4 ? [1, 8, 0] : [58, 128, 129];
        const message = (type: number, id: number): Sent => ({
          family,
          protocol,
          icmp: { type, id },
        });
        expect(await node.arrives('b', 'a', message(answer, 7))).to.equal(false);
        expect(await node.arrives('a', 'b', message(ask, 7))).to.equal(true);
        expect(await node.arrives('b', 'a', message(answer, 7))).to.equal(true);
        expect(await node.arrives('b', 'a', message(answer, 8))).to.equal(false);
        expect(await node.arrives('b', 'a', message(ask, 7))).to.equal(false);
      });
    }

    it('corner 46: an ACK without a flow begins one and is policed; bad flags are INVALID', async () => {
      expect(await node.arrives('b', 'a', tcpFlow().ack)).to.equal(false);
      for (const flags of [0, RST, FIN, SYN | FIN, SYN | ACK]) {
        const { syn } = tcpFlow();
        const odd = { ...syn, tcp: { flags, acknowledgement: 1 } };
        expect(await node.arrives('a', 'b', odd), `flags ${flags}`).to.equal(false);
      }
      expect(await node.arrives('a', 'b', tcpFlow().ack)).to.equal(true);
    });
  });

  describe('ICMP errors', () => {
    before(() => node.begin(ONE_WAY));

    const ERRORS = {
      4: [
        ['port unreachable', 3, 3],
        ['frag needed', 3, 4],
        ['administratively prohibited', 3, 13],
        ['time exceeded', 11, 0],
      ],
      6: [
        ['port unreachable', 1, 4],
        ['packet too big', 2, 0],
        ['administratively prohibited', 1, 1],
        ['time exceeded', 3, 0],
      ],
    } as const;
    const ROUTERS = { 4: '203.0.113.1', 6: '2001:db8:ff::1' } as const;

    for (const family of FAMILIES) {
      const index = family === 4 ? 0 : 1;
      for (const [name, type, code] of ERRORS[family]) {
        for (const protocol of [6, 17] as const) {
          it(`corner 47: IPv${family} ${name} about an allowed ${protocol === 6 ? 'TCP' : 'UDP'} flow passes, about none it does not`, async () => {
            const flow: Sent = { family, protocol, ...freshPorts(443) };
            const quoted = buildPacket({
              source: ADDRESSES.a[index],
              destination: ADDRESSES.wire[index],
              ...flow,
            });
            const error: Sent = {
              family,
              source: ROUTERS[family],
              protocol: family === 4 ? 1 : 58,
              icmp: { type, code, mtu: 1400, quoted },
            };
            expect(await node.arrives('wire', 'a', error)).to.equal(false);
            expect(await node.arrives('a', 'wire', flow)).to.equal(true);
            expect(await node.arrives('wire', 'a', error)).to.equal(true);
          });
        }
      }

      it(`IPv${family} port unreachable of a pod that may send nothing reaches who asked it, and nobody else`, async () => {
        const flow: Sent = { family, protocol: 17, ...freshPorts(53) };
        const [a, b] = [ADDRESSES.a[index], ADDRESSES.b[index]];
        const [type, code] = family === 4 ? [3, 3] : [1, 4];
        const quoted = buildPacket({ source: a, destination: b, ...flow });
        const error: Sent = {
          family,
          protocol: family === 4 ? 1 : 58,
          icmp: { type, code, quoted },
        };
        expect(await node.arrives('b', 'a', error)).to.equal(false);
        expect(await node.arrives('a', 'b', flow)).to.equal(true);
        expect(await node.arrives('b', 'a', error)).to.equal(true);
        expect(await node.exits('b', 'wire', error)).to.deep.equal([]);
      });
    }
  });

  describe('fragments', () => {
    before(() =>
      node.begin({
        policies: {
          in: {
            inbound: ['udp', 'tcp'].map((name) => ({
              action: 'allow',
              protocol: { name },
              dst_ports: [{ first: 53, last: 53 }],
            })),
          },
        },
        profiles: { open: KNS },
        pods: { a: { tiers: [{ ingress: ['in'], default: 'Deny' }] }, b: OPEN },
      }),
    );

    for (const family of FAMILIES) {
      for (const protocol of [17, 6] as const) {
        it(`corner 30: IPv${family} ${protocol === 6 ? 'TCP' : 'UDP'} in fragments has the verdict of the whole packet`, async () => {
          const payload = new Uint8Array(3000).fill(7);
          const cut = { fragmentBytes: 800 };
          for (const from of ['b', 'wire'] as const) {
            const packet = (destinationPort: number): Sent => ({
              family,
              protocol,
              payload,
              dontFragment: false,
              ...freshPorts(destinationPort),
            });
            expect(await node.arrives(from, 'a', packet(54), cut), `${from} 54`).to.equal(false);
            expect(await node.arrives(from, 'a', packet(53), cut), `${from} 53`).to.equal(true);
          }
        });
      }
    }
  });

  describe('host and changes', () => {
    it('corner 36: a pod answers its host under action DROP, and begins nothing', async () => {
      await node.begin({ ...OPEN_PODS, config: { DefaultEndpointToHostAction: 'DROP' } });
      for (const family of FAMILIES) {
        const { syn, synAck, ack, answer } = tcpFlow(family);
        expect(await node.arrives('b', 'host', tcpFlow(family).syn)).to.equal(false);
        expect(await node.arrives('host', 'b', syn)).to.equal(true);
        expect(await node.arrives('b', 'host', synAck)).to.equal(true);
        expect(await node.arrives('host', 'b', ack)).to.equal(true);
        expect(await node.arrives('b', 'host', answer)).to.equal(true);
      }
    });

    it('corner 48: a flow outlives a policy that turns to deny; new flows do not begin', async () => {
      await node.begin({
        policies: { p: KNS },
        profiles: { open: KNS },
        pods: { a: OPEN, b: { tiers: [{ ingress: ['p'], egress: ['p'], default: 'Deny' }] } },
      });
      const flow = tcpFlow();
      await handshake(flow);
      await node.tell(policyMessage('p', DENY_ALL));
      expect(await node.arrives('a', 'b', flow.ack)).to.equal(true);
      expect(await node.arrives('b', 'a', flow.answer)).to.equal(true);
      expect(await node.arrives('a', 'b', tcpFlow().syn)).to.equal(false);
    });

    it('corner 49: an endpoint that is no longer active ends its flows', async () => {
      await node.begin(OPEN_PODS);
      const flow = tcpFlow();
      await handshake(flow);
      await node.tell(podMessage('b', { ...OPEN, fields: { state: 'inactive' } }));
      expect(await node.arrives('a', 'b', flow.ack)).to.equal(false);
      expect(await node.arrives('b', 'a', flow.answer)).to.equal(false);
    });

    it('corner 63: a flow does not pass on to the next holder of an address', async () => {
      await node.begin(OPEN_PODS);
      const flow = tcpFlow();
      await handshake(flow);
      await node.tell(
        podMessage('b', { ...OPEN, fields: { ipv4_nets: ['10.65.0.7/32'] } }),
        podMessage('c', { fields: { ipv4_nets: ['10.65.0.2/32'] } }),
      );
      const toOld = { destination: '10.65.0.2' };
      expect(await node.arrives('a', 'c', { ...flow.ack, ...toOld })).to.equal(false);
      expect(await node.arrives('c', 'a', { ...flow.answer, source: '10.65.0.2' })).to.equal(false);
    });
  });
});
