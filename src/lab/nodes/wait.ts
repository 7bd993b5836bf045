/** An undertaking that takes a while: says what it does, waits for what others do, can be broken off. */
import { setTimeout as delay } from 'node:timers/promises';
import { LabError } from './errors.js';

/** How an undertaking is followed and broken off. */
export interface Course {
  /** Says what is being done now. Throws when the undertaking is to end. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What is waited for. */
export interface Awaited {
  /** For people: `soft-xpu of node-a`. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Why it may not be there; told when time is up. */
  readonly hint?: () => string;
}

const POLL_MS = 50;

/** A course whose end is in the hands of `signal`. */
export function newCourse(say: (text: string) => void, signal: AbortSignal): Course {
  return {
    signal,
    say(text) {
      signal.throwIfAborted();
      say(text);
    },
  };
}

/** Waits until `isThere`. Throws `LabError` with code `not-ready`, or what the signal was aborted with. */
export async function waitFor(
  isThere: () => boolean | Promise<boolean>,
  { what, timeoutMs, signal, hint }: Awaited,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isThere())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      const message = `not ready in ${timeoutMs / 1000} s${hint === undefined ? '' : `: ${hint()}`}`;
      throw new LabError({ code: 'not-ready', op: `wait for ${what}`, message });
    }
    await delay(POLL_MS);
  }
}
