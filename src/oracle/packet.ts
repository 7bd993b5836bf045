/** What the judge is asked: the first packet of a new flow, and where it comes from. */
import type { Family, IpAddress } from '../base/ip.js';

/** ICMP or ICMPv6 type and code. */
export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
}

/** The first packet of a flow that no connection tracking knows; never a fragment. */
export interface Packet {
  readonly family: Family;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** IP protocol number. */
  readonly protocol: number;
  /** TCP, UDP, SCTP and UDP-Lite only. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** ICMP (family 4) and ICMPv6 (family 6) only. */
  readonly icmp?: IcmpHeader;
}

/** The node itself, whatever is behind its uplink, or a local workload by its `workload_id`. */
export type Place =
  | { readonly kind: 'host' }
  | { readonly kind: 'wire' }
  | { readonly kind: 'workload'; readonly workload: string };

/** What becomes of a packet. */
export interface Verdict {
  readonly allow: boolean;
  /** Where an allowed packet comes out; absent when it is dropped. */
  readonly exit?: Place;
  /** The decisions on the way, in order, one short sentence each; the last one decided. */
  readonly path: readonly string[];
}

/** Protocol numbers the semantics speak of. */
export const PROTOCOLS = { icmp: 1, ipip: 4, tcp: 6, udp: 17, icmpv6: 58, sctp: 132, udplite: 136 };

/** Number of a protocol name on the wire; `undefined` for a name that is none of Calico's six. */
export function protocolNumber(name: string): number | undefined {
  const lower = name.toLowerCase();
  if (lower === 'ipip') return undefined;
  return Object.entries(PROTOCOLS).find(([known]) => known === lower)?.[1];
}

/** Whether connection tracking takes the packet for the start of a flow, refuses it, or does not look at it. */
export type TrackState = 'new' | 'invalid' | 'untracked';

const ICMP_OPENS = new Set([8, 13, 15, 17]);
const ICMPV6_OPENS = new Set([128, 139]);
/** Multicast listener and neighbour discovery messages pass Linux's connection tracking by. */
const ICMPV6_UNTRACKED = new Set([130, 131, 132, 133, 134, 135, 136, 143]);

/** felix-recordings: ICMP types that cannot open a flow are INVALID. Every other protocol's first packet is new. */
export function trackState(packet: Packet): TrackState {
  const { icmp } = packet;
  if (icmp === undefined) return 'new';
  if (packet.family === 4) return ICMP_OPENS.has(icmp.type) ? 'new' : 'invalid';
  if (ICMPV6_UNTRACKED.has(icmp.type)) return 'untracked';
  return ICMPV6_OPENS.has(icmp.type) ? 'new' : 'invalid';
}
