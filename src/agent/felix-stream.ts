/**
 * One Felix stream, from its first byte to its end: reads with back-pressure, hands each frame's Deltas on, writes status
 * messages back. It knows streams, not file descriptors.
 */
import type { Readable, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { encodeFrame } from '../driver/frame.js';
import { encodeFromDataplane } from '../driver/message.js';
import { FelixSession, type SessionFrame } from '../driver/session.js';
import type { StatusMessage } from '../driver/status-messages.js';

/** What a stream is made of. */
export interface FelixStreamOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly frameBytesMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gets every frame, in order. Must be quick: nothing is read meanwhile. */
  readonly onFrame: (frame: SessionFrame) => void;
}

/** Longest time that frames are handled without giving timers and other sockets a turn. */
const TURN_MS = 10;
/** Above this, status messages that Felix has not read are dropped: it reads slowly while its datastore is slow. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

/** Reads one stream. */
export class FelixStream {
  private readonly options: FelixStreamOptions;
  private readonly session: FelixSession;
  private sequenceSent = 0;
  private closed = false;

  constructor(options: FelixStreamOptions) {
    this.options = options;
    this.session = new FelixSession(options.frameBytesMax);
    // A Felix that is gone ends the reading side too, and there it is handled.
    options.output.on('error', () => undefined);
  }

  /**
   * Reads to the end of the stream. Rejects with `FrameError` at the first frame that cannot be read: what follows it
   * means nothing. A connection that breaks ends as if it were closed.
   */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.options.input) await this.chunk(chunk as Buffer);
    } catch (error) {
      if (this.closed || isConnectionError(error)) return;
      throw error;
    }
    if (!this.closed) this.session.finish();
  }

  /** Stops reading and writing; `run` settles. */
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
    const { clock, onFrame } = this.options;
    this.session.append(chunk);
    let turnStart = clock.monotonic();
    for (let frame = this.session.next(); frame !== undefined; frame = this.session.next()) {
      onFrame(frame);
      if (clock.monotonic() - turnStart < TURN_MS) continue;
      await nextTurn();
      if (this.closed) return;
      turnStart = clock.monotonic();
    }
  }
}

function isConnectionError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
