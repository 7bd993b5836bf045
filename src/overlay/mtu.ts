/**
 * MTU arithmetic: what encapsulation takes from the packets that pods send. OPI has no MTU of a vNIC or a tunnel, so the
 * number goes to who reads it: the status, and CNI, which sets the pod's interface.
 */
import type { Family } from '../base/ip.js';

/** How a packet travels between nodes: as it is, or in VXLAN over one family of outer addresses. */
export type Encapsulation = 'none' | 'vxlan-v4' | 'vxlan-v6';

const OUTER_IP_BYTES: Readonly<Record<Family, number>> = { 4: 20, 6: 40 };
const UDP_BYTES = 8;
const VXLAN_BYTES = 8;
const ETHERNET_BYTES = 14;

/** Smallest MTU that every IPv4 and IPv6 link must have (RFC 791, RFC 8200), in bytes. */
export const LINK_MTU_MIN: Readonly<Record<Family, number>> = { 4: 68, 6: 1280 };

/** Bytes that VXLAN adds to a packet: outer IP, UDP, VXLAN and the inner Ethernet header. 50 over IPv4, 70 over IPv6. */
export function vxlanOverhead(outer: Family): number {
  return OUTER_IP_BYTES[outer] + UDP_BYTES + VXLAN_BYTES + ETHERNET_BYTES;
}

/** Largest IP packet, in bytes, that an underlay of this MTU carries whole in this encapsulation. Not below 0. */
export function innerMtu(underlayMtu: number, encapsulation: Encapsulation): number {
  switch (encapsulation) {
    case 'none':
      return underlayMtu;
    case 'vxlan-v4':
      return Math.max(0, underlayMtu - vxlanOverhead(4));
    case 'vxlan-v6':
      return Math.max(0, underlayMtu - vxlanOverhead(6));
  }
}

/** MTU of pods, in bytes: what fits into every encapsulation in use. None in use = the underlay's own. */
export function podMtu(underlayMtu: number, inUse: Iterable<Encapsulation>): number {
  return Math.min(underlayMtu, ...[...inUse].map((one) => innerMtu(underlayMtu, one)));
}

/** Families whose links may not have this MTU: their packets do not pass. */
export function familiesBelowMinimum(mtu: number): readonly Family[] {
  return ([4, 6] as const).filter((family) => mtu < LINK_MTU_MIN[family]);
}
