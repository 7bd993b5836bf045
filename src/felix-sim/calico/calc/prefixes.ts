/** Prefixes as members of IP sets (felix-protocol: IP sets). */
import { compareCidr, prefixMask, type Cidr } from '../../../base/ip.js';

/** A prefix of length 0 is more than an ipset takes: Felix makes two halves of it. */
export function splitWhole(cidr: Cidr): Cidr[] {
  if (cidr.length > 0) return [cidr];
  const { family } = cidr;
  return [
    { family, value: 0n, length: 1 },
    { family, value: prefixMask(family, 1), length: 1 },
  ];
}

/** Without those that lie in another one, and without repeats; sorted. */
export function coveringPrefixes(cidrs: readonly Cidr[]): Cidr[] {
  const covering: Cidr[] = [];
  for (const cidr of cidrs.toSorted(compareCidr)) {
    const last = covering.at(-1);
    if (last === undefined || !holds(last, cidr)) covering.push(cidr);
  }
  return covering;
}

function holds(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  return (inner.value & prefixMask(outer.family, outer.length)) === outer.value;
}
