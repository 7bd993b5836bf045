/** Whether a node's policy fits a target: what would be written, what is narrower, and what its tables have no room for. */
import { toTranslatorSettings } from '../../agent/translator-settings.js';
import { OBJECT_KINDS, type ObjectKey, type ObjectKind } from '../../opi/objects/key.js';
import type { PlanEntry } from '../../opi/objects/plan.js';
import type { TargetCapabilities } from '../../opi/objects/target.js';
import { LIMIT_NAMES, type LimitName } from '../../soft-xpu/store/limits.js';
import type { Degradation } from '../../translators/degradation.js';
import { ObjectNames } from '../../translators/names.js';
import { Translator } from '../../translators/translator.js';
import { portRules, type PortRules } from './port-rules.js';
import { RuleSources } from './rule-sources.js';
import type { ExplainSource } from './source.js';
import { sourceText } from './words.js';

/** Something that a table of the target has no room for. */
export interface Excess {
  readonly limit: LimitName;
  /** What the target holds. */
  readonly allowed: number;
  /** What is wanted: objects of the kind, rules of one policy, members of one group. */
  readonly wanted: number;
  /** The policy or set that is too large; absent where the kind as a whole is. */
  readonly what?: string;
}

/** The outcome of a dry run. */
export interface PolicyCheck {
  readonly source: string;
  readonly target: TargetCapabilities;
  /** Nothing is narrowed and everything has room. */
  readonly fits: boolean;
  /** Objects that would be there, by kind. */
  readonly objects: Readonly<Record<ObjectKind, number>>;
  readonly groups: {
    readonly count: number;
    readonly members: number;
    /** Members of the largest. */
    readonly largest: number;
  };
  readonly ports: readonly PortRules[];
  readonly degraded: readonly Degradation[];
  readonly excess: readonly Excess[];
}

/** How to check. */
export interface CheckOptions {
  readonly capabilities: TargetCapabilities;
  /** Most rules of one list on a plain target; default what the source's settings say. */
  readonly ruleBudget?: number | undefined;
}

/** Dry-runs the compiler. Nothing is written anywhere. */
export function checkPolicy(
  source: ExplainSource,
  { capabilities, ruleBudget = source.settings.ruleBudget }: CheckOptions,
): PolicyCheck {
  const settings = toTranslatorSettings({ ...source.settings, ruleBudget }, source.node);
  const names = new ObjectNames(settings.ownerId);
  const translator = new Translator(settings, capabilities);
  translator.translate(source.state, 'replaced');
  const plan = [...translator.plan()];
  const objects = countKinds(plan);
  const degraded = translator.degradations();
  const sources = new RuleSources(source.state, names);
  const excess = excessOf(plan, objects, capabilities.limits, (key) =>
    labelOf(key, source, names, sources),
  );
  return {
    source: source.name,
    target: capabilities,
    fits: degraded.length === 0 && excess.length === 0,
    objects,
    groups: groupFigures(plan),
    ports: portRules(plan, source.state, names),
    degraded,
    excess,
  };
}

function countKinds(plan: readonly PlanEntry[]): Record<ObjectKind, number> {
  const counts = Object.fromEntries(OBJECT_KINDS.map((kind) => [kind, 0])) as Record<
    ObjectKind,
    number
  >;
  for (const { object } of plan) counts[object.key.kind] += 1;
  return counts;
}

function groupFigures(plan: readonly PlanEntry[]): PolicyCheck['groups'] {
  const sizes = plan
    .filter(({ object }) => object.key.kind === 'addressGroup')
    .map(({ members }) => members?.size ?? 0);
  const members = sizes.reduce((sum, size) => sum + size, 0);
  return { count: sizes.length, members, largest: sizes.reduce((a, b) => Math.max(a, b), 0) };
}

function excessOf(
  plan: readonly PlanEntry[],
  objects: Readonly<Record<ObjectKind, number>>,
  limits: TargetCapabilities['limits'],
  label: (key: ObjectKey) => string,
): Excess[] {
  return LIMIT_NAMES.flatMap((limit): Excess[] => {
    const allowed = limits[limit];
    if (allowed === undefined) return [];
    if (limit !== 'groupMembers' && limit !== 'rulesPerPolicy') {
      const wanted = objects[limit];
      return wanted > allowed ? [{ limit, allowed, wanted }] : [];
    }
    const size = limit === 'groupMembers' ? membersOf : rulesOf;
    return plan
      .map((entry) => ({ wanted: size(entry), what: entry.object.key }))
      .filter(({ wanted }) => wanted > allowed)
      .map(({ wanted, what }) => ({ limit, allowed, wanted, what: label(what) }));
  });
}

function membersOf({ members }: PlanEntry): number {
  return members?.size ?? 0;
}

/** Rules of a policy, both directions together, as tables count them. */
function rulesOf({ object: { spec } }: PlanEntry): number {
  if ('ingressRules' in spec) return spec.ingressRules.length + spec.egressRules.length;
  return 'rules' in spec ? spec.rules.length : 0;
}

function labelOf(
  { kind, id }: ObjectKey,
  { state }: ExplainSource,
  names: ObjectNames,
  sources: RuleSources,
): string {
  if (kind === 'networkPolicy') return sourceText(sources.nameOf(id));
  const set = [...state.ipSets.values()].find((one) => names.group(one.id, one.type).id === id);
  return set === undefined ? `${kind}/${id}` : `IP set ${set.id}`;
}
