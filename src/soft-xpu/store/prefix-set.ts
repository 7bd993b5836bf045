/**
 * A set of prefixes with O(1) change: one hash per prefix length. A lookup costs one probe per length that is present,
 * whatever the number of prefixes; nested prefixes stay apart, so that removing one never uncovers another.
 */
import { FAMILIES, formatCidr, type Cidr, type Family } from '../../base/ip.js';
import { Address, prefixKeyValue, type PrefixKey } from './address.js';

/** See the file head. Both families in one set. */
export class PrefixSet {
  private readonly byLength: Record<Family, Map<number, Set<PrefixKey>>> = {
    4: new Map(),
    6: new Map(),
  };
  private count = 0;

  constructor(prefixes: Iterable<Cidr> = []) {
    for (const prefix of prefixes) this.add(prefix);
  }

  /** Number of prefixes. */
  get size(): number {
    return this.count;
  }

  /** Adds a prefix; false if it was there. */
  add(cidr: Cidr): boolean {
    const lengths = this.byLength[cidr.family];
    let keys = lengths.get(cidr.length);
    if (keys === undefined) lengths.set(cidr.length, (keys = new Set()));
    const key = new Address(cidr).prefixKey(cidr.length);
    if (keys.has(key)) return false;
    keys.add(key);
    this.count += 1;
    return true;
  }

  /** Removes a prefix; false if it was not there. */
  delete(cidr: Cidr): boolean {
    const lengths = this.byLength[cidr.family];
    const keys = lengths.get(cidr.length);
    if (!keys?.delete(new Address(cidr).prefixKey(cidr.length))) return false;
    if (keys.size === 0) lengths.delete(cidr.length);
    this.count -= 1;
    return true;
  }

  /** True if exactly this prefix was added. */
  has(cidr: Cidr): boolean {
    const keys = this.byLength[cidr.family].get(cidr.length);
    return keys?.has(new Address(cidr).prefixKey(cidr.length)) === true;
  }

  /** True if any prefix of the address's family holds it. */
  contains(address: Address): boolean {
    for (const [length, keys] of this.byLength[address.family]) {
      if (keys.has(address.prefixKey(length))) return true;
    }
    return false;
  }

  /** Canonical texts of every prefix, in no particular order. */
  *texts(): Generator<string> {
    for (const family of FAMILIES) {
      for (const [length, keys] of this.byLength[family]) {
        for (const key of keys) {
          yield formatCidr({ family, length, value: prefixKeyValue(family, length, key) });
        }
      }
    }
  }
}
