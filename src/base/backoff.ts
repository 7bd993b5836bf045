/** Exponential backoff with full jitter above a floor of half the step. */

/** Bounds of one backoff, milliseconds. */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay before retry number `attempt` (0-based); `random` gives 0..1. */
export function backoffDelay(
  attempt: number,
  limits: BackoffLimits,
  random: () => number = Math.random,
): number {
  const step = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(attempt, 30));
  return step / 2 + (step / 2) * random();
}
