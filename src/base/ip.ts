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
  const bytes = new Uint8Array(ip.family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  if (ip.family === 4) {
    view.setUint32(0, Number(ip.value));
  } else {
    view.setBigUint64(0, ip.value >> 64n);
    view.setBigUint64(8, ip.value & 0xffff_ffff_ffff_ffffn);
  }
  return bytes;
}

/** Address of 4 or 16 network-order bytes; `undefined` for any other length. */
export function ipFromBytes(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 4) return { family: 4, value: BigInt(view.getUint32(0)) };
  return { family: 6, value: (view.getBigUint64(0) << 64n) | view.getBigUint64(8) };
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

/** Eight groups of 16 bits; a BigInt is made of 32 bits at a time, since each operation on one allocates. */
function fromGroups(groups: readonly number[]): bigint {
  let value = 0n;
  for (let index = 0; index < 8; index += 2) {
    const pair = (groups[index] ?? 0) * 65536 + (groups[index + 1] ?? 0);
    value = (value << 32n) | BigInt(pair);
  }
  return value;
}

function toGroups(value: bigint): number[] {
  const groups: number[] = [];
  for (let shift = 96n; shift >= 0n; shift -= 32n) {
    const pair = Number((value >> shift) & 0xffff_ffffn);
    groups.push(pair >>> 16, pair & 0xffff);
  }
  return groups;
}

function parseV6(text: string): bigint {
  const gap = text.indexOf('::');
  if (gap < 0) return fromGroups(v6Groups(text));
  const left = v6Groups(text.slice(0, gap));
  const right = v6Groups(text.slice(gap + 2));
  while (left.length + right.length < 8) left.push(0);
  return fromGroups([...left, ...right]);
}

function v6Groups(text: string): number[] {
  const groups: number[] = [];
  if (text === '') return groups;
  for (const part of text.split(':')) {
    if (!part.includes('.')) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const quad = ipv4ToNumber(part);
    groups.push(Math.floor(quad / 65536), quad % 65536);
  }
  return groups;
}

function formatV6(value: bigint): string {
  const groups = toGroups(value);
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
