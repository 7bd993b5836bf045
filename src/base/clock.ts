/** Time as a dependency, so that a test can own it. */

/** Handle of a running timer. */
export interface Timer {
  cancel(): void;
}

/** What the code asks of time. Milliseconds throughout. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Monotonic milliseconds, for durations. */
  monotonic(): number;
  /** Runs `action` once after `delayMs`. */
  after(delayMs: number, action: () => void): Timer;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, action) {
    // A timer of 0 waits a whole millisecond; the next turn of the event loop is what 0 asks for.
    if (delayMs <= 0) {
      const immediate = setImmediate(action);
      return { cancel: () => clearImmediate(immediate) };
    }
    const handle = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
