/**
 * One Felix stream, from its first byte to its end: reads frames with back-pressure, hands their Deltas to the pipeline, writes
 * status messages back. It reads a stream and knows no file descriptor.
 */
import type { Readable, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { Envelope } from '../driver/envelope.js';
import { encodeFrame, FrameReader, type Frame } from '../driver/frame.js';
import { decodeFrame, encodeFromDataplane, sequenceNumberOf } from '../driver/message.js';
import type { StatusMessage } from '../driver/status-messages.js';
import type { Delta } from '../model/delta.js';

/** Where a session's frames go. */
export interface FrameSink {
  /** The Deltas of one frame, in order. */
  frame(deltas: readonly Delta[]): void;
  /** A sequence number was not the expected one: frames were lost or invented. */
  sequenceGap(expected: bigint, got: bigint): void;
  /** Part of a message could not be used. */
  problem(text: string): void;
}

/** The flight recorder's side of a session. */
export interface FrameRecorder {
  frame(body: Uint8Array): void;
}

/** What a session is made of. */
export interface FelixSessionOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly frameBytesMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: FrameSink;
  readonly recorder?: FrameRecorder | undefined;
}

/** Longest time that frames are handled without giving timers and other sockets a turn. */
const TURN_MS = 10;
/** Status messages that Felix has not read are dropped above this: it reads slowly while its datastore does. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

/** Reads one stream. */
export class FelixSession {
  private readonly options: FelixSessionOptions;
  private readonly reader: FrameReader;
  private readonly envelope = new Envelope();
  private sequenceExpected = 0n;
  private sequenceSent = 0;
  private closed = false;

  constructor(options: FelixSessionOptions) {
    this.options = options;
    this.reader = new FrameReader(options.frameBytesMax);
    // Felix is gone: the reading side ends too, and that is where it is handled.
    options.output.on('error', () => undefined);
  }

  /**
   * Reads to the end of the stream. Rejects with `FrameError` at the first frame that cannot be read: what follows it in
   * the stream means nothing. A stream that breaks off without an error of ours ends as if it were closed.
   */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.options.input) await this.chunk(chunk as Buffer);
    } catch (error) {
      if (this.closed || isStreamError(error)) return;
      throw error;
    }
    if (!this.closed) this.reader.finish();
  }

  /** Stops reading and writing. `run` settles. */
  close(): void {
    this.closed = true;
    this.options.input.destroy();
    this.options.output.destroy();
  }

  /** Sends one message to Felix; dropped if Felix has long stopped reading. */
  send(message: StatusMessage): void {
    const { output, logger } = this.options;
    if (this.closed || output.destroyed || output.writableEnded) return;
    if (output.writableLength > UNSENT_BYTES_MAX) {
      logger.warn({ payload: message.payload }, 'Felix does not read: status message dropped');
      return;
    }
    const body = encodeFromDataplane({ ...message, sequence_number: this.sequenceSent++ });
    output.write(encodeFrame(body));
  }

  private async chunk(chunk: Buffer): Promise<void> {
    const { clock } = this.options;
    this.reader.append(chunk);
    let turnStart = clock.monotonic();
    for (let frame = this.reader.next(); frame !== undefined; frame = this.reader.next()) {
      this.frame(frame);
      if (clock.monotonic() - turnStart < TURN_MS) continue;
      await nextTurn();
      if (this.closed) return;
      turnStart = clock.monotonic();
    }
  }

  private frame(frame: Frame): void {
    const { sink, recorder } = this.options;
    recorder?.frame(frame.body);
    const decoded = decodeFrame(frame);
    const sequence = sequenceNumberOf(decoded.message);
    if (sequence !== this.sequenceExpected) sink.sequenceGap(this.sequenceExpected, sequence);
    this.sequenceExpected = sequence + 1n;
    const { deltas, problems } = this.envelope.open(decoded);
    for (const problem of problems) sink.problem(problem);
    sink.frame(deltas);
  }
}

function isStreamError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === 'string' && /^(E[A-Z]+|ERR_STREAM_PREMATURE_CLOSE)$/.test(code);
}
