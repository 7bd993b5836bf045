/**
 * One NetworkPolicy rule as nft rules. A rule that tests addresses is written once per family. A condition that is a
 * choice of several goes into a chain of the rule's own, in which every condition that fails returns.
 */
import { FAMILIES, type Family } from '../../../base/ip.js';
import type {
  EndpointMatch,
  GroupRef,
  IcmpSpec,
  PolicyRuleSpec,
  RuleMatch,
} from '../../../opi/objects/match.js';
import { PROTOCOL } from '../../memory/packet.js';
import {
  inPorts,
  inPrefixes,
  is,
  not,
  ofFamily,
  protocolHasPorts,
  WITH_PORTS,
  type Clause,
  type Condition,
  type Side,
} from './expression.js';
import type { GroupConditions } from './groups.js';

/** Conditions of one line: the kernel takes 4095 bytes of a rule, and a masked IPv6 address in a set is some 140. */
const CONDITIONS_MAX = 16;

/** What matches and what then happens: lines for the policy's chain, and chains of the rule's own. */
export interface RuleText {
  readonly lines: readonly string[];
  readonly chains: readonly (readonly [string, readonly string[]])[];
}

/** What a matching packet meets, and what must follow in the policy's chain after a jump to a chain of the rule's own. */
export interface RuleVerdict {
  readonly statement: string;
  readonly afterJump?: string;
}

/** Writes a rule; `name` names its own chains. */
export function ruleText(
  { match }: PolicyRuleSpec,
  verdict: RuleVerdict,
  name: string,
  groups: GroupConditions,
): RuleText {
  const lines: string[] = [];
  const chains: [string, readonly string[]][] = [];
  for (const family of familiesOf(match)) {
    const clauses = clausesOf(match, family, groups);
    if (clauses === undefined) continue;
    const { inLine, apart } = arranged(clauses);
    const guard = [...(family === undefined ? [] : [ofFamily(family)]), ...inLine];
    if (apart.length === 0) {
      lines.push(sentence([...guard, verdict.statement]));
      continue;
    }
    const chain = `${name}/${family ?? 'any'}`;
    lines.push(sentence([...guard, `jump ${chain}`]));
    if (verdict.afterJump !== undefined) lines.push(verdict.afterJump);
    chains.push(...chainsOf(apart, verdict.statement, chain));
  }
  return { lines, chains };
}

/** `undefined` stands for both families at once: nothing in the match depends on the family. */
function familiesOf(match: RuleMatch): readonly (Family | undefined)[] {
  if (match.family !== undefined) return [match.family];
  const { source, destination, ipPortGroups, icmp, notIcmp } = match;
  const byFamily =
    icmp !== undefined ||
    notIcmp !== undefined ||
    ipPortGroups.length > 0 ||
    [source, destination].some(testsAddress);
  return byFamily ? FAMILIES : [undefined];
}

function testsAddress(side: EndpointMatch): boolean {
  const lists = [
    side.prefixes,
    side.notPrefixes,
    side.groups,
    side.notGroups,
    side.namedPortGroups,
    side.notNamedPortGroups,
  ];
  return lists.some(({ length }) => length > 0);
}

/** Every clause must hold; undefined if the rule cannot match packets of the family. */
function clausesOf(
  match: RuleMatch,
  family: Family | undefined,
  groups: GroupConditions,
): Clause[] | undefined {
  const all = new Clauses();
  if (match.protocol !== undefined) all.must(is('meta l4proto', `${match.protocol}`));
  if (match.notProtocol !== undefined) all.must(not(is('meta l4proto', `${match.notProtocol}`)));
  if (match.protocol !== undefined && match.protocol === match.notProtocol) return undefined;
  // Ports beside another protocol never match; nft reads some such rules back with a failed assertion.
  const ported = match.protocol === undefined || protocolHasPorts(match.protocol);
  if (match.ipPortGroups.length > 0 && !ported) return undefined;
  if (family !== undefined) {
    addIcmp(all, match, family);
    addAddresses(all, match.source, { family, side: 'saddr', groups });
    addAddresses(all, match.destination, { family, side: 'daddr', groups });
    for (const group of match.ipPortGroups) all.oneOf(groups.holdsPort(group, family, 'daddr'));
  }
  addPorts(all, match, match.source, { family, side: 'saddr', groups });
  addPorts(all, match, match.destination, { family, side: 'daddr', groups });
  return all.never ? undefined : all.clauses;
}

interface Place {
  readonly family: Family;
  readonly side: Side;
  readonly groups: GroupConditions;
}

/** Collects clauses. */
class Clauses {
  readonly clauses: Clause[] = [];
  never = false;

  must(condition: Condition | boolean): void {
    if (condition === false) this.never = true;
    else if (condition !== true) this.clauses.push([condition]);
  }

  oneOf(clause: Clause): void {
    if (clause.length === 0) this.never = true;
    else this.clauses.push(clause);
  }
}

/** Type and code are read as bytes: nft's own names for them forbid some pairs of protocol and family. */
function addIcmp(all: Clauses, { icmp, notIcmp, protocol }: RuleMatch, family: Family): void {
  if (icmp === undefined && notIcmp === undefined) return;
  const own = family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6;
  if (protocol === undefined) all.must(is('meta l4proto', `${own}`));
  else if (protocol !== own) all.never = true;
  if (icmp !== undefined) all.must(icmpIs(icmp));
  if (notIcmp !== undefined) all.must(not(icmpIs(notIcmp)));
}

function icmpIs({ type, code }: IcmpSpec): Condition {
  return code === undefined ? is('@th,0,8', `${type}`) : is('@th,0,16', `${type * 256 + code}`);
}

function addAddresses(all: Clauses, match: EndpointMatch, { family, side, groups }: Place): void {
  const { prefixes, notPrefixes } = match;
  if (prefixes.length > 0) all.must(inPrefixes(family, side, prefixes));
  const excluded = inPrefixes(family, side, notPrefixes);
  all.must(typeof excluded === 'boolean' ? !excluded : not(excluded));
  for (const group of match.groups) all.oneOf(groups.holdsAddress(group, family, side));
  for (const group of match.notGroups) {
    for (const held of groups.holdsAddress(group, family, side)) all.must(not(held));
  }
}

/** As `Place`; the family is not told where no group is asked. */
interface PortPlace extends Omit<Place, 'family'> {
  readonly family: Family | undefined;
}

function addPorts(
  all: Clauses,
  { protocol }: RuleMatch,
  match: EndpointMatch,
  place: PortPlace,
): void {
  const ported = protocol === undefined ? undefined : protocolHasPorts(protocol);
  if (match.ports.length + match.namedPortGroups.length > 0) {
    if (ported === undefined) all.must(is('meta l4proto', WITH_PORTS));
    else all.must(ported);
    all.oneOf(portConditions(match.ports, match.namedPortGroups, place));
  }
  if (ported === false) return;
  const excluded = portConditions(match.notPorts, match.notNamedPortGroups, place);
  for (const condition of excluded) {
    // A protocol without ports fulfils it, whatever stands where a port would be.
    if (ported === true) all.must(not(condition));
    else all.oneOf([not(is('meta l4proto', WITH_PORTS)), not(condition)]);
  }
}

function portConditions(
  ranges: EndpointMatch['ports'],
  named: readonly GroupRef[],
  { family, side, groups }: PortPlace,
): Condition[] {
  const inGroups =
    family === undefined ? [] : named.flatMap((group) => groups.holdsPort(group, family, side));
  return ranges.length === 0 ? inGroups : [inPorts(side, ranges), ...inGroups];
}

/** What a rule's line asks by itself, and what is left to chains of its own. */
function arranged(clauses: readonly Clause[]): {
  readonly inLine: readonly string[];
  readonly apart: readonly Clause[];
} {
  const single = clauses.flatMap((clause) => (clause.length === 1 ? clause : []));
  const tooMany = single.slice(CONDITIONS_MAX).map((condition) => [condition]);
  return {
    inLine: single.slice(0, CONDITIONS_MAX).map(({ holds }) => holds),
    apart: [...tooMany, ...clauses.filter(({ length }) => length > 1)],
  };
}

/** Chains that a packet leaves without a verdict unless every clause holds. A large choice leads on to a further chain. */
function chainsOf(
  clauses: readonly Clause[],
  statement: string,
  name: string,
): [string, readonly string[]][] {
  const chains: [string, readonly string[]][] = [];
  let lines: string[] = [];
  let chain = name;
  for (const clause of clauses) {
    if (clause.length <= CONDITIONS_MAX) {
      lines.push(unlessOneHolds(clause));
      continue;
    }
    const next = `${name}/${chains.length + 1}`;
    chains.push([
      chain,
      [...lines, ...clause.map(({ holds }) => sentence([holds, `goto ${next}`]))],
    ]);
    [chain, lines] = [next, []];
  }
  return [...chains, [chain, [...lines, statement]]];
}

function unlessOneHolds(clause: Clause): string {
  return sentence([...clause.map(({ fails }) => fails), 'return']);
}

function sentence(words: readonly string[]): string {
  return words.join(' ');
}
