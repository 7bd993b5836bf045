/**
 * Decision lists: ordered boxes with an outcome each, the first that holds a packet decides. Tiers, profiles, stages and
 * their composition are one operation on them: `bind`, "where the list says X, go on with that list".
 */
import type { DegradationCode } from '../../degradation.js';
import type { RuleOrigin } from '../program.js';
import { contains, equalBoxes, intersect, isEverything, overlap, type Box } from './box.js';

/** `pass`: go on with what follows. A finished list has none. */
export type Outcome = 'allow' | 'deny' | 'pass';

/** One entry. */
export interface Step {
  readonly box: Box;
  readonly outcome: Outcome;
  /** Who decides, for rule names: printable ASCII. */
  readonly name: string;
  /** The Calico rule behind it, where there is one. */
  readonly rule?: RuleOrigin;
}

/** A list for packets of one family. */
export interface DecisionList {
  readonly steps: readonly Step[];
  readonly otherwise: Outcome;
  /** Who decides about what no step holds. */
  readonly name: string;
}

/** A narrowing, before it is known whose traffic it narrows. */
export interface Narrowing {
  readonly code: DegradationCode;
  readonly rule?: RuleOrigin;
  readonly reason: string;
}

/** A list with the narrowings made on the way to it. */
export interface Compiled {
  readonly list: DecisionList;
  readonly narrowings: readonly Narrowing[];
}

/** The list that says one thing about every packet. */
export function always(outcome: Outcome, name: string): DecisionList {
  return { steps: [], otherwise: outcome, name };
}

/** Steps of a list for the packets of one box; the last one holds what no other step does. */
export function restrict(list: DecisionList, box: Box): Step[] {
  const steps: Step[] = [];
  for (const step of list.steps) {
    const common = intersect(step.box, box);
    if (common === undefined) continue;
    steps.push({ ...step, box: common });
    if (contains(step.box, box)) return steps;
  }
  steps.push({ box, outcome: list.otherwise, name: list.name });
  return steps;
}

/**
 * Replaces `outcome` by the decision of `next`. Where a step's share of `next` would take the list beyond `stepsMax`,
 * the step denies, with a narrowing: denying is never wider, whatever `next` would have said.
 */
export function bind(
  first: Compiled,
  outcome: Outcome,
  next: Compiled,
  stepsMax: number,
): Compiled {
  const { list } = first;
  if (list.otherwise !== outcome && list.steps.every((step) => step.outcome !== outcome)) {
    return first;
  }
  const steps: Step[] = [];
  const narrowings = [...first.narrowings, ...next.narrowings];
  for (const [index, step] of list.steps.entries()) {
    if (step.outcome !== outcome) {
      steps.push(step);
      continue;
    }
    if (isEverything(step.box)) return { list: append(steps, next.list), narrowings };
    if (list.otherwise === outcome && reachesEnd(list, index)) continue;
    if (next.list.steps.length === 0) {
      steps.push({ ...step, outcome: next.list.otherwise });
      continue;
    }
    const copies = notShadowed(restrict(next.list, step.box), steps);
    if (steps.length + copies.length <= stepsMax) {
      steps.push(...copies);
      continue;
    }
    steps.push({ ...step, outcome: 'deny' });
    narrowings.push(tooManySteps(step, stepsMax));
  }
  if (list.otherwise === outcome) return { list: append(steps, next.list), narrowings };
  return { list: { ...list, steps }, narrowings };
}

/** Lists up to this many steps are searched for earlier steps that decide about all of a copy's packets. */
const SHADOW_SEARCH_MAX = 512;

function notShadowed(copies: readonly Step[], earlier: readonly Step[]): readonly Step[] {
  if (earlier.length > SHADOW_SEARCH_MAX) return copies;
  return copies.filter(({ box }) => !earlier.some((step) => contains(step.box, box)));
}

function append(steps: readonly Step[], next: DecisionList): DecisionList {
  if (steps.length === 0) return next;
  return { ...next, steps: [...steps, ...next.steps] };
}

/** True if a packet of the step falls through to the list's end should the step not be there. */
function reachesEnd(list: DecisionList, index: number): boolean {
  const step = list.steps[index];
  if (step === undefined) return true;
  return !list.steps
    .slice(index + 1)
    .some((later) => later.outcome !== step.outcome && overlap(later.box, step.box));
}

function tooManySteps(step: Step, stepsMax: number): Narrowing {
  return {
    code: 'budget',
    ...(step.rule === undefined ? {} : { rule: step.rule }),
    reason: `${step.name}: the product with the rules behind it exceeds ${stepsMax} rules; its packets are denied`,
  };
}

/** Joins two lists that must both allow. */
export function both(first: Compiled, second: Compiled, stepsMax: number): Compiled {
  return bind(first, 'allow', second, stepsMax);
}

/** The list for packets inside the given fields; all others get `allow`. */
export function onlyFor(list: DecisionList, inside: Box): DecisionList {
  const steps = list.steps.flatMap((step) => {
    const box = intersect(step.box, inside);
    return box === undefined ? [] : [{ ...step, box }];
  });
  if (list.otherwise === 'allow') return { ...list, steps };
  steps.push({ box: inside, outcome: list.otherwise, name: list.name });
  return { steps, otherwise: 'allow', name: list.name };
}

/** True if both say the same, step by step; names do not count. */
export function sameDecisions(a: DecisionList, b: DecisionList): boolean {
  if (a.otherwise !== b.otherwise || a.steps.length !== b.steps.length) return false;
  return a.steps.every((step, index) => {
    const other = b.steps[index];
    return other?.outcome === step.outcome && equalBoxes(step.box, other.box);
  });
}

/** Puts steps in front of a list. */
export function prepend(steps: readonly Step[], list: DecisionList): DecisionList {
  return steps.length === 0 ? list : { ...list, steps: [...steps, ...list.steps] };
}

/** Steps of a list of boxes with one outcome. */
export function stepsOf(
  boxes: readonly (Box | undefined)[],
  outcome: Outcome,
  name: string,
): Step[] {
  return boxes.flatMap((box) => (box === undefined ? [] : [{ box, outcome, name }]));
}

/** Drops what stands behind a step that holds all packets. */
export function cutBehindAll(list: DecisionList): DecisionList {
  const last = list.steps.findIndex((step) => isEverything(step.box));
  const step = list.steps[last];
  if (step === undefined) return list;
  return { steps: list.steps.slice(0, last + 1), otherwise: step.outcome, name: step.name };
}
