/**
 * Fields that an OPI rule cannot hold as a set: it names one protocol or any, and FLATTENED one ICMP type (and code).
 * A step with such a set becomes one step per value; or, where fewer, steps that say for the missing values what the
 * rest of the list says, and then one step without the condition.
 */
import { ICMP, PROTOCOLS, type Box, type NumberSet } from './box.js';
import { restrict, type DecisionList, type Step } from './decision-list.js';
import { icmpEntriesOf } from './entries.js';
import { icmpSet } from './rule-boxes.js';

/** A field to be split. */
interface SplitField {
  readonly read: (box: Box) => NumberSet;
  readonly write: (box: Box, set: NumberSet) => Box;
  readonly full: NumberSet;
  /** True if one rule can hold the set, which is not full. */
  readonly single: (set: NumberSet) => boolean;
  /** Sets that one rule can hold, whose union is `set`. */
  readonly parts: (set: NumberSet) => NumberSet[];
  /** True if the box stays valid when the field is full. */
  readonly removable: (box: Box) => boolean;
}

const PROTOCOL_FIELD: SplitField = {
  read: (box) => box.protocols,
  write: (box, protocols) => ({ ...box, protocols }),
  full: PROTOCOLS.full,
  single: ({ bounds: [low = 0, end = 0, more] }) => more === undefined && end - low === 1,
  parts: (set) =>
    [...set.ranges()].flatMap(({ low, high }) =>
      Array.from({ length: high - low + 1 }, (_, index) =>
        PROTOCOLS.ofRanges([{ low: low + index, high: low + index }]),
      ),
    ),
  removable: (box) => box.sourcePorts.isFull && box.destinationPorts.isFull && box.icmp.isFull,
};

const ICMP_FIELD: SplitField = {
  read: (box) => box.icmp,
  write: (box, icmp) => ({ ...box, icmp }),
  full: ICMP.full,
  single: (set) => icmpEntriesOf(set).length === 1,
  parts: (set) => icmpEntriesOf(set).map(icmpSet),
  removable: () => true,
};

/** The same list with one protocol, or any, in every step. */
export function splitProtocols(list: DecisionList): DecisionList {
  return split(list, PROTOCOL_FIELD);
}

/** The same list with one ICMP type (and code), or any, in every step. */
export function splitIcmp(list: DecisionList): DecisionList {
  return split(list, ICMP_FIELD);
}

function split(list: DecisionList, field: SplitField): DecisionList {
  if (list.steps.every((step) => fits(step, field))) return list;
  const reversed: Step[] = [];
  for (const step of [...list.steps].reverse()) {
    if (fits(step, field)) {
      reversed.push(step);
      continue;
    }
    const parts = partsOf(step, field);
    const holes = holesOf(step, field, { ...list, steps: [...reversed].reverse() });
    if (holes !== undefined && holes.length + 1 < parts.length) {
      reversed.push({ ...step, box: field.write(step.box, field.full) }, ...holes.reverse());
    } else reversed.push(...parts.reverse());
  }
  return { ...list, steps: reversed.reverse() };
}

/** True if one rule can hold the step's field. */
function fits(step: Step, field: SplitField): boolean {
  const set = field.read(step.box);
  return set.isFull || field.single(set);
}

function partsOf(step: Step, field: SplitField): Step[] {
  const set = field.read(step.box);
  if (set.isFull) return [step];
  return field.parts(set).map((part) => ({ ...step, box: field.write(step.box, part) }));
}

/** What the rest of the list says about packets that the step leaves out only because of this field. */
function holesOf(step: Step, field: SplitField, rest: DecisionList): Step[] | undefined {
  if (!field.removable(step.box)) return undefined;
  const missing = field.read(step.box).complement();
  return restrict(rest, field.write(step.box, missing)).flatMap((hole) => partsOf(hole, field));
}
