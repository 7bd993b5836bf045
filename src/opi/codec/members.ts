/**
 * Members of an AddressGroup between canonical text (`10.0.0.0/8`, `10.0.0.1,6:80`) and wire. Groups of a million
 * members are ordinary, so IPv4 goes without big integers.
 */
import { formatCidr, formatIp, ipToBytes } from '../../base/ip.js';
import type { Draft } from './draft.js';
import type { k8s } from '../../gen/opi/types.js';
import { addressOf, bounded, cidrAt, cidrOf, decodeV4, decodeV6 } from './address.js';
import { malformed } from './errors.js';

const V4_PREFIX = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;
const IP_PORT = /^([^,]+),(\d{1,3}):(\d{1,5})$/;

/** Message of a member text; a comma tells an IP_PORT member. */
export function encodeMember(text: string, field = 'members'): Draft<k8s.AddressGroupMember> {
  if (text.includes(',')) return encodeIpPort(text, field);
  const v4 = V4_PREFIX.exec(text);
  return v4 === null ? encodeAnyPrefix(text, field) : encodeV4Prefix(v4, text, field);
}

function encodeV4Prefix(
  parts: RegExpExecArray,
  text: string,
  field: string,
): Draft<k8s.AddressGroupMember> {
  const [a, b, c, d, len] = [1, 2, 3, 4, 5].map((index) => Number(parts[index])) as Five;
  if (a > 255 || b > 255 || c > 255 || d > 255 || len > 32) {
    throw malformed(field, `"${text}" is no prefix`);
  }
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return { v4_addr: (address & v4Mask(len)) >>> 0, len };
}

type Five = [number, number, number, number, number];

function v4Mask(len: number): number {
  return len === 0 ? 0 : -1 << (32 - len);
}

function encodeAnyPrefix(text: string, field: string): Draft<k8s.AddressGroupMember> {
  const cidr = cidrOf(text, field);
  return cidr.family === 4
    ? { v4_addr: Number(cidr.value), len: cidr.length }
    : { v6_addr: ipToBytes(cidr), len: cidr.length };
}

function encodeIpPort(text: string, field: string): Draft<k8s.AddressGroupMember> {
  const parts = IP_PORT.exec(text);
  if (parts === null) throw malformed(field, `"${text}" is no address, protocol and port`);
  const ip = addressOf(parts[1] ?? '', field);
  const protocol = memberProtocol(Number(parts[2]), field);
  const port = bounded(Number(parts[3]), 65535, field);
  return ip.family === 4
    ? { v4_addr: Number(ip.value), len: 32, protocol, port }
    : { v6_addr: ipToBytes(ip), len: 128, protocol, port };
}

/** Canonical text of a member. A protocol makes it an IP_PORT member; protocol 0 has none. */
export function decodeMember(message: k8s.AddressGroupMember, field = 'members'): string {
  if (message.protocol !== 0) return decodeIpPort(message, field);
  if (message.port !== 0) throw malformed(`${field}.port`, 'a port without a protocol');
  if (message.v4_or_v6 === 'v4_addr' && message.len >= 0 && message.len <= 32) {
    return `${v4Text((message.v4_addr & v4Mask(message.len)) >>> 0)}/${message.len}`;
  }
  return formatCidr(cidrAt(memberAddress(message, field), message.len, `${field}.len`));
}

function decodeIpPort(message: k8s.AddressGroupMember, field: string): string {
  const ip = memberAddress(message, field);
  if (message.len !== (ip.family === 4 ? 32 : 128)) {
    throw malformed(`${field}.len`, `${message.len} is not the full length`);
  }
  const protocol = memberProtocol(message.protocol, `${field}.protocol`);
  return `${formatIp(ip)},${protocol}:${bounded(message.port, 65535, `${field}.port`)}`;
}

function memberProtocol(protocol: number, field: string): number {
  if (protocol === 0) throw malformed(field, 'protocol 0 has no ports');
  return bounded(protocol, 255, field);
}

function memberAddress(
  message: k8s.AddressGroupMember,
  field: string,
): ReturnType<typeof decodeV4> {
  if (message.v4_or_v6 === 'v4_addr') return decodeV4(message.v4_addr);
  if (message.v4_or_v6 === 'v6_addr') return decodeV6(message.v6_addr, `${field}.v6_addr`);
  throw malformed(field, 'no address');
}

function v4Text(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}
