/**
 * What makes a packet known where it comes out: the last bytes of its payload. A marker is no part of any header, so it
 * works with every protocol and survives whatever a router may do to a packet.
 */
import { concat, viewOf } from './bytes.js';

/** Marks of one sender. */
export class Marker {
  private readonly magic: Buffer;

  /** `run` tells senders apart whose frames could meet: 32 bits. */
  constructor(run: number) {
    const number = new Uint8Array(4);
    viewOf(number).setUint32(0, run >>> 0);
    this.magic = Buffer.from(concat(MAGIC, number));
  }

  /** Twelve bytes for the packet of this number: 32 bits. */
  mark(id: number): Uint8Array {
    const number = new Uint8Array(4);
    viewOf(number).setUint32(0, id >>> 0);
    return concat(this.magic, number);
  }

  /** The number in a payload that one of our packets ended with. */
  read(payload: Uint8Array): number | undefined {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    const at = bytes.lastIndexOf(this.magic);
    const end = at + this.magic.length;
    return at < 0 || end + 4 > bytes.length ? undefined : bytes.readUInt32BE(end);
  }
}

const MAGIC = new TextEncoder().encode('cxpu');
