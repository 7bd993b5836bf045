/**
 * Frames of the two pipes: an unsigned 64-bit little-endian length, then that many bytes (felix-protocol: framing).
 * Pure: bytes in, frames out.
 */
import { errorText } from '../base/errors.js';
import { DriverError, type DriverErrorCode } from './errors.js';

/** One frame. `body` may share memory with the chunk it came in: decode it before the next `append`. */
export interface Frame {
  /** 0 for the first frame of the stream. Felix numbers its messages the same way. */
  readonly index: number;
  /** Where the frame's header begins, in bytes from the start of the stream. */
  readonly offset: number;
  readonly body: Buffer;
}

/** Where in the stream a frame went wrong. */
export interface FramePosition {
  readonly index: number;
  readonly offset: number;
  /** Announced length of the body; a `bigint` because a hostile one need not fit a number. */
  readonly length: bigint;
}

/** A frame that cannot be read. Nothing after it in the stream can be trusted. */
export class FrameError extends DriverError {
  readonly position: FramePosition;

  constructor(
    code: Extract<DriverErrorCode, 'frame-length' | 'frame-body' | 'truncated'>,
    position: FramePosition,
    reason: string,
    cause?: unknown,
  ) {
    const { index, offset, length } = position;
    super({
      code,
      op: 'read frame',
      message: `${reason} (sequence number ${index}, offset ${offset}, length ${length})`,
      ...(cause === undefined ? {} : { cause }),
    });
    this.position = position;
  }
}

/** Bytes of a frame's header. */
export const FRAME_HEADER_BYTES = 8;
/** Default cap of one frame's body: ten times the largest set that Felix is known for. */
export const FRAME_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Cuts a stream into frames, however the stream was split.
 *
 * A body that lies in one chunk is not copied; a split one is copied once, into memory that is reserved only after its
 * length was checked. At most one frame and one chunk are held.
 */
export class FrameReader {
  private readonly bytesMax: number;
  private chunk: Buffer = Buffer.alloc(0);
  /** Position of the first unread byte of `chunk`. */
  private position = 0;
  private readonly header = Buffer.alloc(FRAME_HEADER_BYTES);
  private headerFilled = 0;
  private body: Buffer | undefined;
  private bodyFilled = 0;
  private index = 0;
  private offset = 0;

  /** `bytesMax`: largest body that is accepted. */
  constructor(bytesMax: number = FRAME_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  /** True when every byte appended so far has been consumed: call `append` again. */
  get drained(): boolean {
    return this.position === this.chunk.length;
  }

  /** Takes the next bytes. The chunk must not change until it is drained; `next` until then, or it is kept and copied. */
  append(chunk: Buffer): void {
    this.chunk = this.drained ? chunk : Buffer.concat([this.chunk.subarray(this.position), chunk]);
    this.position = 0;
  }

  /** The next whole frame, or `undefined` when more bytes are needed. Throws `FrameError` with `frame-length`. */
  next(): Frame | undefined {
    if (!this.readHeader()) return undefined;
    const body = this.readBody(this.checkedLength());
    if (body === undefined) return undefined;
    const frame = { index: this.index, offset: this.offset, body };
    this.index++;
    this.offset += FRAME_HEADER_BYTES + body.length;
    this.headerFilled = 0;
    this.body = undefined;
    return frame;
  }

  /** The stream has ended. Throws `FrameError` with `truncated` when it ended inside a frame. */
  finish(): void {
    if (this.headerFilled === 0 && this.drained) return;
    const whole = this.headerFilled === FRAME_HEADER_BYTES;
    const length = whole ? this.header.readBigUInt64LE() : 0n;
    const where = whole ? `after ${this.bodyFilled} bytes of a body` : 'inside a length';
    throw new FrameError('truncated', this.at(length), `the stream ended ${where}`);
  }

  private readHeader(): boolean {
    const wanted = FRAME_HEADER_BYTES - this.headerFilled;
    if (wanted === 0) return true;
    if (this.position === this.chunk.length) return false;
    const copied = Math.min(wanted, this.chunk.length - this.position);
    for (let index = 0; index < copied; index++) {
      this.header[this.headerFilled + index] = this.chunk[this.position + index] ?? 0;
    }
    this.position += copied;
    this.headerFilled += copied;
    return copied === wanted;
  }

  private checkedLength(): number {
    const length = this.header.readUInt32LE(0) + this.header.readUInt32LE(4) * 0x1_0000_0000;
    if (length > this.bytesMax) {
      throw new FrameError(
        'frame-length',
        this.at(this.header.readBigUInt64LE()),
        `length exceeds the limit of ${this.bytesMax} bytes`,
      );
    }
    return length;
  }

  private readBody(length: number): Buffer | undefined {
    const available = this.chunk.length - this.position;
    if (this.body === undefined && available >= length) {
      this.position += length;
      return this.chunk.subarray(this.position - length, this.position);
    }
    if (this.body === undefined) {
      // Untouched pages cost nothing, so a length without the bytes behind it does not either.
      this.body = Buffer.allocUnsafeSlow(length);
      this.bodyFilled = 0;
    }
    const copied = this.chunk.copy(this.body, this.bodyFilled, this.position);
    this.position += copied;
    this.bodyFilled += copied;
    return this.bodyFilled === length ? this.body : undefined;
  }

  private at(length: bigint): FramePosition {
    return { index: this.index, offset: this.offset, length };
  }
}

/** Decodes a frame's body; what `decode` throws becomes a `FrameError` with `frame-body`. */
export function decodeFrameBody<T>(frame: Frame, decode: (body: Buffer) => T): T {
  try {
    return decode(frame.body);
  } catch (cause) {
    const { index, offset, body } = frame;
    const position = { index, offset, length: BigInt(body.length) };
    throw new FrameError('frame-body', position, `undecodable body: ${errorText(cause)}`, cause);
  }
}

/** A body with its header in front. */
export function encodeFrame(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length);
  frame.writeBigUInt64LE(BigInt(body.length));
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}
