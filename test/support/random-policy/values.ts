/** Small pools of values, so that random rules and random packets meet often. */
import fc from 'fast-check';
import { formatCidr, parseCidr } from '../../../src/base/ip.js';

/** Addresses that rules, sets and packets speak of: pods, free ones of our blocks, nodes, and what is far away. */
export const INTERESTING: Record<4 | 6, readonly string[]> = {
  4: [
    '10.65.0.1',
    '10.65.0.2',
    '10.65.0.3',
    '10.65.0.9',
    '10.65.1.1',
    '10.66.0.9',
    '172.30.0.1',
    '172.30.0.2',
    '198.18.0.8',
    '198.18.0.9',
    '198.18.255.255',
    '203.0.113.128',
    '0.0.0.1',
    '255.255.255.254',
  ],
  6: [
    'fd65::1',
    'fd65::2',
    'fd65::3',
    'fd65::9',
    'fd65:1::1',
    'fd66::9',
    'fd30::1',
    'fd30::2',
    '2001:db8::8',
    '2001:db8::9',
    '2001:db8:0:1::',
    'ffff:ffff::1',
    '::2',
  ],
};

const LENGTHS: Record<4 | 6, readonly number[]> = {
  4: [1, 8, 15, 16, 24, 25, 29, 30, 31, 32],
  6: [1, 8, 32, 48, 64, 120, 125, 126, 127, 128],
};

/** A canonical prefix around an interesting address. `/0` only where a rule, not a set, may hold it. */
export function prefix(family: 4 | 6, options: { readonly whole: boolean }): fc.Arbitrary<string> {
  const lengths = options.whole ? [0, ...LENGTHS[family]] : LENGTHS[family];
  return fc
    .tuple(fc.constantFrom(...INTERESTING[family]), fc.constantFrom(...lengths))
    .map(([address, length]) => canonical(`${address}/${length}`));
}

/** A prefix of either family. */
export function anyPrefix(options: { readonly whole: boolean }): fc.Arbitrary<string> {
  return fc.oneof(prefix(4, options), prefix(6, options));
}

/** Ports around which ranges and packets lie. */
export const PORTS = [0, 1, 22, 53, 79, 80, 81, 443, 4789, 8080, 8081, 30000, 65534, 65535];

/** A range of ports, often of one. */
export const portRange = fc
  .tuple(fc.constantFrom(...PORTS), fc.constantFrom(0, 0, 1, 2, 1000, 65535))
  .map(([first, width]) => ({ first, last: Math.min(65535, first + width) }));

/** ICMP types that Calico's users write, both families. */
export const ICMP_TYPES: Record<4 | 6, readonly number[]> = {
  4: [0, 3, 5, 8, 11, 13],
  6: [1, 3, 128, 129, 133, 134, 135, 143],
};

/** Absent with this chance in percent. */
export function maybe<T>(arbitrary: fc.Arbitrary<T>, percent: number): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: 100 - Math.round(percent), arbitrary: fc.constant(undefined) },
    { weight: Math.round(percent), arbitrary },
  );
}

/** The record without its members that are absent. */
export function defined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const present = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function canonical(text: string): string {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`${text} is no prefix`);
  return formatCidr(cidr);
}
