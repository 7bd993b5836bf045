/** How far our picture of the XPU can be trusted, and what must be read before the next write. */
import { backoffDelay } from '../base/backoff.js';
import type { Clock } from '../base/clock.js';
import type { OpiError } from '../opi/objects/errors.js';
import { EXTENSION_KINDS, type ObjectKind } from '../opi/objects/key.js';
import { SURPRISES_MAX, verdictOf } from './failures.js';
import type { FailureReason, ReconcilerLimits } from './types.js';

/** Calls without an answer in a row after which a pass ends: the XPU is gone, not one object. */
const SILENCES_MAX = 3;

/** State of trust across passes. */
export class Trust {
  /** Everything must be listed: cold start, another boot, a surprise. */
  adoptionDue = true;
  /** Kinds with writes of unknown outcome. */
  readonly doubts = new Set<ObjectKind>();
  /** The XPU must be asked whether it is the one we know. */
  probeDue = false;
  /** Boot id of the data plane that was adopted. */
  bootId: string | undefined;
  /** Set while the XPU does not answer. */
  unreachable: FailureReason | undefined;
  /** Clock time before which no batch is sent. */
  batchRetryAt = 0;
  private batchFailures = 0;
  private batchSurprises = 0;
  private silences = 0;
  private outages = 0;
  private outageRetryAt = 0;
  private readonly clock: Clock;
  private readonly limits: ReconcilerLimits;
  private readonly random: () => number;

  constructor(clock: Clock, limits: ReconcilerLimits, random: () => number) {
    this.clock = clock;
    this.limits = limits;
    this.random = random;
  }

  /** True if something must be read before the next write. */
  get readDue(): boolean {
    return this.adoptionDue || this.probeDue || this.doubts.size > 0;
  }

  /** True if the pass should start no more calls. */
  get stopped(): boolean {
    return this.silences >= SILENCES_MAX;
  }

  /** A new pass begins. */
  beginPass(): void {
    this.silences = 0;
  }

  /** A call was answered. */
  heard(): void {
    this.silences = 0;
  }

  /** A write of a kind got no answer. */
  doubt(kind: ObjectKind): void {
    this.silences += 1;
    this.doubts.add(kind);
  }

  /** The XPU holds something else than we thought. */
  surprise(): void {
    this.adoptionDue = true;
  }

  /** The XPU could not be read. */
  lost(error: OpiError): void {
    this.unreachable = { code: error.code, message: error.message };
    this.probeDue = true;
    this.outageRetryAt = this.later(this.outages);
    this.outages += 1;
  }

  /** The XPU was read as far as was due. */
  restored(bootId: string | undefined): void {
    this.bootId = bootId;
    this.adoptionDue = false;
    this.probeDue = false;
    this.doubts.clear();
    this.unreachable = undefined;
    this.outages = 0;
    this.outageRetryAt = 0;
  }

  /** A batch was applied. */
  batchDone(): void {
    this.heard();
    this.batchFailures = 0;
    this.batchSurprises = 0;
    this.batchRetryAt = 0;
  }

  /**
   * A batch failed as a whole. True if its operations have to be told apart: it was refused, or reading again did not
   * cure its surprises.
   */
  batchFailed(error: OpiError): boolean {
    const verdict = verdictOf(error.code);
    if (verdict === 'refused' || verdict === 'full') return true;
    if (verdict === 'unreachable') for (const kind of EXTENSION_KINDS) this.doubt(kind);
    if (verdict === 'surprise') {
      this.surprise();
      this.batchSurprises += 1;
      if (this.batchSurprises >= SURPRISES_MAX) return true;
      if (this.batchSurprises === 1) return false;
    }
    this.batchRetryAt = this.later(this.batchFailures);
    this.batchFailures += 1;
    return false;
  }

  /** Clock time at which something held back here may be tried again. */
  nextRetryAt(batchDue: boolean): number | undefined {
    if (this.unreachable !== undefined) return this.outageRetryAt;
    return batchDue && this.batchRetryAt > 0 ? this.batchRetryAt : undefined;
  }

  private later(attempt: number): number {
    return this.clock.now() + Math.ceil(backoffDelay(attempt, this.limits.retry, this.random));
  }
}
