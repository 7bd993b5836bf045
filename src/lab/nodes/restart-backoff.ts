/** When a process that ended may be started again: at once, but one that ends again and again waits longer each time. Pure. */

const PAUSE_MS_MIN = 250;
const PAUSE_MS_MAX = 8_000;
/** One that lived so long begins anew. */
const HEALTHY_MS = 10_000;

/** Of one process. Times are monotonic milliseconds. */
export class Backoff {
  private startedMs: number | undefined;
  private pauseMs = 0;

  /** True if it may be started now, which then counts as a start. */
  mayStart(nowMs: number): boolean {
    if (this.startedMs === undefined) return this.started(nowMs);
    const lived = nowMs - this.startedMs;
    if (lived < this.pauseMs) return false;
    this.pauseMs = lived >= HEALTHY_MS ? 0 : Math.min(PAUSE_MS_MAX, this.pauseMs * 2);
    return this.started(nowMs);
  }

  private started(nowMs: number): boolean {
    this.startedMs = nowMs;
    this.pauseMs = Math.max(PAUSE_MS_MIN, this.pauseMs);
    return true;
  }
}
