/** Frames out of a stream, however it was split; impossible lengths; ends inside a frame. */
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeFrame, FrameError, FrameReader } from '../../src/driver/frame.js';
import { thrownBy } from '../support/wire/thrown.js';

const BODIES = ['', 'a', 'hello', 'x'.repeat(300), ''].map((text) => Buffer.from(text));
const STREAM = Buffer.concat(BODIES.map(encodeFrame));

describe('FrameReader', () => {
  it('gives the bodies with their positions', () => {
    const reader = new FrameReader();
    reader.append(STREAM);
    const frames = drain(reader);
    expect(frames.map(({ index, offset, body }) => [index, offset, body.toString()])).to.deep.equal(
      [
        [0, 0, ''],
        [1, 8, 'a'],
        [2, 17, 'hello'],
        [3, 30, 'x'.repeat(300)],
        [4, 338, ''],
      ],
    );
    expect(reader.drained).to.equal(true);
    reader.finish();
  });

  it('does not care where the stream is split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: STREAM.length }), { maxLength: 20 }),
        (cuts) => {
          const reader = new FrameReader();
          const ends = [...cuts.sort((a, b) => a - b), STREAM.length];
          let start = 0;
          const bodies = ends.flatMap((end) => {
            reader.append(Buffer.from(STREAM.subarray(start, end)));
            start = end;
            return drain(reader).map(({ body }) => Buffer.from(body));
          });
          reader.finish();
          expect(bodies).to.deep.equal(BODIES);
        },
      ),
    );
  });

  it('gives the same byte by byte', () => {
    const reader = new FrameReader();
    const bodies: Buffer[] = [];
    for (const byte of STREAM) {
      reader.append(Buffer.from([byte]));
      bodies.push(...drain(reader).map(({ body }) => body));
    }
    expect(bodies).to.deep.equal(BODIES);
  });

  it('keeps what the caller has not read yet when more bytes come', () => {
    const reader = new FrameReader();
    reader.append(STREAM.subarray(0, 25));
    expect(reader.next()?.index).to.equal(0);
    reader.append(STREAM.subarray(25));
    expect(drain(reader).map(({ body }) => body)).to.deep.equal(BODIES.slice(1));
  });

  it('accepts a body of exactly the cap', () => {
    const reader = new FrameReader(5);
    reader.append(encodeFrame(Buffer.from('hello')));
    expect(reader.next()?.body.toString()).to.equal('hello');
  });

  const hostile: readonly [string, bigint][] = [
    ['one more than the cap', 257n],
    ['beyond 32 bits', 1n << 32n],
    ['beyond what a number holds', 1n << 60n],
    ['all ones', (1n << 64n) - 1n],
  ];
  for (const [name, length] of hostile) {
    it(`refuses a length before it reserves memory: ${name}`, () => {
      const reader = new FrameReader(256);
      const header = Buffer.alloc(8);
      header.writeBigUInt64LE(length);
      reader.append(Buffer.concat([encodeFrame(Buffer.from('ok')), header]));
      expect(reader.next()?.index).to.equal(0);
      const before = process.memoryUsage().arrayBuffers;
      const error = thrownBy(() => reader.next());
      expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(100_000);
      expect(error).to.be.instanceOf(FrameError);
      const { code, position, message } = error as FrameError;
      expect(code).to.equal('frame-length');
      expect(position).to.deep.equal({ index: 1, offset: 10, length });
      expect(message).to.include(`sequence number 1, offset 10, length ${length}`);
    });
  }

  it('tells where the stream ended inside a frame', () => {
    const reader = new FrameReader();
    reader.append(STREAM.subarray(0, 20));
    drain(reader);
    const inHeader = thrownBy(() => reader.finish()) as FrameError;
    expect(inHeader.code).to.equal('truncated');
    expect(inHeader.position).to.include({ index: 2, offset: 17 });
    reader.append(STREAM.subarray(20, 27));
    expect(reader.next()).to.equal(undefined);
    const inBody = thrownBy(() => reader.finish()) as FrameError;
    expect(inBody.message).to.include('after 2 bytes of a body');
    expect(inBody.position.length).to.equal(5n);
  });
});

function drain(reader: FrameReader) {
  const frames = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  return frames;
}
