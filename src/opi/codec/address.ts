/**
 * Addresses, prefixes, ranges, MACs and ports between canonical text and `opinetcommon`. IPv4 is a number in host
 * order everywhere, fixed32 or varint (10.0.0.2 = 167772162); IPv6 is 16 bytes in network order.
 */
import {
  addressBits,
  formatCidr,
  formatIp,
  ipFromBytes,
  ipToBytes,
  parseCidr,
  parseIp,
  prefixMask,
  type Cidr,
  type Family,
  type IpAddress,
} from '../../base/ip.js';
import type { Draft } from './draft.js';
import type { opinetcommon } from '../../gen/opi/types.js';
import type { IpEntrySpec, PortRangeSpec } from '../objects/match.js';
import { malformed, unexpressed } from './errors.js';

/** What a message member that was not sent looks like. */
export type Maybe<T> = T | null | undefined;

/** True if a message member was sent. */
export function isSet<T>(message: Maybe<T>): message is T {
  return message !== null && message !== undefined;
}

/** Wire name of a family. */
export function encodeFamily(family: Family): opinetcommon.IpAf {
  return family === 4 ? 'IP_AF_INET' : 'IP_AF_INET6';
}

/** Family of a wire name; undefined if unspecified. */
export function decodeFamily(af: opinetcommon.IpAf, field: string): Family | undefined {
  if (af === 'IP_AF_INET') return 4;
  if (af === 'IP_AF_INET6') return 6;
  if (af === 'IP_AF_UNSPECIFIED') return undefined;
  throw malformed(field, `unknown address family ${String(af)}`);
}

/** Address of a canonical text. */
export function encodeIp(text: string, field: string): Draft<opinetcommon.IPAddress> {
  return ipMessage(addressOf(text, field));
}

/** Address of a text, or a typed error. */
export function addressOf(text: string, field: string): IpAddress {
  const ip = parseIp(text);
  if (ip === undefined) throw malformed(field, `"${text}" is no address`);
  return ip;
}

function ipMessage(ip: IpAddress): Draft<opinetcommon.IPAddress> {
  const af = encodeFamily(ip.family);
  return ip.family === 4 ? { af, v4_addr: Number(ip.value) } : { af, v6_addr: ipToBytes(ip) };
}

/** Canonical text of an address. The oneof tells the family; `af` may be left out but must not contradict. */
export function decodeIp(message: Maybe<opinetcommon.IPAddress>, field: string): string {
  return formatIp(decodeAddress(message, field));
}

/** An address as a value. */
export function decodeAddress(message: Maybe<opinetcommon.IPAddress>, field: string): IpAddress {
  const ip = oneofAddress(message, field);
  const family = isSet(message) ? decodeFamily(message.af, `${field}.af`) : undefined;
  if (family !== undefined && family !== ip.family) {
    throw malformed(`${field}.af`, `IPv${family}, but the address is IPv${ip.family}`);
  }
  return ip;
}

function oneofAddress(message: Maybe<opinetcommon.IPAddress>, field: string): IpAddress {
  if (message?.v4_or_v6 === 'v4_addr') return decodeV4(message.v4_addr);
  if (message?.v4_or_v6 === 'v6_addr') return decodeV6(message.v6_addr, `${field}.v6_addr`);
  throw malformed(field, 'no address');
}

/** IPv4 address of its number. */
export function decodeV4(value: number): IpAddress {
  return { family: 4, value: BigInt(value >>> 0) };
}

/** IPv6 address of its 16 bytes. */
export function decodeV6(bytes: Uint8Array, field: string): IpAddress {
  const ip = ipFromBytes(bytes);
  if (ip?.family !== 6) throw malformed(field, `${bytes.length} bytes, IPv6 has 16`);
  return ip;
}

/** Prefix of a text, or a typed error. */
export function cidrOf(text: string, field: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw malformed(field, `"${text}" is no prefix`);
  return cidr;
}

/** Prefix of a canonical text. */
export function encodePrefix(text: string, field: string): Draft<opinetcommon.IPPrefix> {
  const cidr = cidrOf(text, field);
  return { addr: ipMessage(cidr), len: cidr.length };
}

/** Canonical text of a prefix; host bits are cleared. */
export function decodePrefix(message: Maybe<opinetcommon.IPPrefix>, field: string): string {
  const ip = decodeAddress(message?.addr, `${field}.addr`);
  return formatCidr(cidrAt(ip, message?.len ?? 0, `${field}.len`));
}

/** Prefix of an address and a length, checked and with host bits cleared. */
export function cidrAt(ip: IpAddress, length: number, field: string): Cidr {
  if (length < 0 || length > addressBits(ip.family)) {
    throw malformed(field, `${length} is no length of an IPv${ip.family} prefix`);
  }
  return { family: ip.family, value: ip.value & prefixMask(ip.family, length), length };
}

/** Texts of a list of prefixes. */
export function decodePrefixes(
  messages: readonly opinetcommon.IPPrefix[],
  field: string,
): string[] {
  return messages.map((message, index) => decodePrefix(message, `${field}[${index}]`));
}

/** Messages of a list of prefix texts. */
export function encodePrefixes(
  texts: readonly string[],
  field: string,
): Draft<opinetcommon.IPPrefix>[] {
  return texts.map((text, index) => encodePrefix(text, `${field}[${index}]`));
}

/** Range of addresses of an entry. */
export function encodeRange(
  entry: { readonly low: string; readonly high: string },
  field: string,
): Draft<opinetcommon.AddressRange> {
  const low = addressOf(entry.low, `${field}.low`);
  const high = addressOf(entry.high, `${field}.high`);
  if (low.family !== high.family) throw malformed(field, 'a range of two families');
  const range = { low: ipMessage(low), high: ipMessage(high) };
  return low.family === 4 ? { ipv4_range: range } : { ipv6_range: range };
}

/** Entry of a range message. */
export function decodeRange(message: Maybe<opinetcommon.AddressRange>, field: string): IpEntrySpec {
  const family = message?.range === 'ipv4_range' ? 4 : 6;
  const range = rangeOf(message);
  const low = decodeAddress(range?.low, `${field}.low`);
  const high = decodeAddress(range?.high, `${field}.high`);
  if (low.family !== family || high.family !== family) {
    throw malformed(field, `not a range of IPv${family}`);
  }
  if (low.value > high.value) throw malformed(field, `${formatIp(low)} > ${formatIp(high)}`);
  return { low: formatIp(low), high: formatIp(high) };
}

function rangeOf(message: Maybe<opinetcommon.AddressRange>): Maybe<opinetcommon.IPRange> {
  if (message?.range === 'ipv4_range') return message.ipv4_range;
  if (message?.range === 'ipv6_range') return message.ipv6_range;
  return undefined;
}

/** Entry of one side of a rule: prefix or range. Tags have no spec. */
export function decodeIpEntry(message: opinetcommon.IPEntry, field: string): IpEntrySpec {
  switch (message.ip_entry) {
    case 'prefix':
      return { prefix: decodePrefix(message.prefix, `${field}.prefix`) };
    case 'range':
      return decodeRange(message.range, `${field}.range`);
    case 'tag':
      throw unexpressed(`${field}.tag`, `tag ${message.tag}`);
    case undefined:
      throw malformed(field, 'an empty entry');
  }
}

/** Six bytes of a MAC text. */
export function encodeMac(mac: string | undefined, field: string): Uint8Array | undefined {
  if (mac === undefined) return undefined;
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw malformed(field, `"${mac}" is no MAC`);
  return Uint8Array.from(mac.split(':'), (part) => parseInt(part, 16));
}

/** MAC text of six bytes, lower case; undefined for none. */
export function decodeMac(bytes: Uint8Array, field: string): string | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length !== 6) throw malformed(field, `${bytes.length} bytes, a MAC has 6`);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Message of a range of ports. */
export function encodePorts(range: PortRangeSpec): Draft<opinetcommon.PortRange> {
  return { port_low: range.low, port_high: range.high };
}

/** Range of ports of a message. */
export function decodePorts(message: opinetcommon.PortRange, field: string): PortRangeSpec {
  const { port_low: low, port_high: high } = message;
  if (low < 0 || high > 65535 || low > high) throw malformed(field, `ports ${low}-${high}`);
  return { low, high };
}

/** Ranges of a list of messages. */
export function decodePortList(
  messages: readonly opinetcommon.PortRange[],
  field: string,
): PortRangeSpec[] {
  return messages.map((message, index) => decodePorts(message, `${field}[${index}]`));
}

/** `value` if it lies in 0..`max`. */
export function bounded(value: number, max: number, field: string): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw malformed(field, `${value} is not in 0..${max}`);
  }
  return value;
}
