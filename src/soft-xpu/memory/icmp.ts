/** What ICMP types mean to connection tracking, as Linux has it (felix-recordings: verdict files; felix-protocol 5.2). */
import type { Packet } from './packet.js';

/** Requests that may open a flow, and the reply type that belongs to each. */
const REPLY_OF: Record<4 | 6, ReadonlyMap<number, number>> = {
  // Echo, timestamp, information, address mask.
  4: new Map([
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
  ]),
  // Echo, node information.
  6: new Map([
    [128, 129],
    [139, 140],
  ]),
};

/** Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
const V4_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/** Multicast listener and neighbour discovery: never tracked. */
const V6_UNTRACKED: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143]);

/** Types a pod may always send to its router (felix-protocol 5.5); router advertisements are not among them. */
const V6_TO_HOST: ReadonlySet<number> = new Set([130, 131, 132, 133, 135, 136]);

/** Redirect is an error too, above the range of the others. */
const V6_REDIRECT = 137;

/** Reply type of a request that may open a flow; undefined for every other packet. */
export function icmpReplyType(packet: Packet): number | undefined {
  return packet.icmp === undefined ? undefined : REPLY_OF[packet.family].get(packet.icmp.type);
}

/** True for errors, which quote the packet they are about. */
export function isIcmpError(packet: Packet): boolean {
  if (packet.icmp === undefined) return false;
  const { type } = packet.icmp;
  return packet.family === 4 ? V4_ERRORS.has(type) : type < 128 || type === V6_REDIRECT;
}

/** True for ICMPv6 packets that connection tracking leaves alone. */
export function isUntrackedIcmp(packet: Packet): boolean {
  return packet.family === 6 && V6_UNTRACKED.has(packet.icmp?.type ?? -1);
}

/** True for neighbour and listener discovery of a pod, which its policy does not see towards the host. */
export function isDiscoveryToHost(packet: Packet): boolean {
  return packet.family === 6 && V6_TO_HOST.has(packet.icmp?.type ?? -1);
}
