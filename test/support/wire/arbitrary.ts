/** Random messages of Felix's protocol, built from the descriptor: what a sender could write, defaults left out. */
import fc from 'fast-check';
import Long from 'long';
import protobuf from 'protobufjs';

type Members = Record<string, unknown>;

const INT32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }).filter((value) => value !== 0);
const TEXT = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });

/** Members of a random message. Half of the fields are absent; no member of a singular field has its default. */
export function arbitraryMessage(type: protobuf.Type): fc.Arbitrary<Members> {
  const plain = type.fieldsArray.filter((field) => field.partOf === null);
  const members = Object.fromEntries(plain.map((field) => [field.name, arbitraryField(field)]));
  const oneofs = type.oneofsArray.map((oneof) => arbitraryOneof(oneof));
  return fc
    .tuple(fc.record(members, { requiredKeys: [] }), ...oneofs)
    .map((parts) => Object.assign({}, ...parts) as Members);
}

/** A random payload in an envelope: every payload is equally likely. */
export function arbitraryEnvelope(type: protobuf.Type): fc.Arbitrary<Members> {
  const payload = type.oneofs.payload!;
  const number = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });
  return fc
    .tuple(arbitraryOneof(payload, { optional: false }), number)
    .map(([member, sequence]) => ({ ...member, sequence_number: longOf(sequence, true) }));
}

function arbitraryOneof(oneof: protobuf.OneOf, { optional = true } = {}): fc.Arbitrary<Members> {
  const cases = oneof.fieldsArray.map((field) =>
    arbitraryValue(field, true).map((value) => ({ [field.name]: value })),
  );
  return optional ? fc.oneof(fc.constant({}), ...cases) : fc.oneof(...cases);
}

function arbitraryField(field: protobuf.Field): fc.Arbitrary<unknown> {
  field.resolve();
  if (field instanceof protobuf.MapField) {
    const key = field.keyType === 'string' ? TEXT : fc.nat().map(String);
    return fc.dictionary(key, arbitraryValue(field, true), { minKeys: 1, maxKeys: 3 });
  }
  if (!field.repeated) return arbitraryValue(field, false);
  return fc.array(arbitraryValue(field, true), { minLength: 1, maxLength: 3 });
}

/** `zero`: the default may occur, because presence is told in another way. */
function arbitraryValue(field: protobuf.Field, zero: boolean): fc.Arbitrary<unknown> {
  field.resolve();
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return arbitraryMessage(type);
  if (type instanceof protobuf.Enum) {
    const values = Object.values(type.values).filter((value) => zero || value !== 0);
    return fc.constantFrom(...values);
  }
  return zero ? fc.oneof(fc.constant(zeroOf(field)), scalar(field)) : scalar(field);
}

function scalar(field: protobuf.Field): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'string':
      return TEXT;
    case 'bytes':
      return fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes));
    case 'bool':
      return fc.constant(true);
    case 'double':
      return fc.double({ noNaN: true }).filter((value) => value !== 0);
    case 'int64':
      return fc
        .bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
        .filter((value) => value !== 0n)
        .map((value) => longOf(value, false));
    case 'int32':
      return INT32;
    default:
      throw new Error(`no arbitrary for ${field.type}`);
  }
}

function zeroOf(field: protobuf.Field): unknown {
  if (field.type === 'string') return '';
  if (field.type === 'bytes') return Buffer.alloc(0);
  if (field.type === 'bool') return false;
  return field.type === 'int64' ? longOf(0n, false) : 0;
}

function longOf(value: bigint, unsigned: boolean): unknown {
  return Long.fromString(value.toString(), unsigned);
}
