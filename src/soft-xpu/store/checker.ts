/** Collects what is wrong with a spec: one violation per field, so that a caller learns all of it at once. */
import { formatCidr, formatIp, parseCidr, parseIp, type Family } from '../../base/ip.js';
import type { FieldViolation } from './errors.js';

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
/** Lowest bit of the first byte: multicast and broadcast. */
const GROUP_MAC = /^[0-9a-f][13579bdf]:/;
const ZERO_MAC = '00:00:00:00:00:00';

/** Violations found so far, and the checks of the value forms that specs are made of. */
export class Checker {
  readonly violations: FieldViolation[] = [];

  /** Records a violation unless `condition` holds. */
  require(condition: boolean, field: string, problem: string): void {
    if (!condition) this.violations.push({ field, problem });
  }

  /** A whole number within inclusive bounds. */
  integer(value: number, low: number, high: number, field: string): void {
    this.require(
      Number.isInteger(value) && value >= low && value <= high,
      field,
      `${value} is no whole number from ${low} to ${high}`,
    );
  }

  /** A canonical address of the family, if one is given. */
  address(text: string | undefined, field: string, family?: Family): void {
    if (text === undefined) return;
    const ip = parseIp(text);
    const sound = ip !== undefined && formatIp(ip) === text && this.familyFits(ip.family, family);
    this.require(sound, field, `${text} is no canonical${familyWord(family)} address`);
  }

  /** A canonical prefix of the family, if one is given. */
  prefix(text: string | undefined, field: string, family?: Family): void {
    if (text === undefined) return;
    const cidr = parseCidr(text);
    const sound =
      cidr !== undefined && formatCidr(cidr) === text && this.familyFits(cidr.family, family);
    this.require(sound, field, `${text} is no canonical${familyWord(family)} prefix`);
  }

  /** A lower-case MAC address that one station can have, if one is given: no group's, and not zero (IEEE 802). */
  mac(text: string | undefined, field: string): void {
    if (text === undefined) return;
    this.require(MAC.test(text), field, `${text} is no MAC address`);
    this.require(!GROUP_MAC.test(text), field, `${text} is the MAC address of a group`);
    this.require(text !== ZERO_MAC, field, `${text} is nobody's MAC address`);
  }

  /** Inclusive port ranges. */
  portRanges(ranges: readonly { low: number; high: number }[], field: string): void {
    ranges.forEach(({ low, high }, index) => {
      this.integer(low, 0, 65535, `${field}[${index}].low`);
      this.integer(high, low, 65535, `${field}[${index}].high`);
    });
  }

  /** Texts that must not repeat. */
  unique(texts: readonly string[], field: string): void {
    const seen = new Set<string>();
    for (const text of texts) {
      this.require(!seen.has(text), field, `${text} is there twice`);
      seen.add(text);
    }
  }

  private familyFits(found: Family, wanted: Family | undefined): boolean {
    return wanted === undefined || found === wanted;
  }
}

function familyWord(family: Family | undefined): string {
  return family === undefined ? '' : ` IPv${family}`;
}
