/** proto3 JSON of a decoded message: original field names, defaults left out, enums by name. */
import protobuf from 'protobufjs';
import type Long from 'long';

/** A JSON value. */
export type JsonValue =
  string | number | boolean | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Replaces how one field of one message type is shown; `undefined` = as usual. */
export type FieldOverride = (
  message: protobuf.Message,
  field: protobuf.Field,
) => { readonly name: string; readonly value: JsonValue } | undefined;

const INT64_TYPES = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

/** JSON of a message that protobufjs decoded. A member of a oneof that is set is shown even with its default. */
export function toProtoJson(
  message: protobuf.Message,
  override: FieldOverride,
): { readonly [key: string]: JsonValue } {
  const json: Record<string, JsonValue> = {};
  for (const field of message.$type.fieldsArray) {
    const value = (message as unknown as Record<string, unknown>)[field.name];
    if (!Object.hasOwn(message, field.name) || isDefault(field, value)) continue;
    const replaced = override(message, field);
    if (replaced !== undefined) json[replaced.name] = replaced.value;
    else json[field.name] = fieldJson(field, value, override);
  }
  return json;
}

function isDefault(field: protobuf.Field, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (field.map) return Object.keys(value).length === 0;
  if (field.repeated) return (value as readonly unknown[]).length === 0;
  if (field.partOf !== null || field.resolvedType instanceof protobuf.Type) return false;
  if (INT64_TYPES.has(field.type)) return int64Text(value) === '0';
  return value === false || value === 0 || value === '' || (value as Uint8Array).length === 0;
}

function fieldJson(field: protobuf.Field, value: unknown, override: FieldOverride): JsonValue {
  if (field.map) {
    const entries = Object.entries(value as Record<string, unknown>);
    return Object.fromEntries(entries.map(([key, one]) => [key, valueJson(field, one, override)]));
  }
  if (field.repeated) {
    return (value as readonly unknown[]).map((one) => valueJson(field, one, override));
  }
  return valueJson(field, value, override);
}

function valueJson(field: protobuf.Field, value: unknown, override: FieldOverride): JsonValue {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return toProtoJson(value as protobuf.Message, override);
  if (type instanceof protobuf.Enum) return type.valuesById[value as number] ?? (value as number);
  if (INT64_TYPES.has(field.type)) return int64Text(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'number' && !Number.isFinite(value)) return nonFiniteText(value);
  return value as string | number | boolean;
}

function int64Text(value: unknown): string {
  return (value as Long | number).toString();
}

function nonFiniteText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}
