/** A reconciler over a fake XPU, a plan that can be moved from one state to another, and what must always hold. */
import { expect } from 'chai';
import {
  FakeTarget,
  WRITE_METHODS,
  type TargetMethod,
} from '../../../src/opi/objects/fake-target.js';
import {
  keyText,
  parseKeyText,
  type KeyText,
  type ObjectKey,
} from '../../../src/opi/objects/key.js';
import {
  dumpPlan,
  specText,
  type MemberDelta,
  type PlanEntry,
} from '../../../src/opi/objects/plan.js';
import { Reconciler } from '../../../src/reconciler/reconciler.js';
import type { ApplyResult, ReconcilerLimits } from '../../../src/reconciler/types.js';
import { FakeClock } from './fake-clock.js';
import { portViews } from './ports.js';
import { Vocabulary } from './words.js';

type LiveEntry = PlanEntry & { readonly members?: Set<string> };

/** Options of a world. */
export interface WorldOptions {
  readonly limits?: Partial<ReconcilerLimits>;
  readonly level?: 'native' | 'plain';
  /** What stands in for the XPU. Default FakeTarget. */
  readonly Target?: typeof FakeTarget;
  /** Called before each call of the XPU does its work. */
  readonly beforeCall?: (method: TargetMethod) => void;
  /** Every port must at any time have the policy of some plan so far, or be closed. Default true. */
  readonly checkPorts?: boolean;
  /** A successful write must change something. Default true. */
  readonly checkNeed?: boolean;
}

/** See the file head. Violations are thrown by `check` (never inside a call, where they would be taken for failures). */
export class World {
  readonly words = new Vocabulary();
  readonly clock = new FakeClock();
  readonly target: FakeTarget;
  reconciler: Reconciler;
  private readonly options: WorldOptions;
  private readonly plan = new Map<KeyText, LiveEntry>();
  private readonly allowed = new Map<string, Set<string>>();
  private readonly violations: string[] = [];
  private dumpBefore = '';

  constructor(options: WorldOptions = {}) {
    this.options = options;
    const { Target = FakeTarget } = options;
    this.target = new Target({
      level: options.level ?? 'native',
      latency: (method) => Promise.resolve(options.beforeCall?.(method)),
    });
    this.target.observe((call) => this.watch(call.method, call.error === undefined));
    this.allow('UPLINK', 'passes everything');
    this.reconciler = this.newReconciler();
  }

  /** Makes `text` (lines of words) the plan, told as one flush or as a whole new plan. */
  want(text: string, whole = false): void {
    const next = new Map(
      this.words.entries(text).map((entry) => [keyText(entry.object.key), entry]),
    );
    const removals: ObjectKey[] = [...this.plan.keys()]
      .filter((key) => !next.has(key))
      .map(parseKeyText);
    const upserts: PlanEntry[] = [];
    const members: MemberDelta[] = [];
    for (const key of removals) this.plan.delete(keyText(key));
    for (const [key, entry] of next) {
      const before = this.plan.get(key);
      const same = before !== undefined && specText(before.object) === specText(entry.object);
      if (whole || !same || before.members === undefined) this.plan.set(key, entry as LiveEntry);
      if (!same) upserts.push(entry);
      else if (!whole && before.members !== undefined) members.push(...moveMembers(before, entry));
    }
    this.allowPlan();
    if (whole) this.reconciler.replacePlan(this.plan.values());
    else this.reconciler.plan({ upserts, removals, members: members.filter(isChange) });
  }

  /** The plan as it is now. */
  wanted(): PlanEntry[] {
    return [...this.plan.values()];
  }

  /** Closed forms of the plan's bindings. */
  closedForms(): PlanEntry[] {
    return this.wanted().flatMap(({ closed }) =>
      closed?.key.kind === 'policyBinding' ? [{ object: closed, origins: [] }] : [],
    );
  }

  /** A new reconciler that knows nothing, given the whole plan. */
  restartAgent(): void {
    this.reconciler = this.newReconciler();
    this.reconciler.replacePlan(this.plan.values());
  }

  /** Passes, with the waiting between them, until nothing is left to try. */
  async settle(passesMax = 12): Promise<ApplyResult> {
    let result = await this.reconciler.apply();
    for (let pass = 1; result.retryInMs !== undefined && pass < passesMax; pass += 1) {
      this.clock.advance(result.retryInMs);
      result = await this.reconciler.apply();
    }
    this.check();
    return result;
  }

  /** The XPU must hold the plan, and writing must be over. */
  async expectConverged(): Promise<void> {
    this.check();
    expect(this.target.dump()).to.equal(dumpPlan(this.plan.values()));
    this.target.clearCalls();
    expect((await this.reconciler.apply()).writes).to.equal(0);
    this.restartAgent();
    await this.reconciler.apply();
    expect(this.target.writes).to.deep.equal([]);
    expect(this.reconciler.pending).to.equal(0);
  }

  /** Throws the first violation met so far. */
  check(): void {
    if (this.violations[0] !== undefined) throw new Error(this.violations[0]);
  }

  /** The data plane is born again; ports without policy are as they should be then. */
  restartXpu(): void {
    this.target.restart();
    this.dumpBefore = this.target.dump();
  }

  private newReconciler(): Reconciler {
    const { clock, target, options } = this;
    const limits = options.limits ?? {};
    return new Reconciler({ target, namer: this.words.namer, clock, limits, random: () => 0.5 });
  }

  private watch(method: TargetMethod, succeeded: boolean): void {
    if (this.options.checkPorts !== false) this.watchPorts(method);
    const dump = this.target.dump();
    const writes = WRITE_METHODS.includes(method) && method !== 'uploadMembers' && succeeded;
    if (writes && this.options.checkNeed !== false && dump === this.dumpBefore) {
      this.violations.push(`${method} wrote what was there: ${this.lastCall()}`);
    }
    this.dumpBefore = dump;
  }

  private watchPorts(method: TargetMethod): void {
    for (const [port, view] of portViews(this.target.entries())) {
      if (this.allowed.get(port)?.has(view) === true) continue;
      this.violations.push(`after ${method} ${this.lastCall()} port ${port} sees\n${view}`);
    }
  }

  private lastCall(): string {
    return this.words.inWords(this.target.calls.at(-1)?.operations.join('; ') ?? '');
  }

  private allowPlan(): void {
    for (const [port, view] of portViews(this.plan.values())) this.allow(port, view);
    for (const [port, view] of portViews(this.closedForms())) this.allow(port, view);
  }

  private allow(port: string, view: string): void {
    const views = this.allowed.get(port) ?? new Set();
    this.allowed.set(port, views.add(view));
  }
}

function moveMembers(live: LiveEntry, wanted: PlanEntry): MemberDelta[] {
  const view = live.members ?? new Set();
  const next = wanted.members ?? new Set();
  const added = [...next].filter((member) => !view.has(member));
  const removed = [...view].filter((member) => !next.has(member));
  for (const member of added) view.add(member);
  for (const member of removed) view.delete(member);
  return [{ key: live.object.key as ObjectKey<'addressGroup'>, added, removed }];
}

function isChange({ added, removed }: MemberDelta): boolean {
  return added.length + removed.length > 0;
}
