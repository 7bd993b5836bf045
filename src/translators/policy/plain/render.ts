/** Decision lists as SecurityPolicy rules, within what the target can hold. */
import type { Family } from '../../../base/ip.js';
import type { SecurityPolicySpec } from '../../../opi/objects/specs.js';
import { everything, isEverything, type Box } from './box.js';
import type { PlainCapabilities } from './capabilities.js';
import { cutBehindAll, type DecisionList, type Narrowing, type Step } from './decision-list.js';
import { flatCount, RuleWriter } from './rule-writer.js';
import { splitIcmp, splitProtocols } from './split.js';

/** A rendered list with a text that is equal for equal content alone, or why the list does not fit. */
export type Rendered =
  | {
      readonly spec: SecurityPolicySpec;
      readonly text: string;
      readonly narrowings: readonly Narrowing[];
    }
  | { readonly spec?: never; readonly reason: string };

/**
 * Renders a list without `pass`. A step that needs too many rules is left out if it allows, and denies more if it
 * denies: both only turn verdicts into deny.
 */
export function render(list: DecisionList, family: Family, limits: PlainCapabilities): Rendered {
  const format = limits.compactRules ? 'COMPACT' : 'FLATTENED';
  const split = splitProtocols(cutBehindAll(list));
  const { steps } = limits.compactRules ? split : splitIcmp(split);
  const narrowings: Narrowing[] = [];
  const rules = new RuleWriter(format, family);
  for (const step of withEnd(steps, list, family)) {
    const fitting = limits.compactRules ? step : fit(step, limits.rulesPerRuleMax, narrowings);
    if (fitting === undefined) continue;
    const reason = beyond(rules.countWith(fitting), rules.entriesWith(fitting), limits);
    if (reason !== undefined) return { reason };
    rules.write(fitting);
  }
  return { ...rules.done(), narrowings };
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
