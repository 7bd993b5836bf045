/** Laws of the codec: round trip, truncation at every byte, hostile and random bytes, one very large frame. */
import { expect } from 'chai';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { isDriverError, thrownBy } from '../support/wire/thrown.js';
import { arbitraryEnvelope } from '../support/wire/arbitrary.js';
import { encodeFrame, FrameReader } from '../../src/driver/frame.js';
import {
  decodeFromDataplane,
  decodeToDataplane,
  encodeFromDataplane,
  encodeToDataplane,
} from '../../src/driver/message.js';
import { FelixSession } from '../../src/driver/session.js';
import { FromDataplaneType, ToDataplaneType } from '../../src/driver/wire-types.js';

const RUNS = { numRuns: 1500, interruptAfterTimeLimit: 4000 };

describe('codec laws', function () {
  this.timeout(30_000);

  it('decode(encode(x)) = x and encoding that again gives the same bytes: to the driver', () => {
    fc.assert(
      fc.property(arbitraryEnvelope(ToDataplaneType), (members) => {
        const bytes = encodeToDataplane(members);
        const { message, unknownFields } = decodeToDataplane(bytes);
        expect(unknownFields).to.deep.equal([]);
        expect(plain(ToDataplaneType, message)).to.deep.equal(plain(ToDataplaneType, members));
        expect(Buffer.from(encodeToDataplane(message)).equals(bytes)).to.equal(true);
      }),
      RUNS,
    );
  });

  it('decode(encode(x)) = x and encoding that again gives the same bytes: to Felix', () => {
    fc.assert(
      fc.property(arbitraryEnvelope(FromDataplaneType), (members) => {
        const bytes = encodeFromDataplane(members);
        const message = decodeFromDataplane(bytes);
        expect(plain(FromDataplaneType, message)).to.deep.equal(plain(FromDataplaneType, members));
        expect(Buffer.from(encodeFromDataplane(message)).equals(bytes)).to.equal(true);
      }),
      RUNS,
    );
  });

  it('a body cut at any byte is an error, or a shorter message whose bytes are that prefix', () => {
    fc.assert(
      fc.property(arbitraryEnvelope(ToDataplaneType), (members) => {
        const bytes = encodeToDataplane(members);
        for (let length = 0; length < bytes.length; length++) {
          const prefix = bytes.subarray(0, length);
          const outcome = decodeOrError(prefix);
          if (outcome instanceof Error) continue;
          expect(Buffer.from(encodeToDataplane(outcome)).equals(prefix)).to.equal(true);
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 4000 },
    );
  });

  it('a frame cut at any byte is reported as truncated', () => {
    const frame = encodeFrame(
      encodeToDataplane({ ipset_update: { id: 's:x', members: ['10.0.0.1/32'] } }),
    );
    for (let length = 1; length < frame.length; length++) {
      const session = new FelixSession();
      session.append(frame.subarray(0, length));
      expect(session.next()).to.equal(undefined);
      const error = thrownBy(() => session.finish());
      expect(isDriverError(error, 'truncated'), `cut at ${length}: ${String(error)}`).to.equal(
        true,
      );
    }
  });

  it('random bodies give Deltas or a typed error, and never another failure', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // A valid payload tag in front reaches deeper.
      fc
        .tuple(fc.integer({ min: 1, max: 38 }), fc.uint8Array({ maxLength: 200 }))
        .map(([number, rest]) => {
          return Buffer.concat([encodeVarint(number * 8 + 2), encodeVarint(rest.length), rest]);
        }),
    );
    fc.assert(
      fc.property(body, (bytes) => {
        const session = new FelixSession();
        session.append(encodeFrame(bytes));
        const error = thrownBy(() => session.next());
        if (error !== undefined && !isDriverError(error, 'frame-body')) throw error;
      }),
      { numRuns: 20_000, interruptAfterTimeLimit: 5000 },
    );
  });

  it('valid messages with flipped bytes give Deltas or a typed error', () => {
    fc.assert(
      fc.property(
        arbitraryEnvelope(ToDataplaneType),
        fc.nat(),
        fc.nat(255),
        (members, at, value) => {
          const bytes = Buffer.from(encodeToDataplane(members));
          bytes[at % bytes.length] = value;
          const session = new FelixSession();
          session.append(encodeFrame(bytes));
          const error = thrownBy(() => session.next());
          if (error !== undefined && !isDriverError(error, 'frame-body')) throw error;
        },
      ),
      RUNS,
    );
  });

  it('a set of a million members in one frame, in pipe-sized pieces, costs time and memory in proportion', () => {
    const members = Array.from(
      { length: 1_000_000 },
      (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`,
    );
    const frame = encodeFrame(
      encodeToDataplane({ ipset_update: { id: 's:big', members, type: 2 } }),
    );
    expect(frame.length).to.be.greaterThan(15_000_000);
    const before = process.memoryUsage().arrayBuffers;
    const session = new FelixSession();
    const start = performance.now();
    let delta;
    for (let at = 0; at < frame.length; at += 65536) {
      session.append(frame.subarray(at, at + 65536));
      delta ??= session.next()?.deltas[0];
    }
    const elapsedMs = performance.now() - start;
    const held = process.memoryUsage().arrayBuffers - before;
    expect(delta).to.include({ type: 'ip-set', id: 's:big', setType: 'net' });
    expect(delta?.type === 'ip-set' && delta.members[999_999]).to.equal('10.15.66.63/32');
    expect(held, 'bytes beside the strings').to.be.lessThan(frame.length + 2_000_000);
    expect(elapsedMs).to.be.lessThan(8_000);
  });

  it('reassembles a large body in linear time', () => {
    const body = Buffer.alloc(32 * 1024 * 1024, 7);
    const frame = encodeFrame(body);
    const reader = new FrameReader();
    let got;
    const start = performance.now();
    for (let at = 0; at < frame.length; at += 4096) {
      reader.append(frame.subarray(at, at + 4096));
      got ??= reader.next();
    }
    expect(got?.body.equals(body)).to.equal(true);
    // Copying all that came before with each of the 8,192 pieces would move 128 GiB.
    expect(performance.now() - start).to.be.lessThan(3000);
  });
});

function plain(type: protobuf.Type, message: object): unknown {
  return type.toObject(type.fromObject(message), { longs: String, bytes: String });
}

function decodeOrError(bytes: Uint8Array) {
  try {
    return decodeToDataplane(bytes).message;
  } catch (error) {
    return error as Error;
  }
}

function encodeVarint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.from([(value & 0x7f) | 0x80, value >> 7]);
}
