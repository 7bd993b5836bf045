/**
 * The reconciler: makes what is on the XPU equal to the plan.
 *
 * Flushes are folded in at any time and cost no I/O; one pass at a time does the writing, in rounds of
 *
 *     cloud creates and updates -> extension batch -> cloud deletes
 *
 * so that new things are there before policy names them and old ones go after policy let go of them (make before break,
 * and a deleted endpoint is denied by its binding's deletion before its vNIC goes). Order within a phase follows the
 * references of the objects. What cannot be done in one round (a name that has to be released first) is done in the next.
 */
import type { Clock } from '../base/clock.js';
import { silentLogger, type Logger } from '../base/log.js';
import { keyText, type KeyText, type ObjectKey, type ObjectNamer } from '../opi/objects/key.js';
import type { Origin, PlanDelta, PlanEntry } from '../opi/objects/plan.js';
import type { Target } from '../opi/objects/target.js';
import { adoptAll, recover } from './adoption.js';
import { asOpiError, Caller } from './caller.js';
import { deleteCloudObjects, deleteMappings, writeCloudObjects, writeMappings } from './cloud.js';
import type { Core } from './core.js';
import { writeExtensionObjects } from './extension.js';
import { FailureBook } from './failures.js';
import { Origins } from './origins.js';
import { objectStatus } from './status.js';
import { Trust } from './trust.js';
import {
  DEFAULT_LIMITS,
  type ApplyResult,
  type ObjectStatus,
  type OriginListener,
  type OriginStatus,
  type ReconcilerCounters,
  type ReconcilerLimits,
} from './types.js';
import { Views } from './views.js';

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

/** Readings of the XPU in one pass; a further one has to wait for the next. */
const READINGS_MAX = 2;

/** A pass that got nowhere is not repeated sooner. */
const RETRY_MS_MIN = 10;

/** Makes the target equal the plan. One instance is the only writer of its owner's objects. */
export class Reconciler {
  private readonly core: Core;
  private readonly namer: ObjectNamer;
  private tail: Promise<unknown> = Promise.resolve();
  private queued: Promise<ApplyResult> | undefined;
  private busy = 0;
  private passes = 0;
  private adoptions = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(options: ReconcilerOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { clock, random = Math.random } = options;
    const failures = new FailureBook(clock, limits, random);
    const origins = new Origins((text) => objectStatus(this.core, text));
    this.namer = options.namer;
    this.core = {
      views: new Views(clock, {
        wantedChanged: (text) => failures.clear(text),
        dueChanged: (text, op) => {
          failures.dueChanged(text, op);
          origins.touch(text);
        },
        vanished: (text) => origins.own(text, []),
      }),
      failures,
      origins,
      trust: new Trust(clock, limits, random),
      caller: new Caller(options.target),
      clock,
      logger: options.logger ?? silentLogger,
      limits,
    };
  }

  /** Folds one flush into the wanted view. Cheap, no I/O; allowed while a pass runs, which takes it in its next round. */
  plan(delta: PlanDelta): void {
    for (const key of delta.removals) this.core.views.unwant(key);
    for (const entry of delta.upserts) this.want(entry);
    for (const change of delta.members) this.core.views.noteMembers(change);
    this.tell();
  }

  /**
   * A whole new plan: the first in-sync state, or that of a new session. From the first one on, objects that are ours
   * and not in the plan are deleted; before it only removals that `plan` named are.
   */
  replacePlan(entries: Iterable<PlanEntry>): void {
    const plan = [...entries];
    for (const { object, origins } of plan) this.core.origins.own(keyText(object.key), origins);
    this.core.views.replace(plan);
    this.tell();
  }

  /**
   * One pass: reads the XPU if that is due, then writes in rounds until nothing more can be done now. Calls made while a
   * pass runs share one further pass. Failures of the XPU never reject it: see the result.
   */
  apply(): Promise<ApplyResult> {
    this.queued ??= this.exclusively(() => {
      this.queued = undefined;
      return this.pass();
    });
    return this.queued;
  }

  /** Lists what is there and takes it for the acknowledged state. `apply` does so when it is due. Rejects with `OpiError`. */
  adopt(): Promise<void> {
    return this.exclusively(async () => {
      await adoptAll(this.core, this.namer);
      this.adoptions += 1;
      this.tell();
    });
  }

  /**
   * Probes the XPU: true if it is the one we know. If it is another one or does not answer, the next pass reads its state
   * before it writes. Call it from time to time: between writes nothing else notices a restarted XPU.
   */
  async verify(): Promise<boolean> {
    const { trust, caller } = this.core;
    try {
      const { bootId } = await caller.probe();
      if (!trust.adoptionDue && bootId !== trust.bootId) trust.adoptionDue = true;
    } catch (thrown) {
      trust.lost(asOpiError('probe', thrown));
    }
    return !trust.readDue;
  }

  /** State of one object. */
  objectStatus(key: ObjectKey): ObjectStatus {
    return objectStatus(this.core, keyText(key));
  }

  /** State of everything an origin owns. An origin whose objects are being deleted is `pending`, then `absent`. */
  originStatus(origin: Origin): OriginStatus {
    return this.core.origins.status(origin);
  }

  /** Origins with anything pending or failed. */
  unready(): ReadonlyMap<Origin, OriginStatus> {
    const { due } = this.core.views;
    const owners = this.core.origins.ownersOfAll([...due.cloud.keys(), ...due.extension.keys()]);
    return new Map([...owners].map((origin) => [origin, this.originStatus(origin)]));
  }

  /** Adds a listener; gives the function that removes it. It must not throw. */
  onOriginChange(listener: OriginListener): () => void {
    return this.core.origins.listen(listener);
  }

  /** Objects not as wanted and not failed for good. */
  get pending(): number {
    const { due } = this.core.views;
    let count = due.cloud.size + due.extension.size;
    for (const text of this.core.failures.lasting()) if (this.isDue(text)) count -= 1;
    return count;
  }

  /** Resolves when no pass runs and nothing is pending. Objects refused for good do not count. */
  get idle(): Promise<void> {
    if (this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** Running totals. */
  get counters(): ReconcilerCounters {
    const { passes, adoptions } = this;
    return { ...this.core.caller.totals(), passes, adoptions };
  }

  private want(entry: PlanEntry): void {
    this.core.origins.own(keyText(entry.object.key), entry.origins);
    this.core.views.want(entry);
  }

  private async pass(): Promise<ApplyResult> {
    const { caller, trust, limits } = this.core;
    const writesBefore = caller.writtenOperations;
    const callsBefore = caller.writingCalls;
    const adoptionsBefore = this.adoptions;
    this.passes += 1;
    trust.beginPass();
    let readings = 0;
    let rounds = 0;
    for (let more = true; more && rounds < limits.roundsMax; rounds += 1) {
      if (trust.readDue) {
        readings += 1;
        if (readings > READINGS_MAX || !(await this.read())) break;
      }
      more = await this.round();
    }
    this.tell();
    return {
      writes: caller.writtenOperations - writesBefore,
      calls: caller.writingCalls - callsBefore,
      adopted: this.adoptions > adoptionsBefore,
      ...this.outlook(rounds >= limits.roundsMax),
    };
  }

  private async read(): Promise<boolean> {
    try {
      if ((await recover(this.core, this.namer)) === 'adopted') this.adoptions += 1;
      this.tell();
      return true;
    } catch (thrown) {
      const error = asOpiError('adopt', thrown);
      this.core.trust.lost(error);
      this.core.logger.warn({ code: error.code }, `XPU cannot be read: ${error.message}`);
      return false;
    }
  }

  /** One round; true if another one may get further. */
  private async round(): Promise<boolean> {
    const { views, trust, caller, failures, origins } = this.core;
    if (views.due.cloud.size + views.due.extension.size === 0) return false;
    const before = caller.writtenOperations;
    const wasDue = trust.adoptionDue;
    await deleteMappings(this.core);
    if (!trust.stopped) await writeCloudObjects(this.core);
    const judged = !trust.stopped && (await writeExtensionObjects(this.core));
    if (!trust.stopped) await writeMappings(this.core);
    if (!trust.stopped) await deleteCloudObjects(this.core);
    failures.retryWhereRoom();
    if (judged) for (const text of failures.endRound()) origins.touch(text);
    this.tell();
    if (trust.stopped) return false;
    return caller.writtenOperations > before || (trust.adoptionDue && !wasDue);
  }

  private outlook(unfinished: boolean): Omit<ApplyResult, 'writes' | 'calls' | 'adopted'> {
    const { trust, failures, views, clock, limits } = this.core;
    const batchRetryAt = trust.nextRetryAt(views.due.extension.size > 0);
    const times = [failures.nextRetryAt(), batchRetryAt].filter((at) => at !== undefined);
    if (trust.readDue && times.length === 0) times.push(clock.now() + limits.retry.firstMs);
    const soonest = clock.now() + (unfinished ? 0 : RETRY_MS_MIN);
    const retryAt = unfinished ? soonest : Math.max(soonest, Math.min(...times));
    return {
      pending: this.pending,
      failed: this.failedCount(),
      ...(Number.isFinite(retryAt) ? { retryInMs: retryAt - clock.now() } : {}),
      ...(trust.unreachable === undefined ? {} : { unreachable: trust.unreachable }),
    };
  }

  private failedCount(): number {
    const { failures } = this.core;
    let count = failures.failures.size;
    for (const text of failures.blocked) {
      if (!failures.failures.has(text) && failures.obstacleOf(text)?.closing === true) count += 1;
    }
    return count;
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.busy += 1;
    const result = this.tail.then(work).finally(() => {
      this.busy -= 1;
      this.tell();
    });
    this.tail = result.catch(() => undefined);
    return result;
  }

  private tell(): void {
    this.core.origins.flush();
    if (!this.isIdle()) return;
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  private isIdle(): boolean {
    return this.busy === 0 && this.pending === 0 && !this.core.trust.adoptionDue;
  }

  private isDue(text: KeyText): boolean {
    return this.core.views.dueOf(text) !== undefined;
  }
}
