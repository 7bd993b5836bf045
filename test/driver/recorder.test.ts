import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Clock } from '../../src/base/clock.js';
import { DriverError } from '../../src/driver/errors.js';
import { decodeToDataplane, encodeToDataplane } from '../../src/driver/message.js';
import { FlightRecorder } from '../../src/driver/recorder.js';
import { finalSession, readSource } from '../../src/lab/replay/source.js';

describe('FlightRecorder', () => {
  let folder: string;
  let nowMs = 0;
  let errors: unknown[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cx-recorder-'));
    nowMs = 5_000;
    errors = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function recorder(bytesMax = 1_000_000, where = folder): FlightRecorder {
    const clock = { monotonic: () => nowMs } as Clock;
    return new FlightRecorder({
      folder: where,
      bytesMax,
      clock,
      onError: (error) => errors.push(error),
    });
  }

  function record(to: FlightRecorder, ...bodies: string[]): void {
    to.beginSession();
    for (const body of bodies) to.frame(Buffer.from(body));
    to.endSession();
  }

  /** What a replay would play. */
  function recorded(): string[][] {
    return readSource(folder).streams.map(({ frames }) =>
      frames.map(({ body }) => Buffer.from(body).toString()),
    );
  }

  it('writes streams, times and steps that replay reads', () => {
    const to = recorder();
    record(to, 'a', 'bb');
    to.beginSession();
    nowMs += 1_234.4;
    to.frame(Buffer.from('ccc'));
    to.endSession();
    expect(recorded()).to.deep.equal([['a', 'bb'], ['ccc']]);
    const { streams, steps } = readSource(folder);
    expect(streams[1]?.frames[0]?.atMs).to.equal(1_234);
    expect(steps).to.deep.equal([{ name: 'start', stream: 1, frames: 1 }]);
    expect(readFileSync(join(folder, 'frames-0.tsv'), 'utf8')).to.equal(
      '#frame\tms\toffset\tbytes\n0\t0\t0\t1\n1\t0\t9\t2\n',
    );
  });

  it('replays after a process that was killed in the middle of a session', () => {
    record(recorder(), 'old');
    const killed = recorder();
    killed.beginSession();
    killed.frame(Buffer.from('a'));
    killed.frame(Buffer.from('b'));
    expect(recorded()).to.deep.equal([['old'], ['a', 'b']]);
    // The next process goes on behind it.
    record(recorder(), 'c');
    expect(recorded()).to.deep.equal([['old'], ['a', 'b'], ['c']]);
  });

  it('gives its final state, too, while it is still written to', () => {
    const to = recorder();
    to.beginSession();
    to.frame(encodeToDataplane({ config_update: { config: { FelixHostname: 'node-a' } } }));
    const [stream] = finalSession(readSource(folder)).streams;
    const messages = stream?.frames.map(({ body }) => decodeToDataplane(body).message.payload);
    expect(messages).to.deep.equal(['config_update', 'in_sync']);
  });

  it('keeps within its bound: the oldest streams go, the current one stays', () => {
    const to = recorder(100);
    for (const body of ['1', '2', '3', '4', '5']) record(to, body.repeat(40));
    expect(recorded().map(([body]) => body?.[0])).to.deep.equal(['4', '5']);
    const bytes = readdirSync(folder)
      .filter((name) => name.endsWith('.felix'))
      .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).to.be.at.most(100);
    expect(readdirSync(folder)).not.to.include('frames-0.tsv');
  });

  it('a session that outgrows the bound keeps its begin, and says that it is cut', () => {
    const to = recorder(100);
    record(to, 'x'.repeat(50), 'y'.repeat(50), 'z');
    expect(recorded()).to.deep.equal([['x'.repeat(50)]]);
    const { streams } = JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8')) as {
      streams: unknown;
    };
    expect(streams).to.deep.equal([{ stream: 0, frames: 1, truncated: true }]);
  });

  it('a disk that fails ends the recording, not the session', () => {
    const to = recorder();
    to.beginSession();
    rmSync(folder, { recursive: true });
    to.endSession();
    to.beginSession();
    to.frame(Buffer.from('a'));
    expect(errors).to.have.length(1);
    expect((errors[0] as NodeJS.ErrnoException).code).to.equal('ENOENT');
  });

  it('refuses a folder that cannot be made', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(() => recorder(100, file)).to.throw(DriverError, file);
  });
});
