/** Walks one route: messages as frames through the driver's session, desired state, translator and reconciler to a fake XPU. */
import { XpuLink } from '../../src/agent/xpu-link.js';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/log.js';
import { DesiredStore } from '../../src/desired/store.js';
import { encodeFrame } from '../../src/driver/frame.js';
import { decodeToDataplane, encodeToDataplane } from '../../src/driver/message.js';
import { FelixSession } from '../../src/driver/session.js';
import { OrderCheck } from '../../src/felix-sim/order.js';
import { FakeTarget, type FakeTargetOptions } from '../../src/opi/objects/fake-target.js';
import { ObjectNamer } from '../../src/opi/objects/key.js';
import { dumpPlan } from '../../src/opi/objects/plan.js';
import { defaultSettings } from '../../src/translators/settings.js';
import { Translator } from '../../src/translators/translator.js';
import type { Chance } from '../support/chance.js';
import type { Route } from './routes.js';
import { EMPTY, transition, type Message, type State, type StateList } from './states.js';

/** What stands at the end of a route. */
export interface Outcome {
  readonly plan: string;
  readonly xpu: string;
  /** Contradictions that the desired state saw, by what is wrong. */
  readonly problems: ReadonlyMap<string, number>;
  /** Writes of one more pass, with nothing changed. */
  readonly idleWrites: number;
}

const NODE = 'node-a';

/** Walks. */
export async function walk(
  route: Route,
  { config }: Pick<StateList, 'config'>,
  xpu: FakeTargetOptions,
  chance: Chance,
): Promise<Outcome> {
  const felix = new Walker(new FakeTarget(xpu));
  const arrange = <T>(messages: readonly T[]): readonly T[] => {
    if (route.within === 'reversed') return messages.toReversed();
    return route.within === 'shuffled' ? chance.shuffled(messages) : messages;
  };
  let at: State | undefined;
  for (const state of route.visits) {
    const begins = at === undefined || route.restarts;
    const told = transition(begins || at === undefined ? EMPTY : at, state).flatMap(arrange);
    if (begins) felix.begin(config);
    for (const message of begins ? [...told, { in_sync: {} }] : told) {
      felix.say(message);
      if (route.flush === 'after each message') await felix.flush();
    }
    if (route.flush === 'after each state') await felix.flush();
    at = state;
  }
  await felix.flush();
  return await felix.outcome();
}

/** One Felix, its driver and its XPU. */
class Walker {
  private readonly target: FakeTarget;
  private readonly store = new DesiredStore();
  private readonly link: XpuLink;
  private session = new FelixSession();
  private order = new OrderCheck();
  private said = 0;

  constructor(target: FakeTarget) {
    this.target = target;
    this.link = new XpuLink({
      target,
      namer: new ObjectNamer(NODE),
      clock: systemClock,
      logger: silentLogger,
      required: 'auto',
      translator: (capabilities) => new Translator(defaultSettings(NODE), capabilities),
      acquire: () => Promise.resolve(),
    });
  }

  begin(config: Message): void {
    this.store.beginSession();
    this.session = new FelixSession();
    this.order = new OrderCheck();
    this.said = 0;
    this.say(config);
  }

  say(message: Message): void {
    const body = encodeToDataplane({ ...message, sequence_number: this.said++ });
    this.order.next(decodeToDataplane(body).message);
    this.session.append(encodeFrame(body));
    for (let frame = this.session.next(); frame !== undefined; frame = this.session.next()) {
      for (const delta of frame.deltas) this.store.fold(delta);
    }
  }

  async flush(): Promise<void> {
    if (!(await this.link.ensure())) throw new Error(this.link.reason);
    const { state } = this.store;
    if (state === undefined) return;
    const dirty = this.store.takeDirty();
    if (dirty !== undefined) this.link.translate(state, dirty);
    for (let passes = 0; (await this.link.apply()).retryInMs !== undefined; passes++) {
      if (passes === 10) throw new Error('the XPU does not come to rest');
    }
  }

  async outcome(): Promise<Outcome> {
    const { target, link, store } = this;
    target.clearCalls();
    await this.flush();
    return {
      plan: dumpPlan(link.translator?.plan() ?? []),
      xpu: target.dump(),
      problems: store.problems.counts(),
      idleWrites: target.writes.length,
    };
  }
}
