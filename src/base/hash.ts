/** Short, stable, name-safe hashes. */
import { createHash } from 'node:crypto';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** First `length` characters (5 bits each, a-z2-7) of the SHA-256 of `text`. At most 51. */
export function hashText(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest();
  let out = '';
  for (let index = 0; index < length; index++) out += BASE32.charAt(bitsAt(digest, index * 5));
  return out;
}

function bitsAt(bytes: Uint8Array, bit: number): number {
  const byte = bit >> 3;
  const pair = ((bytes[byte] ?? 0) << 8) | (bytes[byte + 1] ?? 0);
  return (pair >> (11 - (bit & 7))) & 31;
}
