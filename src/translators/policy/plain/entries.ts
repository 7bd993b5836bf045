/** Interval sets as the entries of OPI rules. The entries of one set are made once and shared by all rules that use it. */
import { addressBits, formatIp, type Family } from '../../../base/ip.js';
import type { IcmpSpec, IpEntrySpec, PortRangeSpec } from '../../../opi/objects/match.js';
import type { AddressSet, NumberSet } from './box.js';
import type { OrdinalRange } from './interval-set.js';

const addressEntries = new WeakMap<AddressSet, readonly IpEntrySpec[]>();

const NO_ENTRIES: readonly [] = [];

/** Entries of an address set; none for the full set. A range that is a prefix is written as one. */
export function entriesOf(set: AddressSet, family: Family): readonly IpEntrySpec[] {
  if (set.isFull) return NO_ENTRIES;
  if (set.rangeCount === 1) return [...set.ranges()].map((range) => entryOf(range, family));
  let entries = addressEntries.get(set);
  if (entries === undefined) {
    entries = [...set.ranges()].map((range) => entryOf(range, family));
    addressEntries.set(set, entries);
  }
  return entries;
}

function entryOf({ low, high }: OrdinalRange<bigint>, family: Family): IpEntrySpec {
  const size = high - low + 1n;
  const lowText = formatIp({ family, value: low });
  if ((size & (size - 1n)) === 0n && (low & (size - 1n)) === 0n) {
    const hostBits = size.toString(2).length - 1;
    return { prefix: `${lowText}/${addressBits(family) - hostBits}` };
  }
  return { low: lowText, high: formatIp({ family, value: high }) };
}

/** Port ranges of a set; none for the full set. */
export function portEntriesOf(set: NumberSet): readonly PortRangeSpec[] {
  return set.isFull ? NO_ENTRIES : [...set.ranges()].map(({ low, high }) => ({ low, high }));
}

/** ICMP matches of a set, whole types where all codes are in; none for the full set. */
export function icmpEntriesOf(set: NumberSet): readonly IcmpSpec[] {
  if (set.isFull) return NO_ENTRIES;
  const entries: IcmpSpec[] = [];
  for (const { low, high } of set.ranges()) {
    for (let value = low; value <= high; value++) {
      const wholeType = value % 256 === 0 && value + 255 <= high;
      entries.push(
        wholeType ? { type: value / 256 } : { type: Math.floor(value / 256), code: value % 256 },
      );
      if (wholeType) value += 255;
    }
  }
  return entries;
}
