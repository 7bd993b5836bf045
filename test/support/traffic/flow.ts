/** Flows of numbered packets between the ports of an XPU, as data. A packet's payload is a marker of twelve bytes. */
import {
  PROTOCOL,
  TCP_FLAG,
  type PacketSpec,
  type TcpSpec,
} from '../../../src/lab/packets/spec.js';

/** Where packets are sent and come out: an interface outside the XPU, and an address there. */
export interface End {
  readonly ifname: string;
  readonly address: string;
}

/** How far a flow has come: numbers of packets, -1 = none yet. */
export interface Progress {
  /** Highest number of the opposite direction that has arrived. */
  readonly answered: number;
}

/** One direction of a talk. */
export interface Flow {
  readonly name: string;
  readonly from: End;
  readonly to: End;
  /** Every packet must arrive; false = none may, ever. */
  readonly allowed: boolean;
  /** Packet of this number, or nothing while the talk is not that far. */
  readonly packet: (number: number, progress: Progress) => PacketSpec | undefined;
  /** Name of the opposite direction. */
  readonly opposite?: string;
}

/** Bytes of every payload. */
const PAYLOAD_BYTES = 12;
const CLIENT_PORT = 33_333;
const FRESH_PORT_MIN = 10_000;
const FRESH_PORTS = 50_000;

/** One connection of UDP, both directions of it. The answers begin when the first packet has come. */
export function udpTalk(name: string, from: End, to: End, port: number): Flow[] {
  const there = { protocol: PROTOCOL.udp, sourcePort: CLIENT_PORT, destinationPort: port };
  const back = { protocol: PROTOCOL.udp, sourcePort: port, destinationPort: CLIENT_PORT };
  return talk(
    name,
    [from, to],
    () => there,
    (_, { answered }) => (answered < 0 ? undefined : back),
  );
}

/** One connection of TCP: a handshake, then data both ways, each acknowledging what has come. */
export function tcpTalk(name: string, from: End, to: End, port: number): Flow[] {
  const there = { protocol: PROTOCOL.tcp, sourcePort: CLIENT_PORT, destinationPort: port };
  const back = { protocol: PROTOCOL.tcp, sourcePort: port, destinationPort: CLIENT_PORT };
  return talk(
    name,
    [from, to],
    (number, { answered }) => {
      if (number > 0 && answered < 0) return undefined;
      return { ...there, tcp: segment(number, answered, TCP_FLAG.syn) };
    },
    (number, { answered }) => {
      if (answered < Math.min(number, 1)) return undefined;
      return { ...back, tcp: segment(number, answered, TCP_FLAG.syn | TCP_FLAG.ack) };
    },
  );
}

/** A datagram from another port every time, so that each is judged anew. */
export function freshUdp(name: string, from: End, to: End, port: number, allowed: boolean): Flow {
  return oneWay(name, from, to, allowed, (number) => ({
    protocol: PROTOCOL.udp,
    sourcePort: freshPort(number),
    destinationPort: port,
  }));
}

/** A SYN from another port every time. */
export function freshTcp(name: string, from: End, to: End, port: number, allowed: boolean): Flow {
  return oneWay(name, from, to, allowed, (number) => ({
    protocol: PROTOCOL.tcp,
    sourcePort: freshPort(number),
    destinationPort: port,
  }));
}

/** The same datagram, and the same answer that nobody asked for: forbidden, and tried for as long as traffic runs. */
export function stubbornUdp(name: string, from: End, to: End, port: number): Flow[] {
  const there = { protocol: PROTOCOL.udp, sourcePort: CLIENT_PORT, destinationPort: port };
  const back = { protocol: PROTOCOL.udp, sourcePort: port, destinationPort: CLIENT_PORT };
  return [
    oneWay(name, from, to, false, () => there),
    oneWay(`${name}, answers`, to, from, false, () => back),
  ];
}

/** An echo request with an identifier of its own every time. */
export function freshPing(name: string, from: End, to: End, allowed: boolean): Flow {
  const isV6 = from.address.includes(':');
  return oneWay(name, from, to, allowed, (number) => ({
    protocol: isV6 ? PROTOCOL.icmpv6 : PROTOCOL.icmp,
    icmp: { type: isV6 ? 128 : 8, id: number & 0xffff, sequence: 1 },
  }));
}

type Body = Omit<PacketSpec, 'source' | 'destination'>;
type Bodies = (number: number, progress: Progress) => Body | undefined;

function talk(name: string, [from, to]: readonly [End, End], there: Bodies, back: Bodies): Flow[] {
  const [forth, answers] = [name, `${name}, answers`];
  return [
    { ...oneWay(forth, from, to, true, there), opposite: answers },
    { ...oneWay(answers, to, from, true, back), opposite: forth },
  ];
}

function oneWay(name: string, from: End, to: End, allowed: boolean, body: Bodies): Flow {
  const addresses = { source: from.address, destination: to.address };
  return {
    name,
    from,
    to,
    allowed,
    packet: (number, progress) => {
      const fields = body(number, progress);
      return fields && { ...addresses, ...fields };
    },
  };
}

/** Every segment, the first one too, carries one payload; a SYN counts one more. */
function segment(number: number, answered: number, firstFlags: number): TcpSpec {
  const acknowledgement = answered < 0 ? 0 : 1 + (answered + 1) * PAYLOAD_BYTES;
  if (number === 0) return { flags: firstFlags, sequence: 0, acknowledgement };
  const flags = TCP_FLAG.psh | TCP_FLAG.ack;
  return { flags, sequence: 1 + number * PAYLOAD_BYTES, acknowledgement };
}

function freshPort(number: number): number {
  return FRESH_PORT_MIN + (number % FRESH_PORTS);
}
