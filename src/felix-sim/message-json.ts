/**
 * ToDataplane messages as people write them: proto3 JSON with the original field names (the form that `decode` prints), to
 * messages. A policy in a tier is a PolicyID object, or a name as in Calico up to v3.31.
 */
import type { Field, Type } from 'protobufjs';
import { encodeTierEntry } from '../driver/tier-entry.js';
import { ToDataplaneType } from '../driver/wire-types.js';
import type { ToDataplane } from '../gen/felix/types.js';
import { SimError } from './errors.js';

type Json = Record<string, unknown>;

/** The message of a JSON object. `where` names its place for errors. Throws `SimError` with code `scenario`. */
export function messageFromJson(json: unknown, where: string): ToDataplane {
  const prepared = prepare(ToDataplaneType, json, where);
  const payloads = Object.keys(prepared).filter((name) => name !== 'sequence_number');
  if (payloads.length !== 1) {
    throw malformed(where, `needs exactly one payload, has ${payloads.join(', ') || 'none'}`);
  }
  const problem = ToDataplaneType.verify(ToDataplaneType.fromObject(prepared));
  if (problem !== null) throw malformed(where, problem);
  return ToDataplaneType.fromObject(prepared) as unknown as ToDataplane;
}

/** Checks names and plain types against the protocol, and encodes the one field whose form is special. */
function prepare(type: Type, json: unknown, where: string): Json {
  if (!isObject(json)) throw malformed(where, `expected an object, got ${JSON.stringify(json)}`);
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => {
      const field = type.fields[name];
      if (field === undefined) throw malformed(`${where}.${name}`, `no field of ${type.name}`);
      return [name, prepareField(type, field, value, `${where}.${name}`)];
    }),
  );
}

function prepareField(type: Type, field: Field, value: unknown, where: string): unknown {
  field.resolve();
  if (field.map) return isObject(value) ? prepareMap(field, value, where) : refuse(value, where);
  if (!field.repeated) return prepareValue(type, field, value, where);
  if (!Array.isArray(value)) return refuse(value, where);
  return value.map((item, index) => prepareValue(type, field, item, `${where}[${index}]`));
}

function prepareMap(field: Field, value: Json, where: string): Json {
  const { resolvedType } = field;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      resolvedType !== null && 'fields' in resolvedType
        ? prepare(resolvedType, item, `${where}.${key}`)
        : scalar(item, where),
    ]),
  );
}

function prepareValue(type: Type, field: Field, value: unknown, where: string): unknown {
  if (type.name === 'TierInfo' && field.name.endsWith('_policies')) return tierEntry(value, where);
  const { resolvedType } = field;
  if (resolvedType === null) return scalar(value, where);
  if ('fields' in resolvedType) return prepare(resolvedType, value, where);
  if (typeof value === 'string' && !(value in resolvedType.values)) {
    throw malformed(where, `"${value}" is no ${resolvedType.name}`);
  }
  return scalar(value, where);
}

function tierEntry(value: unknown, where: string): Uint8Array {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (!isObject(value)) return refuse(value, where);
  const text = (name: string): string => {
    const part = value[name] ?? '';
    return typeof part === 'string' ? part : refuse(part, `${where}.${name}`);
  };
  const unknown = Object.keys(value).find((name) => !['kind', 'namespace', 'name'].includes(name));
  if (unknown !== undefined) throw malformed(`${where}.${unknown}`, 'no field of PolicyID');
  return encodeTierEntry({ kind: text('kind'), namespace: text('namespace'), name: text('name') });
}

function scalar(value: unknown, where: string): unknown {
  return ['string', 'number', 'boolean'].includes(typeof value) ? value : refuse(value, where);
}

function refuse(value: unknown, where: string): never {
  throw malformed(where, `unexpected ${JSON.stringify(value)}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(where: string, problem: string): SimError {
  return new SimError({ code: 'scenario', op: 'read scenario', message: `${where}: ${problem}` });
}
