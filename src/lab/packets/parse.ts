/** Reads Ethernet frames and IP packets. What is no whole packet is `undefined`, never an error. */
import type { Family } from '../../base/ip.js';
import { addressText, macText, viewOf } from './bytes.js';
import { ETHER_TYPE, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from './build.js';
import { isIcmpError } from './icmp.js';
import { PROTOCOL } from './spec.js';

/** Part of a fragmented packet. */
export interface FragmentPlace {
  /** Identification that the fragments of one packet share. */
  readonly id: number;
  readonly offsetBytes: number;
  /** More fragments follow. */
  readonly more: boolean;
}

/** An IP packet's fields. The transport's are there unless it is a fragment other than the first. */
export interface ParsedPacket {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly hopLimit: number;
  readonly fragment?: FragmentPlace;
  /** Behind the IP header and its extensions. */
  readonly payload: Uint8Array;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly tcp?: {
    readonly flags: number;
    readonly sequence: number;
    readonly acknowledgement: number;
  };
  readonly icmp?: ParsedIcmp;
}

/** An ICMP or ICMPv6 message, by the packet's family. */
export interface ParsedIcmp {
  readonly type: number;
  readonly code: number;
  /** Second half of the header: identifier and sequence number, or an MTU. */
  readonly rest: number;
  /** Errors: the packet they are about, whole or in its first bytes. */
  readonly quoted?: Uint8Array;
}

/** An Ethernet frame that carries an IP packet. */
export interface ParsedFrame {
  readonly destinationMac: string;
  readonly sourceMac: string;
  readonly packet: ParsedPacket;
}

const ETHERNET_BYTES = 14;
const WITH_PORTS = new Set<number>([PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.sctp, PROTOCOL.udplite]);
/** IPv6 extension headers that say their own length: hop-by-hop, routing, destination options. */
const EXTENSIONS = new Set([0, 43, 60]);
const FRAGMENT_HEADER = 44;

/** Reads a frame from its Ethernet header on; `undefined` unless it carries IP. */
export function parseFrame(frame: Uint8Array): ParsedFrame | undefined {
  if (frame.length < ETHERNET_BYTES) return undefined;
  const type = viewOf(frame).getUint16(12);
  if (type !== ETHER_TYPE[4] && type !== ETHER_TYPE[6]) return undefined;
  const packet = parsePacket(frame.subarray(ETHERNET_BYTES));
  if (packet === undefined) return undefined;
  return {
    destinationMac: macText(frame.subarray(0, 6)),
    sourceMac: macText(frame.subarray(6, 12)),
    packet,
  };
}

/** Reads a packet from its IP header on; bytes behind its length are padding. */
export function parsePacket(bytes: Uint8Array): ParsedPacket | undefined {
  const version = (bytes[0] ?? 0) >>> 4;
  const network = version === 4 ? parseIpv4(bytes) : version === 6 ? parseIpv6(bytes) : undefined;
  if (network === undefined) return undefined;
  const isLater = (network.fragment?.offsetBytes ?? 0) > 0;
  return isLater ? network : { ...network, ...transportOf(network) };
}

function parseIpv4(bytes: Uint8Array): ParsedPacket | undefined {
  if (bytes.length < IPV4_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const headerBytes = ((bytes[0] ?? 0) & 15) * 4;
  const total = view.getUint16(2);
  if (headerBytes < IPV4_HEADER_BYTES || total < headerBytes || total > bytes.length) {
    return undefined;
  }
  const place = view.getUint16(6);
  const [more, offsetBytes] = [(place & 0x2000) !== 0, (place & 0x1fff) * 8];
  return {
    family: 4,
    source: addressText(bytes.subarray(12, 16)),
    destination: addressText(bytes.subarray(16, 20)),
    protocol: bytes[9] ?? 0,
    hopLimit: bytes[8] ?? 0,
    ...((more || offsetBytes > 0) && { fragment: { id: view.getUint16(4), offsetBytes, more } }),
    payload: bytes.subarray(headerBytes, total),
  };
}

function parseIpv6(bytes: Uint8Array): ParsedPacket | undefined {
  if (bytes.length < IPV6_HEADER_BYTES) return undefined;
  const end = IPV6_HEADER_BYTES + viewOf(bytes).getUint16(4);
  if (end > bytes.length) return undefined;
  const rest = skipExtensions(bytes.subarray(0, end), bytes[6] ?? 0);
  if (rest === undefined) return undefined;
  return {
    family: 6,
    source: addressText(bytes.subarray(8, 24)),
    destination: addressText(bytes.subarray(24, 40)),
    hopLimit: bytes[7] ?? 0,
    ...rest,
  };
}

/** The first header that is no extension, what it holds, and the fragment header passed on the way. */
function skipExtensions(
  bytes: Uint8Array,
  first: number,
): Pick<ParsedPacket, 'protocol' | 'payload' | 'fragment'> | undefined {
  let protocol = first;
  let offset = IPV6_HEADER_BYTES;
  let fragment: FragmentPlace | undefined;
  while (EXTENSIONS.has(protocol) || protocol === FRAGMENT_HEADER) {
    if (offset + 8 > bytes.length) return undefined;
    const isFragment = protocol === FRAGMENT_HEADER;
    if (isFragment) fragment = fragmentHeader(bytes.subarray(offset, offset + 8));
    protocol = bytes[offset] ?? 0;
    offset += isFragment ? 8 : 8 * ((bytes[offset + 1] ?? 0) + 1);
    if (fragment !== undefined && fragment.offsetBytes > 0) break;
  }
  if (offset > bytes.length) return undefined;
  return { protocol, payload: bytes.subarray(offset), ...(fragment && { fragment }) };
}

function fragmentHeader(bytes: Uint8Array): FragmentPlace {
  const view = viewOf(bytes);
  const place = view.getUint16(2);
  return { id: view.getUint32(4), offsetBytes: place & 0xfff8, more: (place & 1) !== 0 };
}

function transportOf({ family, protocol, payload }: ParsedPacket): Partial<ParsedPacket> {
  const view = viewOf(payload);
  if (WITH_PORTS.has(protocol)) {
    if (payload.length < 8) return {};
    const ports = { sourcePort: view.getUint16(0), destinationPort: view.getUint16(2) };
    if (protocol !== PROTOCOL.tcp || payload.length < 20) return ports;
    const tcp = {
      flags: payload[13] ?? 0,
      sequence: view.getUint32(4),
      acknowledgement: view.getUint32(8),
    };
    return { ...ports, tcp };
  }
  const isIcmp = protocol === (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6);
  if (!isIcmp || payload.length < 8) return {};
  const [type, code] = [payload[0] ?? 0, payload[1] ?? 0];
  const quoted = isIcmpError(family, type) ? { quoted: payload.subarray(8) } : {};
  return { icmp: { type, code, rest: view.getUint32(4), ...quoted } };
}
