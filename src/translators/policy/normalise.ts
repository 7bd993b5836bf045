/**
 * One Calico rule to one normalised rule: families, actions, protocols, prefixes, ports, ICMP (felix-protocol: rule
 * match, family filter). What cannot be read fails closed: an allow rule goes, a deny or pass rule denies more.
 */
import { FAMILIES, type Family } from '../../base/ip.js';
import type { IcmpMatch, Protocol, Rule, RuleSide } from '../../model/policy.js';
import type { DegradationCode } from '../degradation.js';
import { filteredFamilies, readPorts, readPrefixes, sortedIds } from './match-parts.js';
import type { NormalRule, NormalSide, RuleOrigin } from './program.js';

/** Why a rule is narrower than Calico asked for. */
export interface RuleProblem {
  readonly code: DegradationCode;
  readonly rule: RuleOrigin;
  readonly reason: string;
}

/** A normalised rule (`undefined`: it matches no packet, or was dropped) and what had to be narrowed. */
export interface Normalised {
  readonly rule: NormalRule | undefined;
  readonly problems: readonly RuleProblem[];
}

/** Normalises one rule. The HTTP part of a rule is not looked at: Calico's own data planes apply the L4 part alone. */
export function normaliseRule(rule: Rule, origin: RuleOrigin): Normalised {
  const reader = new RuleReader(origin);
  const wanted = reader.action(rule);
  const conditions = reader.conditions(rule);
  const action = reader.unreadable ? closedAction(wanted) : wanted;
  if (action === undefined || conditions.families.length === 0) {
    return { rule: undefined, problems: action === undefined ? reader.problems : [] };
  }
  return { rule: { origin, action, ...conditions }, problems: reader.problems };
}

/** A deny of everything that stands where `origin` stood. */
export function denyEverything(origin: RuleOrigin): NormalRule {
  return {
    origin,
    action: 'deny',
    families: FAMILIES,
    source: ANY_SIDE,
    destination: ANY_SIDE,
    destinationIpPortSets: [],
  };
}

/** A side without conditions; most rules share it. */
export const ANY_SIDE: NormalSide = {
  nets: [],
  notNets: [],
  ipSets: [],
  notIpSets: [],
  ports: [],
  namedPorts: [],
  notPorts: [],
  notNamedPorts: [],
};

/** What a rule does whose conditions could not all be read and are therefore missing from it. */
function closedAction(action: NormalRule['action']): NormalRule['action'] | undefined {
  return action === 'allow' || action === 'log' ? undefined : 'deny';
}

type Conditions = Omit<NormalRule, 'origin' | 'action'>;

/** Reads one rule and notes what it could not read; an unreadable condition is left out. */
class RuleReader {
  readonly problems: RuleProblem[] = [];
  unreadable = false;
  private readonly origin: RuleOrigin;

  constructor(origin: RuleOrigin) {
    this.origin = origin;
  }

  action(rule: Rule): NormalRule['action'] {
    if (rule.action !== 'unknown') return rule.action;
    const reason = `action ${JSON.stringify(rule.actionText)} is not known; the rule denies`;
    this.problems.push({ code: 'unknown-action', rule: this.origin, reason });
    return 'deny';
  }

  conditions(rule: Rule): Conditions {
    const protocol = this.protocol('protocol', rule.protocol);
    const notProtocol = this.protocol('not_protocol', rule.notProtocol);
    const icmp = this.icmp('icmp', rule.icmp);
    const notIcmp = this.icmp('not_icmp', rule.notIcmp);
    const source = this.side('src', rule.source);
    const destination = this.side('dst', rule.destination);
    const families = filteredFamilies(rule.family, [source, destination]);
    return {
      families,
      ...(protocol === undefined ? {} : { protocol }),
      ...(notProtocol === undefined ? {} : { notProtocol }),
      source: ofFamilies(source, families),
      destination: ofFamilies(destination, families),
      destinationIpPortSets: sortedIds(rule.destinationIpPortSets),
      ...(icmp === undefined ? {} : { icmp }),
      ...(notIcmp === undefined ? {} : { notIcmp }),
    };
  }

  private protocol(field: string, protocol: Protocol | undefined): number | undefined {
    if (protocol === undefined) return undefined;
    if (protocol.kind === 'number' && isByte(protocol.number)) return protocol.number;
    const text = protocol.kind === 'number' ? String(protocol.number) : protocol.name;
    return this.fail('unknown-protocol', `${field} ${JSON.stringify(text)} is not known`);
  }

  private icmp(field: string, icmp: IcmpMatch | undefined): IcmpMatch | undefined {
    if (icmp === undefined) return undefined;
    if (isByte(icmp.type) && (icmp.code === undefined || isByte(icmp.code))) return icmp;
    return this.fail('invalid', `${field} type ${icmp.type} code ${icmp.code} is out of range`);
  }

  private side(name: 'src' | 'dst', side: RuleSide): NormalSide {
    if (Object.values(side).every((list: readonly unknown[]) => list.length === 0)) return ANY_SIDE;
    return {
      nets: this.read(`${name}_net`, readPrefixes(side.nets)),
      notNets: this.read(`not_${name}_net`, readPrefixes(side.notNets)),
      ipSets: sortedIds(side.ipSets),
      notIpSets: sortedIds(side.notIpSets),
      ports: this.read(`${name}_ports`, readPorts(side.ports)),
      namedPorts: sortedIds(side.namedPorts),
      notPorts: this.read(`not_${name}_ports`, readPorts(side.notPorts)),
      notNamedPorts: sortedIds(side.notNamedPorts),
    };
  }

  /** A list that holds one bad entry is no condition any more: `unreadable` makes up for it. */
  private read<T>(
    field: string,
    list: { readonly values: readonly T[]; readonly bad?: string },
  ): readonly T[] {
    if (list.bad === undefined) return list.values;
    this.fail('invalid', `${field} ${JSON.stringify(list.bad)} is malformed`);
    return [];
  }

  private fail(code: DegradationCode, reason: string): undefined {
    this.unreadable = true;
    this.problems.push({ code, rule: this.origin, reason });
    return undefined;
  }
}

function ofFamilies(side: NormalSide, families: readonly Family[]): NormalSide {
  if (families.length === FAMILIES.length || side === ANY_SIDE) return side;
  const keep = (list: NormalSide['nets']) => list.filter(({ family }) => families.includes(family));
  return { ...side, nets: keep(side.nets), notNets: keep(side.notNets) };
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}
