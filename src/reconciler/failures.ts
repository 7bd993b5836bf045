/** What the XPU refused, why, and when it is worth another try. */
import { backoffDelay, type BackoffLimits } from '../base/backoff.js';
import type { Clock } from '../base/clock.js';
import type { OpiError, OpiErrorCode } from '../opi/objects/errors.js';
import { parseKeyText, type KeyText, type ObjectKind } from '../opi/objects/key.js';
import { RetryQueue } from './retry-queue.js';
import type { FailureReason, ReconcilerLimits, WriteOp } from './types.js';

/**
 * What an error says about the next step:
 * - `unreachable`: the outcome is unknown; read again before deciding.
 * - `surprise`: the XPU's state is not what we took it for; read again.
 * - `busy`: try the same again later.
 * - `full`: a table has no room; try again slowly.
 * - `refused`: the same spec will never be taken.
 */
export type Verdict = 'unreachable' | 'surprise' | 'busy' | 'full' | 'refused';

const VERDICTS: Record<OpiErrorCode, Verdict> = {
  UNAVAILABLE: 'unreachable',
  DENIED: 'unreachable',
  NOT_FOUND: 'surprise',
  ALREADY_EXISTS: 'surprise',
  PRECONDITION: 'surprise',
  CONFLICT: 'busy',
  EXHAUSTED: 'full',
  INVALID: 'refused',
  UNSUPPORTED: 'refused',
  UNKNOWN: 'refused',
};

/** What an error of the port means for the write that met it. */
export function verdictOf(code: OpiErrorCode): Verdict {
  return VERDICTS[code];
}

/** Surprises in a row that count as a refusal: reading again did not help. */
export const SURPRISES_MAX = 3;

/** A failed write. */
export interface Failure {
  readonly op: WriteOp;
  readonly code: OpiErrorCode;
  readonly message: string;
  readonly since: number;
  readonly attempts: number;
  /** Absent: the same spec is not tried again. */
  readonly retryAt?: number;
  /** What depends on this object must not stay open in its old state. */
  readonly closing: boolean;
}

/** Why a due write is not even tried. */
export interface Obstacle {
  readonly why: FailureReason;
  /** Its cause was refused: what packets see of it must be closed. Otherwise the old state holds meanwhile. */
  readonly closing: boolean;
  /** It will not go away without a change of the plan. */
  readonly lasting: boolean;
}

/** Failures and obstacles by object. */
export class FailureBook {
  readonly failures = new Map<KeyText, Failure>();
  private readonly closures = new Map<KeyText, Set<string>>();
  private readonly obstacles = new Map<KeyText, Obstacle>();
  private readonly blockedNow = new Set<KeyText>();
  private readonly queue = new RetryQueue<KeyText>();
  private readonly roomIn = new Set<ObjectKind>();
  private readonly clock: Clock;
  private readonly limits: ReconcilerLimits;
  private readonly random: () => number;

  constructor(clock: Clock, limits: ReconcilerLimits, random: () => number) {
    this.clock = clock;
    this.limits = limits;
    this.random = random;
  }

  /** Notes a failed write. Deletes are retried for ever, slowly where they were refused. */
  note(text: KeyText, op: WriteOp, error: OpiError): Failure {
    const before = this.failures.get(text);
    const attempts = (before?.attempts ?? 0) + 1;
    const pace = this.paceOf(verdictOf(error.code), op);
    const failure: Failure = {
      op,
      code: error.code,
      message: error.message,
      since: before?.since ?? this.clock.now(),
      attempts,
      closing: isClosing(verdictOf(error.code), attempts),
      ...(pace === undefined ? {} : { retryAt: this.later(pace, attempts) }),
    };
    this.failures.set(text, failure);
    this.closures.delete(text);
    if (failure.retryAt === undefined) this.queue.drop(text);
    else this.queue.set(text, failure.retryAt);
    return failure;
  }

  /** Objects that were not tried in the last round. */
  get blocked(): Iterable<KeyText> {
    return this.obstacles.keys();
  }

  /** Notes why an object is not tried in this round. */
  block(text: KeyText, obstacle: Obstacle): void {
    this.obstacles.set(text, obstacle);
    this.blockedNow.add(text);
  }

  /** An object of the kind was deleted: a table that had no room may have some. */
  noteRoom(kind: ObjectKind): void {
    this.roomIn.add(kind);
  }

  /** Writes that a full table refused are due at once where room was made since. */
  retryWhereRoom(): void {
    if (this.roomIn.size === 0) return;
    for (const [text, failure] of this.failures) {
      if (failure.code !== 'EXHAUSTED' || !this.roomIn.has(parseKeyText(text).kind)) continue;
      const retryAt = this.clock.now();
      this.failures.set(text, { ...failure, retryAt });
      this.queue.set(text, retryAt);
    }
    this.roomIn.clear();
  }

  /** A round ends: obstacles it did not meet again are gone. Gives the objects that are free of theirs. */
  endRound(): KeyText[] {
    const freed = [...this.obstacles.keys()].filter((text) => !this.blockedNow.has(text));
    for (const text of freed) this.obstacles.delete(text);
    this.blockedNow.clear();
    return freed;
  }

  /** A closed form was refused as well: `form` is its digest, or empty for the deletion of a binding. */
  noteRefusedClosure(text: KeyText, form: string): void {
    this.closures.set(text, (this.closures.get(text) ?? new Set()).add(form));
  }

  /** True if the form was refused since the object itself was last tried. */
  isRefusedClosure(text: KeyText, form: string): boolean {
    return this.closures.get(text)?.has(form) === true;
  }

  /** Forgets a failure: the write succeeded, or what is wanted changed. */
  clear(text: KeyText): void {
    this.obstacles.delete(text);
    this.closures.delete(text);
    if (this.failures.delete(text)) this.queue.drop(text);
  }

  /** Forgets everything: the XPU is another one. */
  clearAll(): void {
    for (const text of [...this.failures.keys()]) this.clear(text);
    this.obstacles.clear();
    this.closures.clear();
  }

  /** False while a failed write is not due again. */
  attemptable(text: KeyText): boolean {
    const failure = this.failures.get(text);
    if (failure === undefined) return true;
    return failure.retryAt !== undefined && failure.retryAt <= this.clock.now();
  }

  /** The failure of an object as the obstacle it is for others. */
  obstacleOf(text: KeyText): Obstacle | undefined {
    const failure = this.failures.get(text);
    if (failure === undefined) return this.obstacles.get(text);
    return {
      why: { code: failure.code, message: failure.message },
      closing: failure.closing,
      lasting: failure.retryAt === undefined,
    };
  }

  /** True if the object will not become as wanted without a change of the plan. */
  isLasting(text: KeyText): boolean {
    return this.obstacleOf(text)?.lasting === true;
  }

  /** Objects for which `isLasting` holds. */
  *lasting(): Generator<KeyText> {
    for (const text of this.failures.keys()) if (this.isLasting(text)) yield text;
    for (const text of this.obstacles.keys()) {
      if (!this.failures.has(text) && this.isLasting(text)) yield text;
    }
  }

  /** Another write is due for the object: what a surprise taught us is used up. */
  dueChanged(text: KeyText, op: WriteOp | undefined): void {
    const failure = this.failures.get(text);
    if (failure === undefined || failure.op === op) return;
    if (op === undefined || verdictOf(failure.code) === 'surprise') this.clear(text);
  }

  /** Clock time at which the next failed write is due. */
  nextRetryAt(): number | undefined {
    return this.queue.nextAt();
  }

  private later(pace: BackoffLimits, attempts: number): number {
    return this.clock.now() + Math.ceil(backoffDelay(attempts - 1, pace, this.random));
  }

  private paceOf(verdict: Verdict, op: WriteOp): BackoffLimits | undefined {
    if (verdict === 'full') return this.limits.retryFull;
    if (verdict !== 'refused') return this.limits.retry;
    return op === 'delete' ? this.limits.retryFull : undefined;
  }
}

function isClosing(verdict: Verdict, attempts: number): boolean {
  if (verdict === 'refused' || verdict === 'full') return true;
  return verdict === 'surprise' && attempts >= SURPRISES_MAX;
}
