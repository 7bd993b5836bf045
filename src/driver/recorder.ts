/**
 * Flight recorder: writes the incoming stream, with receive times, to a bounded folder of the same form as a recording
 * (`stream-N.felix`, `frames-N.tsv`, `recording.json`), so that what Felix said can be replayed. I/O edge.
 *
 * Stream N is the N-th session since the recorder started. The bound holds over all streams: the oldest closed streams go
 * first; a single session that outgrows the bound ends its stream there and says so in `recording.json`, since the
 * front part of a stream replays and its tail alone does not. The folder replays at any moment, also after a SIGKILL.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { DriverError } from './errors.js';

/** What a recorder needs to know. */
export interface RecorderOptions {
  readonly folder: string;
  /** Bound of all streams together, bytes. */
  readonly bytesMax: number;
  readonly clock: Clock;
  /** Hears why recording ended early, once: a full disk must not stop enforcement. */
  readonly onError: (error: unknown) => void;
}

interface OpenStream {
  readonly index: number;
  readonly streamFd: number;
  readonly framesFd: number;
  readonly startedMs: number;
  frames: number;
  offset: number;
  truncated: boolean;
}

const HEADER_BYTES = 8;

/** Records sessions one after another. */
export class FlightRecorder {
  private readonly options: RecorderOptions;
  private stream: OpenStream | undefined;
  private broken = false;
  private nextIndex: number;
  private readonly summaries: { stream: number; frames: number; truncated: boolean }[] = [];

  /** Fails with `recorder` if the folder cannot be made. Streams that are already there are kept and counted. */
  constructor(options: RecorderOptions) {
    this.options = options;
    try {
      mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new DriverError({
        code: 'recorder',
        op: 'open flight recorder',
        message: `folder ${options.folder} cannot be used`,
        cause,
      });
    }
    this.nextIndex = Math.max(-1, ...this.indexes()) + 1;
  }

  /** Ends the current stream, if any, and starts the next one. */
  beginSession(): void {
    this.endSession();
    this.guard(() => this.open());
  }

  /** Records one frame's body. Must not be called before `beginSession`. */
  frame(body: Uint8Array): void {
    this.guard(() => this.write(body));
  }

  /** Closes the current stream and writes the folder's `recording.json`. */
  endSession(): void {
    this.guard(() => this.close());
  }

  private guard(work: () => void): void {
    if (this.broken) return;
    try {
      work();
    } catch (error) {
      this.broken = true;
      this.options.onError(error);
    }
  }

  private open(): void {
    const index = this.nextIndex++;
    this.stream = {
      index,
      streamFd: openSync(this.path(index, 'stream'), 'w', 0o600),
      framesFd: openSync(this.path(index, 'frames'), 'w', 0o600),
      startedMs: this.options.clock.monotonic(),
      frames: 0,
      offset: 0,
      truncated: false,
    };
    writeSync(this.stream.framesFd, '#frame\tms\toffset\tbytes\n');
    this.rotate();
    this.writeSummary();
  }

  private write(body: Uint8Array): void {
    const stream = this.stream;
    if (stream === undefined || stream.truncated) return;
    if (stream.offset + HEADER_BYTES + body.length > this.options.bytesMax) {
      stream.truncated = true;
      return;
    }
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeBigUInt64LE(BigInt(body.length));
    // One call, so that a frame is whole or absent whenever the process is killed.
    writevSync(stream.streamFd, [header, body]);
    const ms = Math.round(this.options.clock.monotonic() - stream.startedMs);
    writeSync(stream.framesFd, `${stream.frames}\t${ms}\t${stream.offset}\t${body.length}\n`);
    stream.frames++;
    stream.offset += HEADER_BYTES + body.length;
  }

  private close(): void {
    const stream = this.stream;
    if (stream === undefined) return;
    this.stream = undefined;
    closeSync(stream.streamFd);
    closeSync(stream.framesFd);
    const { index, frames, truncated } = stream;
    this.summaries.push({ stream: index, frames, truncated });
    this.rotate();
    this.writeSummary();
  }

  /** Removes the oldest closed streams until all together fit the bound. */
  private rotate(): void {
    const indexes = this.indexes().sort((a, b) => a - b);
    const sizes = new Map(
      indexes.map((index) => [index, statSync(this.path(index, 'stream')).size]),
    );
    let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const index of indexes) {
      if (total <= this.options.bytesMax || index === this.stream?.index) break;
      total -= sizes.get(index) ?? 0;
      rmSync(this.path(index, 'stream'));
      rmSync(this.path(index, 'frames'), { force: true });
    }
  }

  private writeSummary(): void {
    const kept = new Set(this.indexes());
    const streams = this.summaries.filter(({ stream }) => kept.has(stream));
    // Only the last stream's state is current, and a step needs one frame count per stream from 0 on. Of a stream that is
    // still written to, no count is true: it has no step, and replays to its end.
    const frames = Array.from(
      { length: this.nextIndex },
      (_, index) => streams.find(({ stream }) => stream === index)?.frames ?? 0,
    );
    const steps = this.stream === undefined ? [{ step: 'start', sources: [], frames }] : [];
    const summary = { steps, streams };
    writeFileSync(
      join(this.options.folder, 'recording.json'),
      `${JSON.stringify(summary, null, 1)}\n`,
    );
  }

  private indexes(): number[] {
    return readdirSync(this.options.folder).flatMap((name) => {
      const match = /^stream-(\d+)\.felix$/.exec(name);
      return match === null ? [] : [Number(match[1])];
    });
  }

  private path(index: number, kind: 'stream' | 'frames'): string {
    const name = kind === 'stream' ? `stream-${index}.felix` : `frames-${index}.tsv`;
    return join(this.options.folder, name);
  }
}
