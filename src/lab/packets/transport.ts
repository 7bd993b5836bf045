/** What an IP packet carries: TCP, UDP, UDP-Lite, SCTP, ICMP, GRE, or bare bytes; checksums included. */
import type { Family } from '../../base/ip.js';
import { addressBytes, concat, viewOf } from './bytes.js';
import { crc32c, internetChecksum, pseudoHeader } from './checksum.js';
import { icmpMessage, icmpTypeOf } from './icmp.js';
import { PROTOCOL, SCTP_CHUNK, TCP_FLAG, type PacketSpec } from './spec.js';

const EMPTY = new Uint8Array();
const TCP_BYTES = 20;
const UDP_BYTES = 8;
const SCTP_BYTES = 12;
/** RFC 9260 section 3.2.1: whoever does not know a parameter of this type passes over it. */
const SCTP_UNKNOWN_PARAMETER = 0xbfff;

/** Bytes from the transport header to the end. `quoted` is what an ICMP error is about. */
export function transportBytes(spec: PacketSpec, family: Family, quoted: Uint8Array): Uint8Array {
  const { protocol, payload = EMPTY } = spec;
  switch (protocol) {
    case PROTOCOL.tcp:
      return withChecksum(spec, tcpHeader(spec), 16);
    case PROTOCOL.udp:
    case PROTOCOL.udplite:
      return udpDatagram(spec);
    case PROTOCOL.sctp:
      return sctpPacket(spec);
    case PROTOCOL.gre:
      // RFC 2784 without options, carrying IPv4 or IPv6.
      return concat(Uint8Array.of(0, 0, ...(family === 4 ? [0x08, 0x00] : [0x86, 0xdd])), payload);
    default:
      return icmpBytes(spec, family, quoted) ?? payload;
  }
}

function icmpBytes(spec: PacketSpec, family: Family, quoted: Uint8Array): Uint8Array | undefined {
  if (spec.protocol !== (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6)) return undefined;
  const type = icmpTypeOf(family, spec.icmp);
  const message = icmpMessage(spec, family, type, quoted);
  if (family === 6) return withChecksum(spec, message, 2);
  viewOf(message).setUint16(2, internetChecksum(message));
  return message;
}

function tcpHeader({
  sourcePort = 0,
  destinationPort = 0,
  tcp,
  payload = EMPTY,
}: PacketSpec): Uint8Array {
  const header = new Uint8Array(TCP_BYTES);
  const view = viewOf(header);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint32(4, tcp?.sequence ?? 0);
  view.setUint32(8, tcp?.acknowledgement ?? 0);
  header[12] = (TCP_BYTES / 4) << 4;
  header[13] = tcp?.flags ?? TCP_FLAG.syn;
  view.setUint16(14, tcp?.window ?? 65535);
  return concat(header, payload);
}

/** UDP-Lite (RFC 3828) has the bytes that its checksum covers where UDP has its length: here all of them. */
function udpDatagram(spec: PacketSpec): Uint8Array {
  const { sourcePort = 0, destinationPort = 0, payload = EMPTY } = spec;
  const header = new Uint8Array(UDP_BYTES);
  const view = viewOf(header);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, UDP_BYTES + payload.length);
  const datagram = withChecksum(spec, concat(header, payload), 6);
  // A checksum of zero would say that there is none.
  if (datagram[6] === 0 && datagram[7] === 0) datagram.fill(0xff, 6, 8);
  return datagram;
}

function sctpPacket(spec: PacketSpec): Uint8Array {
  const header = new Uint8Array(SCTP_BYTES);
  const view = viewOf(header);
  view.setUint16(0, spec.sourcePort ?? 0);
  view.setUint16(2, spec.destinationPort ?? 0);
  view.setUint32(4, spec.sctpTag ?? 0);
  const packet = concat(header, sctpChunk(spec));
  viewOf(packet).setUint32(8, crc32c(packet), true);
  return packet;
}

/** One chunk. INIT and INIT ACK carry the payload as a parameter, every other chunk as it is. */
function sctpChunk({ sctpChunk: type = SCTP_CHUNK.init, payload = EMPTY }: PacketSpec): Uint8Array {
  const value =
    type === SCTP_CHUNK.init || type === SCTP_CHUNK.initAck ? sctpInit(payload) : payload;
  const chunk = concat(new Uint8Array(4), value);
  chunk[0] = type;
  viewOf(chunk).setUint16(2, chunk.length);
  return concat(chunk, new Uint8Array(-chunk.length & 3));
}

function sctpInit(payload: Uint8Array): Uint8Array {
  const fixed = new Uint8Array(16);
  const view = viewOf(fixed);
  view.setUint32(0, 1); // our tag: any but 0
  view.setUint32(4, 65536); // receive window
  view.setUint16(8, 1); // streams out and in
  view.setUint16(10, 1);
  if (payload.length === 0) return fixed;
  const head = new Uint8Array(4);
  viewOf(head).setUint16(0, SCTP_UNKNOWN_PARAMETER);
  viewOf(head).setUint16(2, head.length + payload.length);
  return concat(fixed, head, payload);
}

/** Fills the checksum at an offset, over pseudo header and bytes. */
function withChecksum(
  { source, destination, protocol }: PacketSpec,
  bytes: Uint8Array,
  offset: number,
): Uint8Array {
  const pseudo = pseudoHeader(
    addressBytes(source),
    addressBytes(destination),
    protocol,
    bytes.length,
  );
  viewOf(bytes).setUint16(offset, internetChecksum(pseudo, bytes));
  return bytes;
}
