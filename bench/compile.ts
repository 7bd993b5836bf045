/**
 * Translation alone, in this process: how long a node's policy takes to compile and what it becomes on each kind of target, and
 * what one change costs. Processor time, not the clock: the work is one thread's, and a busy machine must not change the figure.
 */
import { DesiredStore } from '../src/desired/store.js';
import { encodeFrame } from '../src/driver/frame.js';
import { FelixSession } from '../src/driver/session.js';
import type { PlanDelta, PlanEntry } from '../src/opi/objects/plan.js';
import type { AnyObject } from '../src/opi/objects/specs.js';
import type { TargetCapabilities } from '../src/opi/objects/target.js';
import { defaultSettings } from '../src/translators/settings.js';
import { Translator } from '../src/translators/translator.js';
import { type ClusterSize, editedPolicy, LARGE, oneMember, snapshot } from './cluster.js';
import { median, type Report } from './report.js';

const NATIVE: TargetCapabilities = {
  level: 'native',
  compactRules: true,
  bootId: 'bench',
  limits: {},
  features: [],
};
const COMPACT: TargetCapabilities = {
  level: 'plain',
  compactRules: true,
  limits: {},
  features: [],
};
const FLATTENED: TargetCapabilities = { ...COMPACT, compactRules: false };

const TARGETS = [
  ['native', NATIVE],
  ['plain compact', COMPACT],
  ['plain flattened', FLATTENED],
] as const;

/** 250 endpoints that 50 policies of 20 rules in 3 tiers select. */
const STACKS: ClusterSize = {
  policies: 50,
  rulesPerPolicy: 20,
  endpoints: 250,
  members: 1_000,
  policiesPerEndpoint: 50,
  tiers: 3,
  bigSetEvery: 50,
};
/** The same with another choice of policies for every endpoint. */
const DIFFERENT_STACKS: ClusterSize = { ...STACKS, policies: 12_500 };
const BIG_SET: ClusterSize = { ...STACKS, members: 100_000 };
const MANY_POLICIES: ClusterSize = { ...LARGE, members: 1_000 };

const ROUNDS = 40;
const RULES = 'rules in them';

/** Measures and reports. */
export function run(report: Report): Promise<void> {
  for (const [target, capabilities] of TARGETS) {
    compile(`${target}: 250 endpoints x 50 policies x 20 rules`, STACKS, capabilities, report);
    compile(`${target}: the same, no two stacks alike`, DIFFERENT_STACKS, capabilities, report);
  }
  for (const [target, capabilities] of TARGETS) {
    const name = `${target}: one policy edited among 12k, 250 endpoints`;
    change(name, MANY_POLICIES, capabilities, report, (round, sequence) =>
      editedPolicy(round % 50, 2_000 + round, sequence, MANY_POLICIES),
    );
  }
  for (const [target, capabilities] of TARGETS) {
    const name = `${target}: one policy edited that 250 endpoints share`;
    change(name, STACKS, capabilities, report, (round, sequence) =>
      editedPolicy(round % 50, 2_000 + round, sequence, STACKS),
    );
  }
  for (const [target, capabilities] of TARGETS.slice(0, 2)) {
    const name = `${target}: one member into a set of 100k, used by 250 endpoints`;
    change(name, BIG_SET, capabilities, report, (round, sequence) =>
      oneMember(round >> 1, sequence, round % 2 === 1),
    );
  }
  return Promise.resolve();
}

function compile(
  name: string,
  size: ClusterSize,
  capabilities: TargetCapabilities,
  report: Report,
): void {
  const node = new Node(capabilities);
  node.receive(snapshot(size));
  report(name, node.translate().ms / 1000, 's');
  const counts = countsOf(node.translator.plan());
  for (const [kind, count] of counts) report(`  ${kind}`, count, kind === RULES ? '' : 'objects');
  report('  narrowings', node.translator.degradations().length, 'told');
}

function change(
  name: string,
  size: ClusterSize,
  capabilities: TargetCapabilities,
  report: Report,
  make: (round: number, sequence: number) => Uint8Array,
): void {
  const node = new Node(capabilities);
  node.receive(snapshot(size));
  node.translate();
  const changes = Array.from({ length: ROUNDS }, (_, round) => {
    node.receive([make(round, node.frames)]);
    return node.translate();
  });
  report(name, median(changes.map(({ ms }) => ms)), 'ms median');
  report(
    '  objects written',
    median(changes.map(({ delta }) => written(delta))),
    'of ' + String(node.objects),
  );
}

/** A stream, the state it leads to, and its translation. */
class Node {
  readonly translator: Translator;
  frames = 0;
  private readonly session = new FelixSession();
  private readonly store = new DesiredStore();

  constructor(capabilities: TargetCapabilities) {
    this.translator = new Translator(defaultSettings('node-a'), capabilities);
    this.store.beginSession();
  }

  /** Objects in the plan. */
  get objects(): number {
    return [...this.translator.plan()].length;
  }

  receive(bodies: readonly Uint8Array[]): void {
    for (const body of bodies) this.session.append(encodeFrame(body));
    this.frames += bodies.length;
    for (let frame = this.session.next(); frame !== undefined; frame = this.session.next()) {
      for (const delta of frame.deltas) this.store.fold(delta);
    }
  }

  /** Milliseconds of processor time of one translation, and what it wrote. */
  translate(): { readonly ms: number; readonly delta: PlanDelta } {
    const dirty = this.store.takeDirty();
    const { state } = this.store;
    if (dirty === undefined || state === undefined) throw new Error('nothing to translate');
    const before = process.cpuUsage();
    const delta = this.translator.translate(state, dirty);
    const { user, system } = process.cpuUsage(before);
    return { ms: (user + system) / 1000, delta };
  }
}

function written({ upserts, removals, members }: PlanDelta): number {
  return upserts.length + removals.length + members.length;
}

/** Objects that hold policy, by kind, and the rules in them. */
function countsOf(plan: Iterable<PlanEntry>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { object } of plan) {
    const rules = rulesOf(object);
    if (rules === undefined) continue;
    const { kind } = object.key;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    counts.set(RULES, (counts.get(RULES) ?? 0) + rules);
  }
  return counts;
}

/** Rules an object holds; `undefined` if it is not about policy. */
function rulesOf({ key, spec }: AnyObject): number | undefined {
  if ('ingressRules' in spec) return spec.ingressRules.length + spec.egressRules.length;
  if ('rules' in spec) return spec.rules.length;
  return key.kind === 'policyBinding' || key.kind === 'addressGroup' ? 0 : undefined;
}
