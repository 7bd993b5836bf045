/** The reconciler: makes what is on the XPU equal to the plan. */
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import type { ObjectKey, ObjectNamer } from '../opi/objects/key.js';
import type { Origin, PlanDelta, PlanEntry } from '../opi/objects/plan.js';
import type { Target } from '../opi/objects/target.js';
import type {
  ApplyResult,
  ObjectStatus,
  OriginListener,
  OriginStatus,
  ReconcilerCounters,
  ReconcilerLimits,
} from './types.js';

/** What a reconciler is made of. */
export interface ReconcilerOptions {
  readonly target: Target;
  /** Tells our own objects from foreign ones. */
  readonly namer: ObjectNamer;
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly limits?: Partial<ReconcilerLimits>;
  /** 0..1, for backoff jitter. */
  readonly random?: () => number;
}

/** Makes the target equal the plan. One instance is the only writer of its owner's objects. */
export declare class Reconciler {
  constructor(options: ReconcilerOptions);
  /** Folds one flush into the wanted view. Cheap, no I/O; allowed while a pass runs. */
  plan(delta: PlanDelta): void;
  /** A whole new plan (first in-sync state, or a new session). From the first one on, left-overs of ours are swept. */
  replacePlan(entries: Iterable<PlanEntry>): void;
  /** One pass. Calls during a pass share one further pass. Never rejects for failures of the XPU: see the result. */
  apply(): Promise<ApplyResult>;
  /** Lists what is there and takes it for the acknowledged state. Rejects with `OpiError`. `apply` does it when needed. */
  adopt(): Promise<void>;
  /** Probes the XPU: true if it is the one we know. Otherwise (or if it does not answer) the next pass adopts again. */
  verify(): Promise<boolean>;
  objectStatus(key: ObjectKey): ObjectStatus;
  originStatus(origin: Origin): OriginStatus;
  /** Origins with anything pending or failed. */
  unready(): ReadonlyMap<Origin, OriginStatus>;
  /** Adds a listener; gives the function that removes it. */
  onOriginChange(listener: OriginListener): () => void;
  /** Objects not as wanted and not failed for good. */
  readonly pending: number;
  /** Resolves when no pass runs and nothing is pending. Objects refused for good do not count. */
  readonly idle: Promise<void>;
  readonly counters: ReconcilerCounters;
}
