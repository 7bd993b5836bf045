/**
 * Strict IPv4 and IPv6 addresses and prefixes. Parsing goes through `node:net.isIP`, so the lenient spellings that
 * other libraries accept (octal parts, missing parts, zone ids) are refused here.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 6. */
export type Family = 4 | 6;

/** An address as an unsigned integer in network order: IPv4 in 32 bits, IPv6 in 128. */
export interface IpAddress {
  readonly family: Family;
  readonly value: bigint;
}

/** A prefix whose host bits are zero. */
export interface Cidr {
  readonly family: Family;
  readonly value: bigint;
  /** Prefix length: 0..32 or 0..128. */
  readonly length: number;
}

/** Inclusive range of addresses of one family. */
export interface IpRange {
  readonly family: Family;
  readonly low: bigint;
  readonly high: bigint;
}

/** Both families, in the order every loop over families uses. */
export const FAMILIES: readonly Family[] = [4, 6];

/** Number of address bits of a family. */
export function addressBits(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Greatest address value of a family. */
export function maxAddress(family: Family): bigint {
  return family === 4 ? 0xffff_ffffn : (1n << 128n) - 1n;
}

/** Parses a bare address; `undefined` unless it is strictly well formed. IPv4-mapped IPv6 stays IPv6. */
export function parseIp(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, value: BigInt(ipv4ToNumber(text)) };
  if (isIPv6(text) && !text.includes('%')) return { family: 6, value: parseV6(text) };
  return undefined;
}

/** Parses `addr/len` or a bare address (as a host prefix); host bits are cleared. `undefined` if malformed. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (ip === undefined) return undefined;
  const bits = addressBits(ip.family);
  if (slash < 0) return { family: ip.family, value: ip.value, length: bits };
  const lengthText = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > bits) return undefined;
  return { family: ip.family, value: ip.value & prefixMask(ip.family, length), length };
}

/** Network mask of a prefix length as an address value. */
export function prefixMask(family: Family, length: number): bigint {
  const bits = BigInt(addressBits(family));
  return maxAddress(family) ^ ((1n << (bits - BigInt(length))) - 1n);
}

/** The host prefix (/32 or /128) of an address. */
export function hostCidr(ip: IpAddress): Cidr {
  return { family: ip.family, value: ip.value, length: addressBits(ip.family) };
}

/** True if `cidr` holds the address; false for the other family. */
export function cidrContains(cidr: Cidr, ip: IpAddress): boolean {
  return (
    cidr.family === ip.family && (ip.value & prefixMask(cidr.family, cidr.length)) === cidr.value
  );
}

/** First and last address of a prefix. */
export function cidrRange(cidr: Cidr): IpRange {
  const hostBits = BigInt(addressBits(cidr.family) - cidr.length);
  return {
    family: cidr.family,
    low: cidr.value,
    high: cidr.value | ((1n << hostBits) - 1n),
  };
}

/** Canonical text: dotted quad, or RFC 5952 for IPv6. */
export function formatIp(ip: IpAddress): string {
  return ip.family === 4 ? formatV4(Number(ip.value)) : formatV6(ip.value);
}

/** Canonical `addr/len` text. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr)}/${cidr.length}`;
}

/** Order by family, then address, then length: the order of every sorted list of prefixes we emit. */
export function compareCidr(a: Cidr, b: Cidr): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return a.length - b.length;
}

/** Network-order bytes: 4 or 16 of them. */
export function ipToBytes(ip: IpAddress): Uint8Array {
  const size = ip.family === 4 ? 4 : 16;
  const bytes = new Uint8Array(size);
  let rest = ip.value;
  for (let index = size - 1; index >= 0; index--) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Address of 4 or 16 network-order bytes; `undefined` for any other length. */
export function ipFromBytes(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

const DOT = 46;
const ZERO = 48;

/** Dotted quad (already checked by `isIPv4`) as an unsigned 32-bit number. */
export function ipv4ToNumber(text: string): number {
  let value = 0;
  let part = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code !== DOT) {
      part = part * 10 + code - ZERO;
      continue;
    }
    value = value * 256 + part;
    part = 0;
  }
  return value * 256 + part;
}

function formatV4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function parseV6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const left = v6Groups(head);
  const right = tail === undefined ? [] : v6Groups(tail);
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: zeros }, () => 0), ...right];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function v6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [parseInt(part, 16)];
    const quad = ipv4ToNumber(part);
    return [Math.floor(quad / 65536), quad % 65536];
  });
}

function formatV6(value: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}
