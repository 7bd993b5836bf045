/** An address prepared for many prefix lookups. */
import { addressBits, formatIp, type Family, type IpAddress } from '../../base/ip.js';

/** Key of a prefix among the prefixes of one length and family: a small integer for IPv4, hex text for IPv6. */
export type PrefixKey = number | string;

/** An address with its canonical text and its prefix keys. */
export class Address implements IpAddress {
  readonly family: Family;
  readonly value: bigint;
  private readonly v4: number;
  private cachedText: string | undefined;

  constructor(ip: IpAddress) {
    this.family = ip.family;
    this.value = ip.value;
    this.v4 = ip.family === 4 ? Number(ip.value) | 0 : 0;
  }

  /** Canonical text. */
  get text(): string {
    this.cachedText ??= formatIp(this);
    return this.cachedText;
  }

  /** Key of the prefix of `length` bits that holds this address. */
  prefixKey(length: number): PrefixKey {
    if (this.family === 4) return length === 0 ? 0 : this.v4 & (-1 << (32 - length));
    return (this.value >> BigInt(128 - length)).toString(16);
  }
}

/** The prefix value (host bits zero) of a key made by `prefixKey`. */
export function prefixKeyValue(family: Family, length: number, key: PrefixKey): bigint {
  if (typeof key === 'number') return BigInt(key >>> 0);
  return BigInt(`0x${key}`) << BigInt(addressBits(family) - length);
}
