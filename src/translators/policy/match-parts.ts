/** The parts of a rule's match: prefix lists, port lists, and for which families a rule exists. */
import { type Cidr, compareCidr, FAMILIES, type Family, parseCidr } from '../../base/ip.js';
import { compareText } from '../../model/ids.js';
import type { PortRange } from '../../model/policy.js';
import type { NormalSide } from './program.js';

/** A list read from text; `bad` is the first entry that is malformed. */
export interface ReadList<T> {
  readonly values: readonly T[];
  readonly bad?: string;
}

/** Prefix texts, sorted and without repeats. */
export function readPrefixes(texts: readonly string[]): ReadList<Cidr> {
  const values: Cidr[] = [];
  for (const text of texts) {
    const cidr = parseCidr(text);
    if (cidr === undefined) return { values: [], bad: text };
    values.push(cidr);
  }
  values.sort(compareCidr);
  return { values: values.filter((cidr, index) => !sameCidr(cidr, values[index - 1])) };
}

function sameCidr(a: Cidr, b: Cidr | undefined): boolean {
  return b !== undefined && compareCidr(a, b) === 0;
}

const PORT_MAX = 65535;

/** Port ranges merged to sorted, disjoint ones that do not touch. */
export function readPorts(ranges: readonly PortRange[]): ReadList<PortRange> {
  const bad = ranges.find(({ first, last }) => !isPort(first) || !isPort(last) || first > last);
  if (bad !== undefined) return { values: [], bad: `${bad.first}-${bad.last}` };
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const previous = merged.at(-1);
    if (previous === undefined || range.first > previous.last + 1) merged.push(range);
    else merged[merged.length - 1] = join(previous, range);
  }
  return { values: merged };
}

function join(a: PortRange, b: PortRange): PortRange {
  return { first: a.first, last: Math.max(a.last, b.last) };
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= PORT_MAX;
}

/** Ids sorted and without repeats. */
export function sortedIds<T extends string>(ids: readonly T[]): readonly T[] {
  return [...new Set(ids)].sort(compareText);
}

/**
 * Families a rule exists for: a non-empty list, negated ones included, that holds no prefix of a family takes the rule
 * from that family; so does a negated list that holds the whole family (felix-protocol: family filter).
 */
export function filteredFamilies(
  family: Family | undefined,
  sides: readonly Pick<NormalSide, 'nets' | 'notNets'>[],
): readonly Family[] {
  return FAMILIES.filter(
    (candidate) =>
      (family === undefined || family === candidate) &&
      sides.every(
        ({ nets, notNets }) =>
          holdsFamily(nets, candidate) &&
          holdsFamily(notNets, candidate) &&
          !notNets.some((cidr) => cidr.family === candidate && cidr.length === 0),
      ),
  );
}

function holdsFamily(list: readonly Cidr[], family: Family): boolean {
  return list.length === 0 || list.some((cidr) => cidr.family === family);
}
