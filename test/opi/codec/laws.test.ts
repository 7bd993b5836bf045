/** Laws of the codec over random objects: nothing is lost on the way, and nothing that comes in can crash it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeObject, encodeObject } from '../../../src/opi/codec/codec.js';
import { WireError } from '../../../src/opi/codec/errors.js';
import { decodeMember, encodeMember } from '../../../src/opi/codec/members.js';
import { relativeName } from '../../../src/opi/codec/names.js';
import type { OpiObject } from '../../../src/opi/objects/specs.js';
import { anyMember, anyObject } from './arbitraries.js';
import { decode, encode } from './wire.js';

/** Time-boxed; a failure prints its seed. */
const RUN = { numRuns: 1_500, interruptAfterTimeLimit: 2_000 } as const;

function bytesOf(object: OpiObject): Buffer {
  const message = encodeObject(object, relativeName(object.key), relativeName);
  return encode(object.key.kind, message);
}

describe('codec laws', function () {
  this.timeout(20_000);

  it('reads back every object as it was written, and writes it again with the same bytes', () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        const bytes = bytesOf(object);
        const read = decodeObject(object.key.kind, decode(object.key.kind, bytes));
        expect(read).to.deep.equal(object);
        expect(bytesOf(read).equals(bytes)).to.equal(true);
      }),
      RUN,
    );
  });

  it('reads the same object whatever form its references have', () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        const full = (key: OpiObject['key']): string =>
          `//network.opiproject.org/${relativeName(key)}`;
        const message = encodeObject(object, full(object.key), full);
        const { kind } = object.key;
        expect(decodeObject(kind, decode(kind, encode(kind, message)))).to.deep.equal(object);
      }),
      { ...RUN, numRuns: 500 },
    );
  });

  it('reads back every member text', () => {
    fc.assert(
      fc.property(anyMember, (member) => {
        const bytes = encode('member', encodeMember(member));
        expect(decodeMember(decode('member', bytes))).to.equal(member);
      }),
      RUN,
    );
  });

  it('answers damaged messages with an object or a typed error', () => {
    fc.assert(
      fc.property(anyObject, fc.nat(), damage, (object, place, harm) => {
        const { kind } = object.key;
        const message: object = decode(kind, bytesOf(object));
        const leaves = leavesOf(message);
        const leaf = leaves[place % leaves.length]!;
        leaf.holder[leaf.name] = harm(leaf.holder[leaf.name]);
        expectObjectOrError(() => decodeObject(kind, message as never));
      }),
      RUN,
    );
  });

  it('answers damaged bytes with a message the reader refuses, an object, or a typed error', () => {
    fc.assert(
      fc.property(anyObject, fc.nat(), fc.nat({ max: 255 }), (object, place, byte) => {
        const { kind } = object.key;
        const bytes = bytesOf(object);
        bytes[place % bytes.length] = byte;
        let message: never;
        try {
          message = decode(kind, bytes);
        } catch {
          return; // gRPC fails the call before the codec sees it
        }
        expectObjectOrError(() => decodeObject(kind, message));
      }),
      RUN,
    );
  });
});

function expectObjectOrError(read: () => OpiObject): void {
  try {
    expect(read()).to.have.keys('key', 'spec');
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(WireError);
    const { field, message } = thrown as WireError;
    expect(message).to.include(field);
    expect(field).to.not.equal('');
  }
}

/** What a message member can be turned into by a server that is not ours. Types of the wire stay what they are. */
const damage: fc.Arbitrary<(value: unknown) => unknown> = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((number) => (value: unknown) => {
    if (typeof value === 'number') return number;
    // A value of an enum that this build does not know is a number.
    return typeof value === 'string' && /^[A-Z0-9_]+$/.test(value) ? number : emptied(value);
  }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => (value: unknown) => {
    return value instanceof Uint8Array ? Buffer.from(bytes) : emptied(value);
  }),
);

function emptied(value: unknown): unknown {
  if (typeof value === 'string') return '';
  if (typeof value === 'number') return 0;
  if (typeof value === 'boolean') return !value;
  if (value instanceof Uint8Array) return Buffer.alloc(0);
  return Array.isArray(value) ? [] : null;
}

interface Leaf {
  readonly holder: Record<string, unknown>;
  readonly name: string;
}

/** Every member of a message and of the messages in it; the discriminators of oneofs stay as they are. */
function leavesOf(message: object): Leaf[] {
  const holder = message as Record<string, unknown>;
  return Object.entries(holder).flatMap(([name, value]) => {
    if (typeof value === 'string' && value in holder) return [];
    const inner =
      value !== null && typeof value === 'object' && !(value instanceof Uint8Array)
        ? leavesOf(value)
        : [];
    // A message in a list, and one that its oneof names, is always there; its members may not be.
    const present = Array.isArray(message) || Object.values(holder).includes(name);
    return present && inner.length > 0 ? inner : [{ holder, name }, ...inner];
  });
}
