/** How long what Felix says takes to be in force, as a histogram. */

/** Upper bounds of the buckets, seconds. */
export const LATENCY_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Counts of a histogram: `buckets[i]` are those of at most `LATENCY_BOUNDS[i]` seconds. */
export interface LatencyCounts {
  readonly buckets: readonly number[];
  readonly count: number;
  readonly sumSeconds: number;
}

/** From the first frame that a flush took to the moment at which the XPU had acknowledged (or finally refused) all of it. */
export class ApplyLatency {
  private readonly buckets = LATENCY_BOUNDS.map(() => 0);
  private count = 0;
  private sumSeconds = 0;
  private oldestMs: number | undefined;

  /** A frame came; `nowMs` of a monotonic clock. */
  frame(nowMs: number): void {
    this.oldestMs ??= nowMs;
  }

  /** A flush takes what came; gives the time of the oldest frame, if there is one. */
  take(): number | undefined {
    const { oldestMs } = this;
    this.oldestMs = undefined;
    return oldestMs;
  }

  /** What was taken is not applied yet. */
  giveBack(takenMs: number | undefined): void {
    this.oldestMs = takenMs ?? this.oldestMs;
  }

  /** What was taken is applied. */
  applied(takenMs: number | undefined, nowMs: number): void {
    if (takenMs === undefined) return;
    const seconds = (nowMs - takenMs) / 1000;
    this.count += 1;
    this.sumSeconds += seconds;
    LATENCY_BOUNDS.forEach((bound, index) => {
      if (seconds <= bound) this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    });
  }

  /** Counts so far. */
  counts(): LatencyCounts {
    return { buckets: [...this.buckets], count: this.count, sumSeconds: this.sumSeconds };
  }
}
