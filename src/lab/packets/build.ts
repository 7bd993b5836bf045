/** Makes IP packets and Ethernet frames. */
import { InternalError } from '../../base/errors.js';
import { ipToBytes, type Family } from '../../base/ip.js';
import { addressOf, concat, macBytes, viewOf } from './bytes.js';
import { internetChecksum } from './checksum.js';
import { isIcmpError, isNeighbourDiscovery } from './icmp.js';
import { PROTOCOL, type PacketSpec } from './spec.js';
import { transportBytes } from './transport.js';

/** Type fields of Ethernet frames. */
export const ETHER_TYPE: Readonly<Record<Family, number>> = { 4: 0x0800, 6: 0x86dd };

/** Bytes of an IPv4 header without options. */
export const IPV4_HEADER_BYTES = 20;
/** Bytes of an IPv6 header without extensions. */
export const IPV6_HEADER_BYTES = 40;

const HOP_LIMIT = 64;
const DISCOVERY_HOP_LIMIT = 255;
const DONT_FRAGMENT = 0x4000;

/** The packet with every length and checksum right. Throws `InternalError` for addresses that are none. */
export function buildPacket(spec: PacketSpec): Uint8Array {
  const source = addressOf(spec.source);
  const destination = addressOf(spec.destination);
  if (source.family !== destination.family) {
    throw new InternalError(`a packet from ${spec.source} to ${spec.destination}`);
  }
  const { family } = source;
  const payload = transportBytes(spec, family, spec.icmp?.quoted ?? quotedOf(spec, family));
  const header = family === 4 ? ipv4Header(spec, payload.length) : ipv6Header(spec, payload.length);
  const offset = family === 4 ? 12 : 8;
  header.set(ipToBytes(source), offset);
  header.set(ipToBytes(destination), offset + (family === 4 ? 4 : 16));
  if (family === 4) viewOf(header).setUint16(10, internetChecksum(header));
  return concat(header, payload);
}

/** An Ethernet frame around an IP packet. */
export function buildFrame(
  sourceMac: string,
  destinationMac: string,
  packet: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(14);
  header.set(macBytes(destinationMac));
  header.set(macBytes(sourceMac), 6);
  viewOf(header).setUint16(12, ETHER_TYPE[(packet[0] ?? 0) >>> 4 === 4 ? 4 : 6]);
  return concat(header, packet);
}

function ipv4Header(spec: PacketSpec, payloadBytes: number): Uint8Array {
  const header = new Uint8Array(IPV4_HEADER_BYTES);
  const view = viewOf(header);
  header[0] = 0x45;
  view.setUint16(2, IPV4_HEADER_BYTES + payloadBytes);
  view.setUint16(4, spec.identification ?? 0);
  view.setUint16(6, (spec.dontFragment ?? true) ? DONT_FRAGMENT : 0);
  header[8] = hopLimitOf(spec);
  header[9] = spec.protocol;
  return header;
}

function ipv6Header(spec: PacketSpec, payloadBytes: number): Uint8Array {
  const header = new Uint8Array(IPV6_HEADER_BYTES);
  header[0] = 0x60;
  viewOf(header).setUint16(4, payloadBytes);
  header[6] = spec.protocol;
  header[7] = hopLimitOf(spec);
  return header;
}

function hopLimitOf({ hopLimit, protocol, icmp }: PacketSpec): number {
  const discovers = protocol === PROTOCOL.icmpv6 && isNeighbourDiscovery(icmp?.type ?? 0);
  return hopLimit ?? (discovers ? DISCOVERY_HOP_LIMIT : HOP_LIMIT);
}

/** What an error is about that names no packet: a datagram of its receiver, between ports that nobody uses. */
function quotedOf({ source, destination, protocol, icmp }: PacketSpec, family: Family): Uint8Array {
  const isIcmp = protocol === (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6);
  if (!isIcmp || icmp === undefined || !isIcmpError(family, icmp.type)) return new Uint8Array();
  return buildPacket({
    source: destination,
    destination: source,
    protocol: PROTOCOL.udp,
    sourcePort: 1,
    destinationPort: 1,
  });
}
