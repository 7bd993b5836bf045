/** Small things that every header needs. */
import { InternalError } from '../../base/errors.js';
import { formatIp, ipFromBytes, ipToBytes, parseIp, type IpAddress } from '../../base/ip.js';

/** Puts byte strings one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** A view of some bytes for reading and writing numbers. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** An address that a caller wrote. Throws `InternalError` if it is none. */
export function addressOf(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === undefined) throw new InternalError(`a packet with address ${text}`);
  return ip;
}

/** Bytes of an address that a caller wrote. Throws `InternalError` if it is none. */
export function addressBytes(text: string): Uint8Array {
  return ipToBytes(addressOf(text));
}

/** Canonical text of 4 or 16 bytes. Throws `InternalError` for any other length. */
export function addressText(bytes: Uint8Array): string {
  const ip = ipFromBytes(bytes);
  if (ip === undefined) throw new InternalError(`an address of ${bytes.length} bytes`);
  return formatIp(ip);
}

/** Six bytes of `02:00:00:00:00:01`. Throws `InternalError` if it is no MAC address. */
export function macBytes(text: string): Uint8Array {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) throw new InternalError(`MAC address ${text}`);
  return Uint8Array.from(text.split(':'), (part) => parseInt(part, 16));
}

/** `02:00:00:00:00:01` of six bytes. */
export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
