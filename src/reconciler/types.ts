/** What the reconciler tells about its work: states of objects and origins, results of a pass, limits, counters. */
import type { BackoffLimits } from '../base/backoff.js';
import type { ObjectKey, ObjectKind } from '../opi/objects/key.js';
import type { Origin } from '../opi/objects/plan.js';
import type { OpiErrorCode } from '../opi/objects/errors.js';

/** Why an object is not as wanted. */
export interface FailureReason {
  /** The server's refusal; `BLOCKED` = not tried, because something it refers to is missing or refused. */
  readonly code: OpiErrorCode | 'BLOCKED';
  /** One sentence for people, naming the object. */
  readonly message: string;
  /** `BLOCKED` only: the refusal that is waited for, where there is one. */
  readonly root?: OpiErrorCode;
}

/**
 * State of one object:
 * - `ready`: the XPU acknowledged exactly what is wanted.
 * - `pending`: a write is due (`op` says which); the old state holds until then.
 * - `failed`: the XPU refused the write. `retryAt` (clock milliseconds) is absent where the same spec is never retried.
 * - `absent`: neither wanted nor there.
 */
export type ObjectStatus =
  | { readonly state: 'ready'; readonly since: number }
  | { readonly state: 'pending'; readonly op: WriteOp; readonly since: number }
  | {
      readonly state: 'failed';
      readonly op: WriteOp;
      readonly since: number;
      readonly attempts: number;
      readonly why: FailureReason;
      readonly retryAt?: number;
    }
  | { readonly state: 'absent' };

/** What a pending object waits for. `members` = its spec is right, its membership is not. */
export type WriteOp = 'create' | 'update' | 'delete' | 'members';

/** State of everything an origin owns: `failed` if any object is, else `pending` if any is, else `ready`. */
export interface OriginStatus {
  readonly state: 'ready' | 'pending' | 'failed' | 'absent';
  /** Objects not yet as wanted (deletions included), at most one entry each. */
  readonly pending: readonly ObjectKey[];
  readonly failed: readonly { readonly key: ObjectKey; readonly why: FailureReason }[];
  /** A table of the XPU has no room for one of its objects, or for something that one waits for. */
  readonly tableFull: boolean;
}

/** Bounds of the reconciler's work. Every field has a default in `DEFAULT_LIMITS`. */
export interface ReconcilerLimits {
  /** Calls in flight at once. Default 16. */
  readonly concurrency: number;
  /** A piece of membership in one call, and what a batch may hold before it is cut. Bytes on the wire, default 1 MiB. */
  readonly pieceBytesMax: number;
  /** Size up to which changes that packets see stay in one batch even if they could be cut by port. Default 3 MiB. */
  readonly atomicBytesMax: number;
  /** Retry of failures that may pass by themselves. Default 200 ms to 30 s. */
  readonly retry: BackoffLimits;
  /** Retry where a table is full. Default 10 s to 300 s. */
  readonly retryFull: BackoffLimits;
  /** Rounds of one pass; more means that changes arrive faster than they can be written. Default 64. */
  readonly roundsMax: number;
}

/** Defaults of `ReconcilerLimits`. */
export const DEFAULT_LIMITS: ReconcilerLimits = {
  concurrency: 16,
  pieceBytesMax: 1 << 20,
  atomicBytesMax: 3 << 20,
  retry: { firstMs: 200, maxMs: 30_000 },
  retryFull: { firstMs: 10_000, maxMs: 300_000 },
  roundsMax: 64,
};

/** Outcome of one pass. */
export interface ApplyResult {
  /** Objects and memberships written (operations, not calls). */
  readonly writes: number;
  /** Writing calls made: single cloud calls, batches, uploads. */
  readonly calls: number;
  /** The pass listed the XPU and compared everything. */
  readonly adopted: boolean;
  /** Work left: objects not as wanted and not failed for good. */
  readonly pending: number;
  /** Objects the XPU refused, whether they are retried or not. */
  readonly failed: number;
  /** Milliseconds until a retry is due; absent = nothing to retry. 0 = more to do at once. */
  readonly retryInMs?: number;
  /** The XPU did not answer (or not to us); its state is read again before the next write. */
  readonly unreachable?: FailureReason;
}

/** Running totals since the reconciler was made. */
export interface ReconcilerCounters {
  /** Operations acknowledged, by kind and then by `create`, `update`, `delete`, `members`. */
  readonly writes: Readonly<
    Partial<Record<ObjectKind, Readonly<Partial<Record<WriteOp, number>>>>>
  >;
  /** Calls made, by method of the port, failed ones included. */
  readonly calls: Readonly<Record<string, number>>;
  /** Failed calls, by error code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly passes: number;
  readonly adoptions: number;
}

/** Told after a step of a pass or a plan call: every origin whose state changed, with its new state. */
export type OriginListener = (changed: ReadonlyMap<Origin, OriginStatus>) => void;
