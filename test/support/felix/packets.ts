/** Packets between the places of a test world, as the probes that verdict engines judge. */
import type { Probe, ProbePacket } from '../../../src/lab/verdicts/probe.js';
import { ADDRESSES, type PlaceName } from './world.js';

/** Everything of a packet but its addresses. */
export type Transport = Omit<ProbePacket, 'source' | 'destination'>;

/** Deviations from the addresses of the two places. */
export interface Addressing {
  readonly family?: 4 | 6;
  readonly source?: string;
  readonly destination?: string;
}

/** A TCP SYN. */
export function tcp(destinationPort: number, sourcePort = 40000): Transport {
  return { protocol: 6, sourcePort, destinationPort };
}

/** A UDP datagram. */
export function udp(destinationPort: number, sourcePort = 40000): Transport {
  return { protocol: 17, sourcePort, destinationPort };
}

/** An SCTP INIT. */
export function sctp(destinationPort: number, sourcePort = 40000): Transport {
  return { protocol: 132, sourcePort, destinationPort };
}

/** An ICMP message; `icmpv6` for the other family. */
export function icmp(icmpType: number, icmpCode = 0): Transport {
  return { protocol: 1, icmpType, icmpCode };
}

/** An ICMPv6 message. */
export function icmpv6(icmpType: number, icmpCode = 0): Transport {
  return { protocol: 58, icmpType, icmpCode };
}

/** A packet of any other protocol. */
export function protocol(number: number): Transport {
  return { protocol: number };
}

/** What `from` sends to `to`. ICMPv6 is of family 6, everything else of family 4, unless `addressing` says otherwise. */
export function send(
  from: PlaceName,
  to: PlaceName,
  transport: Transport,
  addressing: Addressing = {},
): Probe {
  const given = addressing.source ?? addressing.destination;
  const spoken = given === undefined ? undefined : given.includes(':') ? 6 : 4;
  const family = addressing.family ?? spoken ?? (transport.protocol === 58 ? 6 : 4);
  const index = family === 4 ? 0 : 1;
  const packet = {
    source: addressing.source ?? ADDRESSES[from][index],
    destination: addressing.destination ?? ADDRESSES[to][index],
    ...transport,
  };
  return { line: 0, from: placeText(from), to: placeText(to), packet, allowed: false };
}

function placeText(name: PlaceName): string {
  return name === 'host' || name === 'wire' ? name : `default/${name}`;
}
