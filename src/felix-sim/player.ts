/** Writes frames to a driver as Felix's pipe would carry them: in order, blocking when the pipe is full. */
import type { Writable } from 'node:stream';
import type { Clock } from '../base/clock.js';
import { encodeFrame } from '../driver/frame.js';

/** How frames are written. */
export interface PlayOptions {
  readonly clock: Clock;
  /** 1 = at the recorded pace, 2 = twice as fast; 0 = as fast as the driver reads. */
  readonly speed: number;
  /** Most bytes of one write; 0 = one write per frame, as Felix does. Frames are cut anywhere, inside headers too. */
  readonly splitWritesBytes: number;
}

/** One frame and when it was sent, milliseconds since its driver started. */
export interface TimedFrame {
  readonly body: Uint8Array;
  readonly atMs: number;
}

/** Plays the frames of one driver's life; pauses of the recording before the first frame played count from there. */
export class Player {
  private readonly out: Writable;
  private readonly options: PlayOptions;
  private origin: { readonly startMs: number; readonly atMs: number } | undefined;

  constructor(out: Writable, options: PlayOptions) {
    this.out = out;
    this.options = options;
  }

  /** Writes all frames; false if the driver's end closed before the last byte was taken. */
  async play(frames: Iterable<TimedFrame>): Promise<boolean> {
    for (const frame of frames) {
      await this.keepPace(frame.atMs);
      for (const piece of this.pieces(encodeFrame(frame.body))) {
        if (!(await this.write(piece))) return false;
      }
    }
    return true;
  }

  private async keepPace(atMs: number): Promise<void> {
    const { clock, speed } = this.options;
    if (speed <= 0) return;
    this.origin ??= { startMs: clock.monotonic(), atMs };
    const due = this.origin.startMs + (atMs - this.origin.atMs) / speed;
    const wait = due - clock.monotonic();
    if (wait > 0) await new Promise<void>((resolve) => clock.after(wait, resolve));
  }

  private *pieces(bytes: Buffer): Iterable<Buffer> {
    const size = this.options.splitWritesBytes > 0 ? this.options.splitWritesBytes : bytes.length;
    for (let start = 0; start < bytes.length; start += size) {
      yield bytes.subarray(start, start + size);
    }
  }

  /** One write, settled when the pipe took it. */
  private write(piece: Buffer): Promise<boolean> {
    if (this.out.destroyed || this.out.writableEnded) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onClose = (): void => resolve(false);
      this.out.once('close', onClose);
      this.out.write(piece, (error) => {
        this.out.off('close', onClose);
        resolve(!error);
      });
    });
  }
}
