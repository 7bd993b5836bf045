/** Cuts IP packets into fragments (RFC 791, RFC 8200 section 4.5). */
import { InternalError } from '../../base/errors.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from './build.js';
import { concat, viewOf } from './bytes.js';
import { internetChecksum } from './checksum.js';

const FRAGMENT_HEADER_BYTES = 8;
const NEXT_IS_FRAGMENT = 44;
const MORE_V4 = 0x2000;

/**
 * Fragments of a packet of `buildPacket`, first one first, none with more than `mtu` bytes. `id` is what they share: 16 bits
 * in IPv4, 32 in IPv6. Throws `InternalError` where nothing fits in `mtu`.
 */
export function fragmentPacket(packet: Uint8Array, mtu: number, id: number): Uint8Array[] {
  const isV4 = (packet[0] ?? 0) >>> 4 === 4;
  const headerBytes = isV4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const overhead = headerBytes + (isV4 ? 0 : FRAGMENT_HEADER_BYTES);
  const room = (mtu - overhead) & ~7;
  if (room <= 0) throw new InternalError(`fragments of ${mtu} bytes`);
  const payload = packet.subarray(headerBytes);
  const header = packet.subarray(0, headerBytes);
  const fragments: Uint8Array[] = [];
  for (let offset = 0; offset < payload.length; offset += room) {
    const piece = payload.subarray(offset, offset + room);
    const more = offset + room < payload.length;
    fragments.push(
      isV4
        ? ipv4Fragment(header, piece, offset, more, id)
        : ipv6Fragment(header, piece, offset, more, id),
    );
  }
  return fragments;
}

function ipv4Fragment(
  original: Uint8Array,
  piece: Uint8Array,
  offset: number,
  more: boolean,
  id: number,
): Uint8Array {
  const header = original.slice();
  const view = viewOf(header);
  view.setUint16(2, header.length + piece.length);
  view.setUint16(4, id);
  view.setUint16(6, (more ? MORE_V4 : 0) | (offset / 8));
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(header));
  return concat(header, piece);
}

function ipv6Fragment(
  original: Uint8Array,
  piece: Uint8Array,
  offset: number,
  more: boolean,
  id: number,
): Uint8Array {
  const header = concat(original, new Uint8Array(FRAGMENT_HEADER_BYTES));
  const view = viewOf(header);
  header[IPV6_HEADER_BYTES] = header[6] ?? 0;
  header[6] = NEXT_IS_FRAGMENT;
  view.setUint16(4, FRAGMENT_HEADER_BYTES + piece.length);
  view.setUint16(IPV6_HEADER_BYTES + 2, offset | (more ? 1 : 0));
  view.setUint32(IPV6_HEADER_BYTES + 4, id);
  return concat(header, piece);
}
