/** Pieces of nft rules: conditions on addresses, ports and protocols, each with its negation. */
import {
  compareCidr,
  formatCidr,
  formatIp,
  parseCidr,
  prefixMask,
  type Cidr,
  type Family,
} from '../../../base/ip.js';
import type { PortRangeSpec } from '../../../opi/objects/match.js';
import { PROTOCOL } from '../../memory/packet.js';

/** A condition and its opposite, as nft writes them. */
export interface Condition {
  readonly holds: string;
  readonly fails: string;
}

/** Conditions of which one must hold; none at all never holds. */
export type Clause = readonly Condition[];

/** A side of a packet. */
export type Side = 'saddr' | 'daddr';

/** Protocols whose packets have ports, as an nft set. */
export const WITH_PORTS = `{ ${[
  PROTOCOL.tcp,
  PROTOCOL.udp,
  PROTOCOL.dccp,
  PROTOCOL.sctp,
  PROTOCOL.udplite,
].join(', ')} }`;

/** The condition that `left` is (in) `right`. */
export function is(left: string, right: string): Condition {
  return { holds: `${left} ${right}`, fails: `${left} != ${right}` };
}

/** The opposite. */
export function not({ holds, fails }: Condition): Condition {
  return { holds: fails, fails: holds };
}

/** The address of a side. */
export function address(family: Family, side: Side): string {
  return family === 4 ? `ip ${side}` : `ip6 ${side}`;
}

/** The address of a side with the host bits of a prefix length cleared. */
export function maskedAddress(family: Family, side: Side, length: number): string {
  const mask = formatIp({ family, value: prefixMask(family, length) });
  return `${address(family, side)} & ${mask}`;
}

/** The port that belongs to a side. */
export function port(side: Side): string {
  return side === 'saddr' ? 'th sport' : 'th dport';
}

/** The packet is of a family. */
export function ofFamily(family: Family): string {
  return `meta nfproto ipv${family}`;
}

/**
 * Prefixes of one family among texts, without those that another one holds: nft refuses overlaps in a set.
 */
export function prefixesOf(family: Family, texts: readonly string[]): Cidr[] {
  const sorted = texts
    .flatMap((text) => parseCidr(text) ?? [])
    .filter((cidr) => cidr.family === family)
    .sort(compareCidr);
  const outer: Cidr[] = [];
  for (const cidr of sorted) {
    const last = outer.at(-1);
    const held =
      last !== undefined &&
      last.length <= cidr.length &&
      (cidr.value & prefixMask(family, last.length)) === last.value;
    if (!held) outer.push(cidr);
  }
  return outer;
}

/** The address is in one of the prefixes: `true` for every address of the family, `false` for none. */
export function inPrefixes(
  family: Family,
  side: Side,
  texts: readonly string[],
): Condition | boolean {
  const prefixes = prefixesOf(family, texts);
  if (prefixes.length === 0) return false;
  if (prefixes.some(({ length }) => length === 0)) return true;
  return is(address(family, side), oneOf(prefixes.map(formatCidr)));
}

/** The port is in one of the ranges, which must not be empty. Packets without ports must be kept away. */
export function inPorts(side: Side, ranges: readonly PortRangeSpec[]): Condition {
  const texts = mergeRanges(ranges).map(({ low, high }) =>
    low === high ? `${low}` : `${low}-${high}`,
  );
  return is(port(side), oneOf(texts));
}

/** True for protocols whose packets have ports. */
export function protocolHasPorts(protocol: number): boolean {
  const { tcp, udp, dccp, sctp, udplite } = PROTOCOL;
  return ([tcp, udp, dccp, sctp, udplite] as readonly number[]).includes(protocol);
}

/** One value, or an nft set of several. */
export function oneOf(texts: readonly string[]): string {
  const [only] = texts;
  return texts.length === 1 && only !== undefined ? only : `{ ${texts.join(', ')} }`;
}

/** Ranges without overlaps, in order. Empty ranges, which hold no port, are left out. */
function mergeRanges(ranges: readonly PortRangeSpec[]): PortRangeSpec[] {
  const merged: { low: number; high: number }[] = [];
  const sorted = ranges.filter(({ low, high }) => low <= high).sort((a, b) => a.low - b.low);
  for (const { low, high } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last.high + 1) last.high = Math.max(last.high, high);
    else merged.push({ low, high });
  }
  return merged;
}
