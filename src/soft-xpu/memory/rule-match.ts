/** NetworkPolicy rules made ready for packets: texts parsed once per change, group members looked up by id per packet. */
import { parseCidr, type Family } from '../../base/ip.js';
import type {
  EndpointMatch,
  GroupRef,
  IcmpSpec,
  PolicyRuleSpec,
  PortRangeSpec,
} from '../../opi/objects/match.js';
import type { Address } from '../store/address.js';
import { IpPortMembers, PrefixMembers } from '../store/members.js';
import { PrefixSet } from '../store/prefix-set.js';
import type { RuleCounter } from './counters.js';
import { hasPorts, type Packet } from './packet.js';

/** Membership of a group by id; undefined only for a group that does not exist. */
export type GroupLookup = (id: string) => PrefixMembers | IpPortMembers | undefined;

/** One rule, compiled. */
export interface CompiledRule {
  readonly spec: PolicyRuleSpec;
  readonly source: CompiledSide;
  readonly destination: CompiledSide;
  readonly counter: RuleCounter;
}

/** One side of a rule, compiled. `undefined` prefix sets are no condition. */
export interface CompiledSide {
  readonly match: EndpointMatch;
  readonly prefixes: PrefixSet | undefined;
  readonly notPrefixes: PrefixSet | undefined;
}

/** Prepares a rule. */
export function compileRule(spec: PolicyRuleSpec, counter: RuleCounter): CompiledRule {
  return {
    spec,
    source: compileSide(spec.match.source),
    destination: compileSide(spec.match.destination),
    counter,
  };
}

/** True if every condition of the rule holds. */
export function ruleMatches(rule: CompiledRule, packet: Packet, groups: GroupLookup): boolean {
  const { match } = rule.spec;
  return (
    familyMatches(match.family, packet) &&
    (match.protocol === undefined || match.protocol === packet.protocol) &&
    match.notProtocol !== packet.protocol &&
    (match.icmp === undefined || icmpMatches(match.icmp, packet)) &&
    (match.notIcmp === undefined ||
      (packet.icmp !== undefined && !icmpMatches(match.notIcmp, packet))) &&
    sideMatches(rule.source, packet, packet.source, packet.sourcePort, groups) &&
    sideMatches(rule.destination, packet, packet.destination, packet.destinationPort, groups) &&
    match.ipPortGroups.every((group) =>
      holdsPort(group, packet, packet.destination, packet.destinationPort, groups),
    )
  );
}

/** True for an ICMP packet (of either family) of that type, and code if one is given. */
export function icmpMatches(wanted: IcmpSpec, { icmp }: Packet): boolean {
  if (icmp?.type !== wanted.type) return false;
  return wanted.code === undefined || icmp.code === wanted.code;
}

/** True if a port is in one of the ranges. */
export function inRanges(ranges: readonly PortRangeSpec[], port: number): boolean {
  return ranges.some(({ low, high }) => port >= low && port <= high);
}

/** Prefix set of canonical texts; undefined for no texts. */
export function prefixSetOf(texts: readonly string[]): PrefixSet | undefined {
  if (texts.length === 0) return undefined;
  return new PrefixSet(texts.flatMap((text) => parseCidr(text) ?? []));
}

function compileSide(match: EndpointMatch): CompiledSide {
  return {
    match,
    prefixes: prefixSetOf(match.prefixes),
    notPrefixes: prefixSetOf(match.notPrefixes),
  };
}

function familyMatches(family: Family | undefined, packet: Packet): boolean {
  return family === undefined || family === packet.family;
}

function sideMatches(
  side: CompiledSide,
  packet: Packet,
  address: Address,
  port: number,
  groups: GroupLookup,
): boolean {
  const { match } = side;
  return (
    (side.prefixes === undefined || side.prefixes.contains(address)) &&
    !side.notPrefixes?.contains(address) &&
    match.groups.every((group) => holdsAddress(group, address, groups)) &&
    !match.notGroups.some((group) => holdsAddress(group, address, groups)) &&
    portsMatch(match, packet, address, port, groups)
  );
}

function portsMatch(
  match: EndpointMatch,
  packet: Packet,
  address: Address,
  port: number,
  groups: GroupLookup,
): boolean {
  const { ports, namedPortGroups, notPorts, notNamedPortGroups } = match;
  const ported = hasPorts(packet);
  const inNamed = (refs: readonly GroupRef[]): boolean =>
    refs.some((group) => holdsPort(group, packet, address, port, groups));
  if (ports.length + namedPortGroups.length > 0) {
    if (!ported || !(inRanges(ports, port) || inNamed(namedPortGroups))) return false;
  }
  return !(ported && (inRanges(notPorts, port) || inNamed(notNamedPortGroups)));
}

function holdsAddress(group: GroupRef, address: Address, groups: GroupLookup): boolean {
  const members = groups(group.id);
  return members instanceof PrefixMembers && members.containsAddress(address);
}

function holdsPort(
  group: GroupRef,
  packet: Packet,
  address: Address,
  port: number,
  groups: GroupLookup,
): boolean {
  const members = groups(group.id);
  return (
    members instanceof IpPortMembers &&
    hasPorts(packet) &&
    members.containsPort(address, packet.protocol, port)
  );
}
