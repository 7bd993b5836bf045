/** Decision lists as SecurityPolicy rules, within what the target can hold. */
import type { Family } from '../../../base/ip.js';
import type { SecurityRuleSpec } from '../../../opi/objects/match.js';
import type { SecurityPolicySpec } from '../../../opi/objects/specs.js';
import { everything, isEverything, PROTOCOLS, type Box } from './box.js';
import type { PlainCapabilities } from './capabilities.js';
import { simplify, type DecisionList, type Narrowing, type Step } from './decision-list.js';
import { entriesOf, icmpEntriesOf, portEntriesOf } from './entries.js';
import { splitIcmp, splitProtocols } from './split.js';

/** A rendered list, or why it does not fit. */
export type Rendered =
  | { readonly spec: SecurityPolicySpec; readonly narrowings: readonly Narrowing[] }
  | { readonly spec?: never; readonly reason: string };

/** Fields of a rule that come from a box. */
type RuleMatch = Omit<SecurityRuleSpec, 'ruleName' | 'priority' | 'action' | 'terminating'>;

/** Lists up to this many steps are searched for steps that can never decide. */
const SHADOW_SEARCH_MAX = 512;

/**
 * Renders a list without `pass`. A step that needs too many rules is left out if it allows, and denies more if it
 * denies: both only turn verdicts into deny.
 */
export function render(list: DecisionList, family: Family, limits: PlainCapabilities): Rendered {
  const split = splitProtocols(simplify(list, SHADOW_SEARCH_MAX));
  const { steps } = limits.compactRules ? split : splitIcmp(split);
  const narrowings: Narrowing[] = [];
  const rules: SecurityRuleSpec[] = [];
  const names = new NameCounter();
  let entries = 0;
  for (const step of withEnd(steps, list, family)) {
    const fitting = limits.compactRules ? step : fit(step, limits.rulesPerRuleMax, narrowings);
    if (fitting === undefined) continue;
    entries += fitting.box.source.rangeCount + fitting.box.destination.rangeCount;
    const count = rules.length + (limits.compactRules ? 1 : flatCount(fitting.box));
    const reason = beyond(count, entries, limits);
    if (reason !== undefined) return { reason };
    const matches = limits.compactRules
      ? [compactMatch(fitting.box, family)]
      : flatMatches(fitting.box, family);
    for (const match of matches) rules.push(ruleOf(fitting, match, rules.length, names));
  }
  const format = limits.compactRules ? 'COMPACT' : 'FLATTENED';
  return { spec: { family, defaultAction: 'DENY', format, rules }, narrowings };
}

/** The policy's own default is deny; a list that ends in allow gets a last step. */
function withEnd(steps: readonly Step[], list: DecisionList, family: Family): readonly Step[] {
  const last = steps.at(-1);
  if (list.otherwise !== 'allow' || (last !== undefined && isEverything(last.box))) return steps;
  return [...steps, { box: everything(family), outcome: 'allow', name: list.name }];
}

function beyond(rules: number, entries: number, limits: PlainCapabilities): string | undefined {
  if (rules > limits.rulesPerListMax) {
    return `the list needs more than ${limits.rulesPerListMax} rules`;
  }
  if (entries > limits.entriesPerListMax) {
    return `the list needs more than ${limits.entriesPerListMax} address entries`;
  }
  return undefined;
}

function ruleOf(
  step: Step,
  match: RuleMatch,
  priority: number,
  names: NameCounter,
): SecurityRuleSpec {
  return {
    ruleName: names.unique(step.name),
    priority,
    action: step.outcome === 'allow' ? 'ALLOW' : 'DENY',
    terminating: true,
    ...match,
  };
}

function protocolOf(box: Box): { readonly protocol?: number } {
  return box.protocols === PROTOCOLS.full ? {} : { protocol: box.protocols.bounds[0] ?? 0 };
}

function compactMatch(box: Box, family: Family): RuleMatch {
  return {
    ...protocolOf(box),
    source: entriesOf(box.source, family),
    destination: entriesOf(box.destination, family),
    sourcePorts: portEntriesOf(box.sourcePorts),
    destinationPorts: portEntriesOf(box.destinationPorts),
    icmp: icmpEntriesOf(box.icmp),
  };
}

/** One match for each combination of one entry per field. */
function flatMatches(box: Box, family: Family): RuleMatch[] {
  const all = compactMatch(box, family);
  let matches: RuleMatch[] = [all];
  for (const field of ['source', 'destination', 'sourcePorts', 'destinationPorts'] as const) {
    if (all[field].length <= 1) continue;
    matches = matches.flatMap((match) =>
      all[field].map((entry) => ({ ...match, [field]: [entry] })),
    );
  }
  return matches;
}

function flatCount(box: Box): number {
  return (
    box.source.rangeCount *
    box.destination.rangeCount *
    box.sourcePorts.rangeCount *
    box.destinationPorts.rangeCount
  );
}

/** A step that needs at most `rulesMax` rules and allows nothing more; `undefined` = left out. */
function fit(step: Step, rulesMax: number, narrowings: Narrowing[]): Step | undefined {
  const count = flatCount(step.box);
  if (count <= rulesMax) return step;
  const effect = step.outcome === 'allow' ? 'the rule is left out' : 'the rule denies more';
  narrowings.push({
    code: 'budget',
    ...(step.rule === undefined ? {} : { rule: step.rule }),
    reason: `${step.name}: needs ${count} rules, more than ${rulesMax}; ${effect}`,
  });
  return step.outcome === 'allow' ? undefined : { ...step, box: widened(step.box, rulesMax) };
}

/** Replaces the fields with most ranges by single ranges that hold them. */
function widened(box: Box, rulesMax: number): Box {
  let wide = box;
  const fields = ['source', 'destination', 'sourcePorts', 'destinationPorts'] as const;
  const byRanges = [...fields].sort((a, b) => box[b].rangeCount - box[a].rangeCount);
  for (const field of byRanges) {
    if (flatCount(wide) <= rulesMax) break;
    wide = { ...wide, [field]: wide[field].hull() };
  }
  return wide;
}

/** Makes names unique within one list: the second use of a name gets `~2`. */
class NameCounter {
  private readonly used = new Map<string, number>();

  unique(name: string): string {
    const count = (this.used.get(name) ?? 0) + 1;
    this.used.set(name, count);
    return count === 1 ? name : `${name}~${count}`;
  }
}
