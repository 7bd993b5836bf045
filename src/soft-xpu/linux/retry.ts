/** Tries something again by itself, each time later, until it succeeds. */
import type { Clock, Timer } from '../../base/clock.js';

/** Pause before the first attempt, and the longest one, milliseconds; doubled each time. */
const RETRY_MS = 500;
const RETRY_MS_MAX = 30_000;

/** See the file head. */
export class Retry {
  private readonly clock: Clock;
  private readonly action: () => void;
  private delayMs = RETRY_MS;
  private timer: Timer | undefined;
  private closed = false;

  constructor(clock: Clock, action: () => void) {
    this.clock = clock;
    this.action = action;
  }

  /** Plans an attempt, unless one is planned. Gives the pause before the next one that is planned by this call. */
  plan(): number {
    const { delayMs } = this;
    if (this.closed || this.timer !== undefined) return delayMs;
    this.timer = this.clock.after(delayMs, () => {
      this.timer = undefined;
      this.action();
    });
    this.delayMs = Math.min(delayMs * 2, RETRY_MS_MAX);
    return delayMs;
  }

  /** An attempt is made now: none is planned any more. */
  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** It succeeded. */
  succeed(): void {
    this.cancel();
    this.delayMs = RETRY_MS;
  }

  /** Plans nothing any more. */
  close(): void {
    this.closed = true;
    this.cancel();
  }
}
