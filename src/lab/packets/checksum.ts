/** The checksums of IP and its transports (RFC 1071, RFC 3309, RFC 8200 section 8.1). */
import { viewOf } from './bytes.js';

/** The Internet checksum over byte strings of even length, of which the last may be odd. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const bytes of parts) {
    const view = viewOf(bytes);
    const even = bytes.length & ~1;
    for (let offset = 0; offset < even; offset += 2) sum += view.getUint16(offset);
    if (even < bytes.length) sum += (bytes[even] ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** What TCP, UDP and ICMPv6 count beside themselves: addresses (4 or 16 bytes each), length and protocol. */
export function pseudoHeader(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  byteCount: number,
): Uint8Array {
  const bytes = new Uint8Array(2 * source.length + 8);
  bytes.set(source);
  bytes.set(destination, source.length);
  const view = viewOf(bytes);
  // IPv4 has 16 bits for the length and IPv6 32; to the sum it is the same.
  view.setUint32(2 * source.length, byteCount);
  view.setUint32(2 * source.length + 4, protocol);
  return bytes;
}

/** SCTP's checksum over the whole SCTP packet with its checksum field zero, as the field's little endian value. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (CRC32C_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let entry = index;
  for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? (entry >>> 1) ^ 0x82f6_3b78 : entry >>> 1;
  return entry >>> 0;
});
