/**
 * Checks a body against the protocol before protobufjs decodes it, and brings it into the one form the merged protocol
 * file describes.
 *
 * protobufjs looks at field numbers alone and clips strings that run past the end. Here the whole tag counts: a field
 * with another wire type than ours is another Calico's field and is left out, as Go does (felix-protocol: framing).
 */
import { FromDataplaneType, PolicyIDType, ToDataplaneType } from './wire-types.js';
import { WireCursor, WireError } from './wire-cursor.js';
import { shapeOf, tagOf, WireType, type MessageShape } from './wire-shape.js';

/** A body that protobufjs decodes to exactly what the sender said. */
export interface CheckedBody {
  readonly bytes: Uint8Array;
  /** Fields of ToDataplane itself that we do not know: payloads of a newer Calico. */
  readonly unknownFields: readonly number[];
}

/**
 * Most sub-messages and most fields of one frame. Empty ones take two bytes on the wire and a hundred in memory: without
 * these limits a hostile frame within the size cap would exhaust the heap. Calico's largest objects stay far below.
 */
const MESSAGES_MAX = 1 << 20;
const FIELDS_MAX = 1 << 24;
/** Rule fields from here on only inform; an unknown one below could be a condition (felix-protocol: rule match). */
const RULE_INFORMATION_MIN = 114;
const RULE_ACTION_TAG = tagOf(1, WireType.bytes);
/** WorkloadEndpoint's `type` of v3.30.1 to v3.30.7, and where the protocol file keeps it. */
const OLD_TYPE_TAG = tagOf(14, WireType.varint);
const KEPT_TYPE_TAG = tagOf(214, WireType.varint);

const TO_DATAPLANE = shapeOf(ToDataplaneType);
const FROM_DATAPLANE = shapeOf(FromDataplaneType);
const POLICY_ID = shapeOf(PolicyIDType);

/** Checks the body of a ToDataplane frame. Throws `WireError` where it is no protobuf message. */
export function checkToDataplane(bytes: Uint8Array): CheckedBody {
  return checkBody(bytes, TO_DATAPLANE);
}

/** Checks the body of a FromDataplane frame. */
export function checkFromDataplane(bytes: Uint8Array): CheckedBody {
  return checkBody(bytes, FROM_DATAPLANE);
}

/** Checks a PolicyID message. */
export function checkPolicyId(bytes: Uint8Array): CheckedBody {
  return checkBody(bytes, POLICY_ID);
}

function checkBody(bytes: Uint8Array, shape: MessageShape): CheckedBody {
  const check = new BodyCheck(bytes);
  const clean = check.message(shape, bytes.length, 0);
  if (clean) return { bytes, unknownFields: [] };
  return { bytes: rewrite(bytes, shape), unknownFields: check.unknownFields };
}

class BodyCheck {
  /** Unknown fields of the outermost message, in order, without repeats. */
  readonly unknownFields: number[] = [];
  private readonly cursor: WireCursor;
  private messages = 0;
  private fields = 0;

  constructor(bytes: Uint8Array) {
    this.cursor = new WireCursor(bytes);
  }

  /** Walks one message up to `end`; true if it holds nothing but known fields. */
  message(shape: MessageShape, end: number, depth: number): boolean {
    const { cursor } = this;
    if (++this.messages > MESSAGES_MAX) throw this.excess('messages');
    let clean = true;
    while (cursor.position < end) {
      if (++this.fields > FIELDS_MAX) throw this.excess('fields');
      const tag = cursor.tag(end);
      const field = shape.tags.get(tag);
      if (field?.message !== undefined) {
        const inner = cursor.length(end);
        clean = this.message(field.message, cursor.position + inner, depth + 1) && clean;
        continue;
      }
      cursor.skip(tag, end);
      if (field !== undefined) continue;
      clean = false;
      if (depth === 0) this.noteUnknown(tag >>> 3);
    }
    return clean;
  }

  private excess(what: string): WireError {
    return new WireError(`too many ${what} in one frame`, this.cursor.position);
  }

  private noteUnknown(number: number): void {
    if (!this.unknownFields.includes(number)) this.unknownFields.push(number);
  }
}

/** A copy without the unknown fields; only bodies that have some come here. */
function rewrite(bytes: Uint8Array, shape: MessageShape): Uint8Array {
  const cursor = new WireCursor(bytes);
  const parts: Uint8Array[] = [];
  // Of a field that is there twice the last one counts: what stands for an unknown field goes to the end.
  const substitutes: Uint8Array[] = [];
  while (cursor.position < bytes.length) {
    const start = cursor.position;
    const tag = cursor.tag(bytes.length);
    const field = shape.tags.get(tag);
    const valueStart = cursor.position;
    cursor.skip(tag, bytes.length);
    const value = bytes.subarray(valueStart, cursor.position);
    if (field === undefined) substitutes.push(...substitute(shape, tag, value));
    else if (field.message === undefined) parts.push(bytes.subarray(start, cursor.position));
    else parts.push(...rewriteField(tag, field.message, value));
  }
  return Buffer.concat([...parts, ...substitutes]);
}

function rewriteField(tag: number, shape: MessageShape, value: Uint8Array): Uint8Array[] {
  const cursor = new WireCursor(value);
  const length = cursor.length(value.length);
  const body = rewrite(value.subarray(cursor.position, cursor.position + length), shape);
  return [varint(tag), varint(body.length), body];
}

/** What stands for an unknown field: nothing, save where leaving it out would change what is enforced or told. */
function substitute(shape: MessageShape, tag: number, value: Uint8Array): Uint8Array[] {
  if (shape.name === 'WorkloadEndpoint' && tag === OLD_TYPE_TAG)
    return [varint(KEPT_TYPE_TAG), value];
  const number = tag >>> 3;
  if (shape.name !== 'Rule' || number >= RULE_INFORMATION_MIN) return [];
  // A rule with a condition we cannot read must not match more than it should: its action becomes an unreadable one.
  const action = Buffer.from(`unreadable condition (field ${number})`);
  return [varint(RULE_ACTION_TAG), varint(action.length), action];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
