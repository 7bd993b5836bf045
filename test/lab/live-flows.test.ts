/** Corner cases that need more than a first packet: replies, errors, fragments, flows that outlive a change of policy. */
import { expect } from 'chai';
import { TCP, type PacketFields } from '../../src/soft-xpu/memory/packet.js';
import { framesOf, type Message } from '../support/felix/wire.js';
import {
  ADDRESSES,
  KNS,
  podMessage,
  policyMessage,
  session,
  type PlaceName,
  type World,
} from '../support/felix/world.js';
import { NATIVE, PLAIN } from '../translators/support/play.js';
import { XpuEngine } from '../translators/support/xpu-engine.js';

/** `a` sends and receives nothing; `b` the other way round: only flows from `a` to `b` can begin. */
const ONE_WAY: World = {
  policies: { in: { inbound: [] }, out: { outbound: [] } },
  profiles: { open: KNS },
  pods: {
    a: { tiers: [{ ingress: ['in'], default: 'Deny' }], profiles: ['open'] },
    b: { tiers: [{ egress: ['out'], default: 'Deny' }], profiles: ['open'] },
  },
};

const DENY_ALL = { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] };

for (const target of [NATIVE, PLAIN]) {
  describe(`live flows, ${target.level} target`, () => {
    let engine: XpuEngine;

    async function start(world: World): Promise<void> {
      engine = new XpuEngine(target);
      await engine.startSession();
      await engine.advance(framesOf(session(world)));
    }

    function tell(...messages: Message[]): Promise<void> {
      return engine.advance(framesOf(messages));
    }

    function arrives(from: PlaceName, to: PlaceName, fields: Partial<PacketFields>): boolean {
      const packet = { protocol: 6, ...addresses(from, to), ...fields };
      return engine.send(placeText(from), placeText(to), packet);
    }

    const SYN = { sourcePort: 40000, destinationPort: 80 };
    const SYN_ACK = { sourcePort: 80, destinationPort: 40000, tcpFlags: TCP.syn | TCP.ack };
    const ACK = { ...SYN, tcpFlags: TCP.ack };

    /** Handshake from `a` to `b`. */
    function handshake(): void {
      expect(arrives('a', 'b', SYN)).to.equal(true);
      expect(arrives('b', 'a', SYN_ACK)).to.equal(true);
      expect(arrives('a', 'b', ACK)).to.equal(true);
    }

    it('corner 30: fragments share the verdict of the whole packet', async () => {
      await start({
        ...ONE_WAY,
        policies: {
          in: {
            inbound: [
              { action: 'allow', protocol: { name: 'udp' }, dst_ports: [{ first: 53, last: 53 }] },
            ],
          },
        },
        pods: { a: { tiers: [{ ingress: ['in'], default: 'Deny' }] }, b: { profiles: ['open'] } },
      });
      const first = { protocol: 17, sourcePort: 40000, fragment: { id: 7, first: true } };
      const later = { protocol: 17, fragment: { id: 7, first: false } };
      expect(arrives('b', 'a', later)).to.equal(false);
      expect(arrives('b', 'a', { ...first, destinationPort: 54 })).to.equal(false);
      expect(arrives('b', 'a', later)).to.equal(false);
      expect(arrives('b', 'a', { ...first, destinationPort: 53 })).to.equal(true);
      expect(arrives('b', 'a', later)).to.equal(true);
    });

    it('corner 36: a pod answers its host under action DROP', async () => {
      await start({ ...ONE_WAY, config: { DefaultEndpointToHostAction: 'DROP' } });
      expect(arrives('b', 'host', SYN)).to.equal(false);
      expect(arrives('host', 'b', SYN)).to.equal(true);
      expect(arrives('b', 'host', SYN_ACK)).to.equal(true);
    });

    it('corner 45: a reply passes a sender that may send nothing', async () => {
      await start(ONE_WAY);
      expect(arrives('b', 'a', SYN_ACK)).to.equal(false);
      handshake();
      expect(arrives('b', 'a', { ...SYN_ACK, tcpFlags: TCP.ack })).to.equal(true);
      expect(arrives('b', 'a', SYN)).to.equal(false);
    });

    it('corner 46: an ACK without a flow begins one and is policed; bad flags are INVALID', async () => {
      await start(ONE_WAY);
      expect(arrives('b', 'a', ACK)).to.equal(false);
      for (const tcpFlags of [0, TCP.rst, TCP.fin, TCP.syn | TCP.fin, TCP.syn | TCP.ack]) {
        expect(arrives('a', 'b', { ...SYN, tcpFlags }), `flags ${tcpFlags}`).to.equal(false);
      }
      expect(arrives('a', 'b', ACK)).to.equal(true);
    });

    it('corner 47: an ICMP error about an allowed flow reaches a pod that receives nothing', async () => {
      await start(ONE_WAY);
      const flow = { protocol: 17, sourcePort: 40000, destinationPort: 53 };
      const error = { protocol: 1, icmp: { type: 3, code: 4 } };
      const quoted = { ...addresses('a', 'wire'), ...flow };
      expect(arrives('wire', 'a', { ...error, quoted })).to.equal(false);
      expect(arrives('a', 'wire', flow)).to.equal(true);
      expect(arrives('wire', 'a', { ...error, quoted })).to.equal(true);
      expect(arrives('wire', 'a', error)).to.equal(false);
    });

    it('corner 48: a flow outlives a policy that turns to deny; new flows do not begin', async () => {
      await start({
        policies: { p: KNS },
        profiles: { open: KNS },
        pods: {
          a: { profiles: ['open'] },
          b: { tiers: [{ ingress: ['p'], egress: ['p'], default: 'Deny' }] },
        },
      });
      handshake();
      await tell(policyMessage('p', DENY_ALL));
      expect(arrives('a', 'b', ACK)).to.equal(true);
      expect(arrives('b', 'a', { ...SYN_ACK, tcpFlags: TCP.ack })).to.equal(true);
      expect(arrives('a', 'b', { ...SYN, sourcePort: 40001 })).to.equal(false);
    });

    it('corner 49: an endpoint that is no longer active ends its flows', async () => {
      await start({ profiles: { open: KNS }, pods: { a: OPEN, b: OPEN } });
      handshake();
      await tell(podMessage('b', { ...OPEN, fields: { state: 'inactive' } }));
      expect(arrives('a', 'b', ACK)).to.equal(false);
      expect(arrives('b', 'a', { ...SYN_ACK, tcpFlags: TCP.ack })).to.equal(false);
    });

    it('corner 63: a flow does not pass on to the next holder of an address', async () => {
      await start({ profiles: { open: KNS }, pods: { a: OPEN, b: OPEN } });
      handshake();
      await tell(
        podMessage('b', { ...OPEN, fields: { ipv4_nets: ['10.65.0.7/32'] } }),
        podMessage('c', { fields: { ipv4_nets: ['10.65.0.2/32'] } }),
      );
      expect(arrives('a', 'c', { ...ACK, destination: '10.65.0.2' })).to.equal(false);
      expect(arrives('c', 'a', { ...SYN_ACK, source: '10.65.0.2' })).to.equal(false);
    });

    it('corner 69: a UDP reply is allowed once the flow is tracked', async () => {
      await start(ONE_WAY);
      const reply = { protocol: 17, sourcePort: 53, destinationPort: 40000 };
      expect(arrives('b', 'a', reply)).to.equal(false);
      const request = { protocol: 17, sourcePort: 40000, destinationPort: 53 };
      expect(arrives('a', 'b', request)).to.equal(true);
      expect(arrives('b', 'a', reply)).to.equal(true);
      expect(arrives('b', 'a', { ...reply, sourcePort: 54 })).to.equal(false);
    });
  });
}

const OPEN = { profiles: ['open'] };

function addresses(from: PlaceName, to: PlaceName): { source: string; destination: string } {
  return { source: ADDRESSES[from][0], destination: ADDRESSES[to][0] };
}

function placeText(name: PlaceName): string {
  return name === 'host' || name === 'wire' ? name : `default/${name}`;
}
