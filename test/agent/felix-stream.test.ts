/** One Felix stream: others get their turn, nothing piles up in either direction. */
import { PassThrough, Readable, Writable } from 'node:stream';
import { expect } from 'chai';
import { FelixStream } from '../../src/agent/felix-stream.js';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/log.js';
import { encodeFrame, FrameError } from '../../src/driver/frame.js';
import { encodeToDataplane } from '../../src/driver/message.js';
import { hostStatus } from '../../src/driver/status-messages.js';

const FRAME = encodeFrame(encodeToDataplane({ ipset_remove: { id: 'x'.repeat(1000) } }));

function stream(options: Partial<ConstructorParameters<typeof FelixStream>[0]>): FelixStream {
  return new FelixStream({
    input: new PassThrough(),
    output: new PassThrough(),
    frameBytesMax: 1 << 20,
    clock: systemClock,
    logger: silentLogger,
    onFrame: () => undefined,
    ...options,
  });
}

describe('FelixStream', () => {
  it('gives others a turn every ten milliseconds, also within one chunk', async () => {
    let nowMs = 0;
    const clock: Clock = { ...systemClock, monotonic: () => nowMs };
    let turns = 0;
    const order: number[] = [];
    const count = (): void => {
      turns++;
      if (order.length < 20) setImmediate(count);
    };
    setImmediate(count);
    const reader = stream({
      clock,
      input: Readable.from([Buffer.concat(Array.from({ length: 20 }, () => FRAME))]),
      onFrame: () => {
        // Each frame takes four milliseconds.
        nowMs += 4;
        order.push(turns);
      },
    });
    await reader.run();
    expect(order).to.have.length(20);
    for (let at = 3; at < order.length; at++) {
      expect(order[at], `turns before frame ${at}`).to.be.greaterThan(order[at - 3] ?? 0);
    }
  });

  it('reads no more than it handles: a source that is ahead has to wait', async () => {
    let produced = 0;
    let handled = 0;
    let aheadMax = 0;
    const input = new Readable({
      highWaterMark: 4 * FRAME.length,
      read() {
        aheadMax = Math.max(aheadMax, produced - handled);
        produced++;
        this.push(produced > 500 ? null : FRAME);
      },
    });
    await stream({ input, onFrame: () => (handled += 1) }).run();
    expect(handled).to.equal(500);
    expect(aheadMax).to.be.lessThan(12);
  });

  it('drops status messages when Felix has long stopped reading, and goes on when it reads', () => {
    const held: (() => void)[] = [];
    const output = new Writable({ write: (_chunk, _encoding, done) => void held.push(done) });
    const writer = stream({ output });
    const message = hostStatus('h'.repeat(1_000_000), 'up');
    for (let sent = 0; sent < 50; sent++) writer.send(message);
    expect(output.writableLength).to.be.within(4 << 20, 6 << 20);
  });

  it('ends at the first frame that cannot be read, and hands on nothing behind it', async () => {
    let frames = 0;
    const bad = encodeFrame(Buffer.from([0xff]));
    const input = Readable.from([Buffer.concat([FRAME, bad, FRAME])]);
    const error = await stream({ input, onFrame: () => (frames += 1) })
      .run()
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).to.be.instanceOf(FrameError);
    expect((error as FrameError).position.index).to.equal(1);
    expect(frames).to.equal(1);
  });
});
