/** Reads tags, varints and lengths of a protobuf message with every bound checked. */
import { WireType } from './wire-shape.js';

/** The bytes are no protobuf message; `offset` counts from the start of the body. */
export class WireError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = 'WireError';
    this.offset = offset;
  }
}

const VARINT_BYTES_MAX = 10;
const GROUP_DEPTH_MAX = 100;

/** A position in a body. Every method throws `WireError` rather than read beyond `end`. */
export class WireCursor {
  readonly bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads a tag; field number 0 is refused. */
  tag(end: number): number {
    const start = this.position;
    const tag = this.uint32(end);
    if (tag < 8) throw new WireError(`invalid tag ${tag}`, start);
    return tag;
  }

  /** Reads a length and checks that so many bytes are there. */
  length(end: number): number {
    const start = this.position;
    const length = this.uint32(end);
    if (length > end - this.position) {
      throw new WireError(
        `length ${length} of a field exceeds the ${end - this.position} bytes left`,
        start,
      );
    }
    return length;
  }

  /** Skips the value of a field that was introduced by `tag`. */
  skip(tag: number, end: number): void {
    this.skipValue(tag, end, 0);
  }

  private skipValue(tag: number, end: number, depth: number): void {
    switch (tag & 7) {
      case WireType.varint:
        return this.skipVarint(end);
      case WireType.fixed64:
        return this.advance(8, end);
      case WireType.fixed32:
        return this.advance(4, end);
      case WireType.bytes:
        return this.advance(this.length(end), end);
      case WireType.group:
        return this.skipGroup(tag, end, depth + 1);
      default:
        throw new WireError(`invalid wire type ${tag & 7}`, this.position);
    }
  }

  private skipGroup(tag: number, end: number, depth: number): void {
    if (depth > GROUP_DEPTH_MAX) throw new WireError('groups nest too deep', this.position);
    for (;;) {
      const inner = this.tag(end);
      if ((inner & 7) !== WireType.endGroup) this.skipValue(inner, end, depth);
      else if (inner === tag + 1) return;
      else throw new WireError(`group ends with tag ${inner}`, this.position);
    }
  }

  private skipVarint(end: number): void {
    const start = this.position;
    for (let index = start; index < end && index - start < VARINT_BYTES_MAX; index++) {
      if ((this.bytes[index] ?? 0) < 0x80) {
        this.position = index + 1;
        return;
      }
    }
    throw new WireError('varint does not end', start);
  }

  private advance(count: number, end: number): void {
    if (count > end - this.position) throw new WireError('field is cut off', this.position);
    this.position += count;
  }

  /** A varint of at most 32 bits: tags and lengths. */
  private uint32(end: number): number {
    const start = this.position;
    const first = this.bytes[start] ?? 0;
    if (start < end && first < 0x80) {
      this.position = start + 1;
      return first;
    }
    let value = 0;
    for (let index = start, scale = 1; index < end && index - start < 5; index++, scale *= 0x80) {
      const byte = this.bytes[index] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      this.position = index + 1;
      if (value <= 0xffff_ffff) return value;
      break;
    }
    throw new WireError('tag or length is cut off or exceeds 32 bits', start);
  }
}
