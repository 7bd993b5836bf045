/** What the wire checker knows of each message type: which tags may stand in it, and what lies behind them. */
import protobuf from 'protobufjs';
import { invariant } from '../base/errors.js';

/** The wire types a tag can name, except the obsolete groups. */
export const WireType = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  group: 3,
  endGroup: 4,
  fixed32: 5,
} as const;

/** A message type. */
export interface MessageShape {
  readonly name: string;
  /** Whole tag (number and wire type) -> what it holds; a tag that is not here is unknown. */
  readonly tags: ReadonlyMap<number, FieldShape>;
}

/** A known field. */
export interface FieldShape {
  readonly number: number;
  /** Shape of a sub-message or map entry; absent for scalars. */
  readonly message?: MessageShape;
}

/** Shape of `type` and of all it contains. Felix's protocol has no packed fields and no recursion. */
export function shapeOf(type: protobuf.Type): MessageShape {
  return messageShape(type, new Map());
}

function messageShape(type: protobuf.Type, known: Map<protobuf.Type, MessageShape>): MessageShape {
  const present = known.get(type);
  if (present !== undefined) return present;
  const tags = new Map<number, FieldShape>();
  const shape = { name: type.name, tags };
  known.set(type, shape);
  for (const field of type.fieldsArray) addField(tags, field, known);
  return shape;
}

function addField(
  tags: Map<number, FieldShape>,
  field: protobuf.Field,
  known: Map<protobuf.Type, MessageShape>,
): void {
  field.resolve();
  const number = field.id;
  const value = valueShape(field, known);
  if (field instanceof protobuf.MapField) {
    const entry = new Map([
      [tagOf(1, scalarWireType(field.keyType)), { number: 1 }],
      [tagOf(2, value.wireType), withMessage(2, value.message)],
    ]);
    tags.set(tagOf(number, WireType.bytes), { number, message: { name: field.name, tags: entry } });
    return;
  }
  invariant(
    !field.repeated || value.wireType === WireType.bytes,
    `${field.fullName}: packed fields are not supported`,
  );
  tags.set(tagOf(number, value.wireType), withMessage(number, value.message));
}

function valueShape(
  field: protobuf.Field,
  known: Map<protobuf.Type, MessageShape>,
): { readonly wireType: number; readonly message?: MessageShape } {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) {
    return { wireType: WireType.bytes, message: messageShape(type, known) };
  }
  return { wireType: type === null ? scalarWireType(field.type) : WireType.varint };
}

function withMessage(number: number, message: MessageShape | undefined): FieldShape {
  return message === undefined ? { number } : { number, message };
}

function scalarWireType(type: string): number {
  const wireType = protobuf.types.basic[type as keyof typeof protobuf.types.basic];
  return wireType;
}

/** The tag of a field: its number and wire type in one varint. */
export function tagOf(number: number, wireType: number): number {
  return number * 8 + wireType;
}
