/** The packets that are walked: an IP packet's header fields as policy and connection tracking see them. */
import { CodedError } from '../../base/errors.js';
import { parseIp, type Family } from '../../base/ip.js';
import { Address } from '../store/address.js';

/** IP protocol numbers that have a meaning here. */
export const PROTOCOL = {
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
} as const;

const WITH_PORTS: ReadonlySet<number> = new Set([
  PROTOCOL.tcp,
  PROTOCOL.udp,
  PROTOCOL.dccp,
  PROTOCOL.sctp,
  PROTOCOL.udplite,
]);

/** ICMP or ICMPv6 header fields. `id` is the identifier of echo and its like, 0 elsewhere. */
export interface IcmpFields {
  readonly type: number;
  readonly code: number;
  readonly id: number;
}

/** Part of a fragmented packet. */
export interface FragmentFields {
  /** Identification that the fragments of one packet share. */
  readonly id: number;
  /** Only the first fragment carries the transport header. */
  readonly first: boolean;
}

/** A packet. Ports are 0 for protocols without ports. */
export interface Packet {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Present for ICMP over IPv4 and ICMPv6 over IPv6 only. */
  readonly icmp?: IcmpFields;
  /** TCP flag byte as on the wire. */
  readonly tcpFlags: number;
  /** ICMP errors: the packet whose header the error quotes. */
  readonly quoted?: Packet;
  readonly fragment?: FragmentFields;
  /** Length from the IP header on. */
  readonly byteCount: number;
}

/** A packet as a caller writes it. */
export interface PacketFields {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
  readonly icmp?:
    { readonly type: number; readonly code?: number; readonly id?: number } | undefined;
  /** Default SYN: a first packet. */
  readonly tcpFlags?: number | undefined;
  readonly quoted?: PacketFields | undefined;
  readonly fragment?: FragmentFields | undefined;
  /** Default 64. */
  readonly byteCount?: number | undefined;
}

/** A packet that cannot exist. */
export class PacketError extends CodedError<'MALFORMED'> {}

/** TCP flags. */
export const TCP = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

/** Builds a packet. Throws PacketError naming field and value. */
export function packetOf(fields: PacketFields): Packet {
  const source = addressOf(fields.source, 'source');
  const destination = addressOf(fields.destination, 'destination');
  if (source.family !== destination.family) {
    throw malformed('destination', `${destination.text} is of another family than ${source.text}`);
  }
  const { family } = source;
  const icmp = icmpOf(fields, family);
  const ports = WITH_PORTS.has(fields.protocol);
  return {
    family,
    source,
    destination,
    protocol: whole(fields.protocol, 255, 'protocol'),
    sourcePort: ports ? whole(fields.sourcePort ?? 0, 65535, 'sourcePort') : 0,
    destinationPort: ports ? whole(fields.destinationPort ?? 0, 65535, 'destinationPort') : 0,
    tcpFlags: whole(fields.tcpFlags ?? TCP.syn, 255, 'tcpFlags'),
    byteCount: whole(fields.byteCount ?? 64, 65575, 'byteCount'),
    ...(icmp === undefined ? {} : { icmp }),
    ...(fields.quoted === undefined ? {} : { quoted: packetOf(fields.quoted) }),
    ...(fields.fragment === undefined ? {} : { fragment: fields.fragment }),
  };
}

/** True for protocols whose packets have ports. */
export function hasPorts(packet: Packet): boolean {
  return WITH_PORTS.has(packet.protocol);
}

/** The packet in one line, for traces. */
export function packetText(packet: Packet): string {
  const { source, destination, protocol, icmp } = packet;
  const detail = icmp === undefined ? '' : ` type ${icmp.type} code ${icmp.code}`;
  const [from, to] = hasPorts(packet)
    ? [` port ${packet.sourcePort}`, ` port ${packet.destinationPort}`]
    : ['', ''];
  return `protocol ${protocol}${detail} ${source.text}${from} -> ${destination.text}${to}`;
}

function icmpOf(fields: PacketFields, family: Family): IcmpFields | undefined {
  if (fields.protocol !== (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6)) return undefined;
  const { type = family === 4 ? 8 : 128, code = 0, id = 0 } = fields.icmp ?? {};
  return {
    type: whole(type, 255, 'icmp.type'),
    code: whole(code, 255, 'icmp.code'),
    id: whole(id, 65535, 'icmp.id'),
  };
}

function addressOf(text: string, field: string): Address {
  const ip = parseIp(text);
  if (ip === undefined) throw malformed(field, `${text} is no address`);
  return new Address(ip);
}

function whole(value: number, max: number, field: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw malformed(field, `${value} is no whole number from 0 to ${max}`);
}

function malformed(field: string, problem: string): PacketError {
  return new PacketError({ code: 'MALFORMED', op: 'read packet', message: `${field}: ${problem}` });
}
