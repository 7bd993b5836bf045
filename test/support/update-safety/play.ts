/** Plays a story through store, translator and reconciler against a fake XPU, and looks after every single call. */
import { DesiredStore } from '../../../src/desired/store.js';
import { toDeltas } from '../../../src/driver/envelope.js';
import { decodeToDataplane } from '../../../src/driver/message.js';
import { NEWEST_CALICO } from '../../../src/model/calico-version.js';
import { FakeTarget, WRITE_METHODS } from '../../../src/opi/objects/fake-target.js';
import { ObjectNamer } from '../../../src/opi/objects/key.js';
import { dumpPlan, type PlanEntry } from '../../../src/opi/objects/plan.js';
import type { TargetCapabilities } from '../../../src/opi/objects/target.js';
import { Reconciler } from '../../../src/reconciler/reconciler.js';
import { ObjectNames } from '../../../src/translators/names.js';
import { defaultSettings } from '../../../src/translators/settings.js';
import { Translator } from '../../../src/translators/translator.js';
import { FakeClock } from '../../reconciler/support/fake-clock.js';
import type { Message } from '../felix/wire.js';
import { frameOf } from '../felix/wire.js';
import { session, type World } from '../felix/world.js';
import { changesBetween } from './changes.js';
import { failureOf, type Mishap, type Step, type Story } from './sequence.js';
import { SafetyWatch } from './watch.js';

const NODE = 'node-a';
const PASSES_MAX = 5;

/** Stories begin on a node that has its own addresses and no pod yet; how it got them is not watched. */
const BARE_NODE: Step = { world: {}, mishaps: [], restart: false };

/** What a story came to. */
export interface Outcome {
  readonly calls: number;
  /** Calls of the last step. */
  readonly callsAtLast: number;
  readonly looks: number;
}

/**
 * Plays a story. Throws the first packet that neither state lets pass, and where the XPU does not end as wanted. `Target`:
 * what stands in for the XPU.
 */
export async function playStory(story: Story, Target = FakeTarget): Promise<Outcome> {
  const player = new StoryPlayer(story, Target);
  await player.flush(BARE_NODE);
  player.isWatched = true;
  for (const step of story.steps) await player.flush(step);
  const { callsAtLast } = player;
  await player.end();
  return { calls: player.calls, callsAtLast, looks: player.watch.looks };
}

class StoryPlayer {
  calls = 0;
  readonly watch: SafetyWatch;
  private readonly target: FakeTarget;
  private readonly store = new DesiredStore();
  private readonly translator: Translator;
  private readonly clock = new FakeClock();
  private readonly batchBytesMax: number | undefined;
  private reconciler: Reconciler;
  private world: World | undefined;
  private mishaps: Mishap[] = [];
  isWatched = false;
  /** Calls since the last flush began. */
  callsAtLast = 0;

  constructor({ target, limits, batchBytesMax, probes }: Story, Target: typeof FakeTarget) {
    this.batchBytesMax = batchBytesMax;
    const level = target === 'native' ? 'native' : 'plain';
    const compactRules = target !== 'flattened';
    const capabilities: TargetCapabilities = { level, compactRules, limits, features: [] };
    this.translator = new Translator(defaultSettings(NODE), capabilities);
    const names = new ObjectNames(NODE);
    this.watch = new SafetyWatch(probes, {
      extension: level === 'native',
      vnicOf: (pod) => names.vnic(pod.replace('default/', 'cali')).id,
    });
    this.target = new Target({
      level,
      compactRules,
      limits,
      latency: (method) => Promise.resolve(this.beforeCall(method)),
    });
    this.target.observe(({ method, operations, error }) => {
      if (!this.isWatched || !WRITE_METHODS.includes(method)) return;
      const result = error === undefined ? '' : ` => ${error}`;
      this.watch.look(this.target.entries(), `${method} ${operations.join('; ')}${result}`);
    });
    this.reconciler = this.newReconciler();
  }

  async flush({ world, mishaps, restart }: Step): Promise<void> {
    const first = this.world === undefined;
    this.fold(first ? session(world) : changesBetween(this.world ?? {}, world), first);
    this.world = world;
    this.mishaps = [...mishaps];
    this.callsAtLast = 0;
    const dirty = this.store.takeDirty();
    const { state } = this.store;
    if (dirty === undefined || state === undefined) return;
    const delta = this.translator.translate(state, dirty);
    this.watch.want(copyOf(this.translator.plan()));
    if (first) this.reconciler.replacePlan(this.translator.plan());
    else this.reconciler.plan(delta);
    await this.settle();
    if (restart) this.reconciler = this.newReconciler();
    if (restart) this.reconciler.replacePlan(this.translator.plan());
  }

  /** Nothing goes wrong any more: the XPU must end as wanted, as far as its tables have room. */
  async end(): Promise<void> {
    this.mishaps = [];
    this.reconciler = this.newReconciler();
    this.reconciler.replacePlan(this.translator.plan());
    const isWhole = await this.settle();
    if (isWhole && this.target.dump() !== dumpPlan(this.translator.plan())) {
      throw new Error('the XPU is not as wanted in the end');
    }
  }

  /** Passes until nothing is left to do; true if the XPU is as wanted. */
  private async settle(): Promise<boolean> {
    for (let pass = 0; pass < PASSES_MAX; pass += 1) {
      const { pending, failed, retryInMs } = await this.reconciler.apply();
      const [violation] = this.watch.violations;
      if (violation !== undefined) throw new Error(violation);
      if (pending === 0 && failed === 0 && retryInMs === undefined) {
        this.watch.settled();
        return true;
      }
      this.clock.advance(retryInMs ?? 0);
    }
    return false;
  }

  private fold(messages: readonly Message[], first: boolean): void {
    if (first) this.store.beginSession();
    for (const [index, message] of messages.entries()) {
      const decoded = decodeToDataplane(frameOf(message, index));
      for (const delta of toDeltas(decoded, NEWEST_CALICO)) this.store.fold(delta);
    }
  }

  private beforeCall(method: Parameters<FakeTarget['failNext']>[0]): void {
    const at = this.callsAtLast;
    this.callsAtLast += 1;
    this.calls += 1;
    for (const mishap of this.mishaps) {
      if (mishap.at === at) this.target.failNext(method, failureOf(mishap, method));
    }
  }

  private newReconciler(): Reconciler {
    const { target, clock, batchBytesMax: bytes } = this;
    const limits = bytes === undefined ? {} : { pieceBytesMax: bytes, atomicBytesMax: bytes };
    const namer = new ObjectNamer(NODE);
    return new Reconciler({ target, namer, clock, limits, random: () => 0.5 });
  }
}

/** Memberships of a plan move on with the state: these do not. */
function copyOf(plan: Iterable<PlanEntry>): PlanEntry[] {
  return [...plan].map((entry) =>
    entry.members === undefined ? entry : { ...entry, members: new Set(entry.members) },
  );
}
