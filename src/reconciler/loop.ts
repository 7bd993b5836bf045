/** Runs passes when there is something to do: after a flush, when a retry is due, while the XPU is away. */
import type { Clock, Timer } from '../base/clock.js';
import type { Reconciler } from './reconciler.js';
import type { ApplyResult } from './types.js';

/** What a loop is made of. */
export interface ReconcileLoopOptions {
  readonly reconciler: Reconciler;
  readonly clock: Clock;
  /** How often the XPU is asked whether it is still the one we know. Default 5000 ms; 0 = never. */
  readonly verifyEveryMs?: number;
  /** Told after every pass. Must not throw. */
  readonly onPass?: (result: ApplyResult) => void;
  /** Told if a pass rejects, which only a bug of ours can cause; the loop has ended then. */
  readonly onBug: (thrown: unknown) => void;
}

const VERIFY_EVERY_MS = 5000;

/** See the file head. Starts with the first `wake`. */
export class ReconcileLoop {
  private readonly options: ReconcileLoopOptions;
  private retry: Timer | undefined;
  private check: Timer | undefined;
  private running: Promise<void> | undefined;
  private wanted = false;
  private away = false;
  private stopped = false;

  constructor(options: ReconcileLoopOptions) {
    this.options = options;
    this.scheduleCheck();
  }

  /** There may be work. While the XPU does not answer, its own pace decides. */
  wake(): void {
    if (this.away && this.retry !== undefined) return;
    this.run();
  }

  /** Ends after the pass that is under way. Nothing on the XPU is touched. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.retry?.cancel();
    this.check?.cancel();
    await this.running;
  }

  private run(): void {
    this.wanted = true;
    this.running ??= this.passes().finally(() => {
      this.running = undefined;
      if (this.wanted && !this.stopped) this.run();
    });
  }

  private async passes(): Promise<void> {
    try {
      while (this.wanted && !this.stopped) {
        this.wanted = false;
        this.retry?.cancel();
        this.retry = undefined;
        const result = await this.options.reconciler.apply();
        this.away = result.unreachable !== undefined;
        this.options.onPass?.(result);
        if (result.retryInMs !== undefined) this.scheduleRetry(result.retryInMs);
      }
    } catch (thrown) {
      this.stopped = true;
      this.options.onBug(thrown);
    }
  }

  private scheduleRetry(delayMs: number): void {
    if (this.stopped) return;
    this.retry = this.options.clock.after(delayMs, () => {
      this.retry = undefined;
      this.run();
    });
  }

  private scheduleCheck(): void {
    const everyMs = this.options.verifyEveryMs ?? VERIFY_EVERY_MS;
    if (everyMs === 0 || this.stopped) return;
    this.check = this.options.clock.after(everyMs, () => void this.verify());
  }

  private async verify(): Promise<void> {
    if (this.running === undefined && !(await this.options.reconciler.verify())) this.wake();
    this.scheduleCheck();
  }
}
