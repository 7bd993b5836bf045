/** One normalised rule as boxes (felix-protocol: rule match). All boxes of a rule have its outcome. */
import { cidrRange, type Cidr, type Family } from '../../../base/ip.js';
import type { IpSetId } from '../../../model/ids.js';
import type { IcmpMatch, PortRange } from '../../../model/policy.js';
import type { NormalRule, NormalSide } from '../program.js';
import {
  addressDomain,
  everything,
  icmpProtocol,
  ICMP,
  narrow,
  PORT_PROTOCOLS,
  PORTS,
  protocolSet,
  PROTOCOLS,
  type AddressSet,
  type Box,
  type NumberSet,
} from './box.js';
import type { MemberSets, PortGroup } from './member-sets.js';

/** The boxes, or why there are none. `partial` boxes hold more than the rule: its readable conditions alone. */
export interface RuleBoxes {
  readonly boxes: readonly Box[];
  readonly problem?: { readonly code: 'invalid' | 'budget'; readonly reason: string };
}

/** A condition that is one of several boxes. */
type Alternatives = readonly Partial<Box>[];

/** Everything `boxesOf` collects while it reads a rule. */
interface Reader {
  readonly family: Family;
  readonly sets: MemberSets;
  problem: RuleBoxes['problem'] | undefined;
}

/**
 * Boxes of a rule for one family. With a `problem` the boxes leave out the conditions that could not be read, so they
 * hold at least what the rule matches: fit for a deny, never for an allow.
 * @param boxesMax beyond this count the rule's port conditions are left out, with a problem
 */
export function boxesOf(
  rule: NormalRule,
  family: Family,
  sets: MemberSets,
  boxesMax: number,
): RuleBoxes {
  if (!rule.families.includes(family)) return { boxes: [] };
  const reader: Reader = { family, sets, problem: undefined };
  const base = narrow(everything(family), {
    protocols: protocolsOf(rule, family),
    source: addressesOf(rule.source, reader),
    destination: addressesOf(rule.destination, reader),
    icmp: icmpOf(rule),
  });
  if (base === undefined) return { boxes: [] };
  let boxes: readonly Box[] = [base];
  for (const alternatives of portConditions(rule, reader)) {
    boxes = product(boxes, alternatives);
    if (boxes.length > boxesMax) {
      const reason = `the port conditions need more than ${boxesMax} rules`;
      return { boxes: [base], problem: { code: 'budget', reason } };
    }
  }
  return reader.problem === undefined ? { boxes } : { boxes, problem: reader.problem };
}

function product(boxes: readonly Box[], alternatives: Alternatives): Box[] {
  return boxes.flatMap((box) =>
    alternatives.flatMap((fields) => {
      const common = narrow(box, fields);
      return common === undefined ? [] : [common];
    }),
  );
}

function protocolsOf(rule: NormalRule, family: Family): NumberSet {
  let protocols = rule.protocol === undefined ? PROTOCOLS.full : protocolSet(rule.protocol);
  if (rule.notProtocol !== undefined) protocols = protocols.minus(protocolSet(rule.notProtocol));
  if (rule.icmp === undefined && rule.notIcmp === undefined) return protocols;
  return protocols.and(protocolSet(icmpProtocol(family)));
}

function icmpOf(rule: NormalRule): NumberSet {
  let icmp = rule.icmp === undefined ? ICMP.full : icmpSet(rule.icmp);
  if (rule.notIcmp !== undefined) icmp = icmp.minus(icmpSet(rule.notIcmp));
  return icmp;
}

/** ICMP values of a type, or of a type and code. */
export function icmpSet(match: IcmpMatch): NumberSet {
  const low = match.type * 256 + (match.code ?? 0);
  return ICMP.ofRanges([{ low, high: match.code === undefined ? low + 255 : low }]);
}

function addressesOf(side: NormalSide, reader: Reader): AddressSet {
  let addresses = addressDomain(reader.family).full;
  if (side.nets.length > 0) addresses = netsOf(side.nets, reader.family);
  for (const id of side.ipSets) addresses = addresses.and(netMembers(id, reader) ?? addresses);
  if (side.notNets.length > 0) addresses = addresses.minus(netsOf(side.notNets, reader.family));
  for (const id of side.notIpSets) {
    const members = netMembers(id, reader);
    if (members !== undefined) addresses = addresses.minus(members);
  }
  return addresses;
}

/** Union of the prefixes of one family. */
export function netsOf(nets: readonly Cidr[], family: Family): AddressSet {
  return addressDomain(family).ofRanges(
    nets.filter((net) => net.family === family).map((net) => cidrRange(net)),
  );
}

function netMembers(id: IpSetId, reader: Reader): AddressSet | undefined {
  const set = reader.sets.get(id, reader.family);
  if (set.kind === 'net') return set.addresses;
  reader.problem = unusable(id, set.kind === 'unusable' ? set.reason : undefined, 'net');
  return undefined;
}

function portGroups(id: IpSetId, reader: Reader): readonly PortGroup[] | undefined {
  const set = reader.sets.get(id, reader.family);
  if (set.kind === 'ip-port') return set.groups;
  reader.problem = unusable(id, set.kind === 'unusable' ? set.reason : undefined, 'ip-port');
  return undefined;
}

function unusable(id: IpSetId, reason: string | undefined, wanted: string): RuleBoxes['problem'] {
  return { code: 'invalid', reason: reason ?? `IP set ${id} is not of type ${wanted}` };
}

/** Conditions on ports, each a choice of boxes; all must hold. */
function portConditions(rule: NormalRule, reader: Reader): Alternatives[] {
  return [
    ...sideConditions(rule.source, 'source', reader),
    ...sideConditions(rule.destination, 'destination', reader),
    ...rule.destinationIpPortSets.flatMap((id) => {
      const groups = portGroups(id, reader);
      return groups === undefined ? [] : [groups.map((group) => inGroup(group, 'destination'))];
    }),
  ];
}

type Side = 'source' | 'destination';

function sideConditions(side: NormalSide, name: Side, reader: Reader): Alternatives[] {
  const conditions: Alternatives[] = [];
  const wanted = wantedPorts(side, name, reader);
  if (wanted !== undefined) conditions.push(wanted);
  if (side.notPorts.length > 0) conditions.push(otherPorts(rangesOf(side.notPorts), name));
  for (const id of side.notNamedPorts) {
    const groups = portGroups(id, reader);
    if (groups !== undefined) conditions.push(outsideGroups(groups, name, reader.family));
  }
  return conditions;
}

/** Numeric ports or named ones; `undefined` = no condition. */
function wantedPorts(side: NormalSide, name: Side, reader: Reader): Alternatives | undefined {
  if (side.ports.length === 0 && side.namedPorts.length === 0) return undefined;
  const choices: Partial<Box>[] = [];
  if (side.ports.length > 0) {
    choices.push({ protocols: PORT_PROTOCOLS, ...ports(name, rangesOf(side.ports)) });
  }
  for (const id of side.namedPorts) {
    const groups = portGroups(id, reader);
    if (groups === undefined) return undefined;
    choices.push(...groups.map((group) => inGroup(group, name)));
  }
  return choices;
}

/** Packets with other ports, and packets without ports: they have none of the unwanted ones. */
function otherPorts(unwanted: NumberSet, name: Side): Alternatives {
  return [
    { protocols: PORT_PROTOCOLS, ...ports(name, unwanted.complement()) },
    { protocols: PORT_PROTOCOLS.complement() },
  ];
}

function inGroup(group: PortGroup, name: Side): Partial<Box> {
  return { protocols: protocolSet(group.protocol), ...at(name, group.addresses, group.ports) };
}

/**
 * Packets that are in no group: those of other protocols, and for each protocol of the set the addresses sorted by the
 * ports they hold, each class with all other ports.
 */
function outsideGroups(groups: readonly PortGroup[], name: Side, family: Family): Alternatives {
  const held = protocolSet(...groups.map((group) => group.protocol));
  const outside: Partial<Box>[] = [{ protocols: held.complement() }];
  for (const { low: first, high: last } of held.ranges()) {
    for (let protocol = first; protocol <= last; protocol++) {
      const classes = addressClasses(
        groups.filter((group) => group.protocol === protocol),
        family,
      );
      for (const { addresses, ports: unwanted } of classes) {
        outside.push({
          protocols: protocolSet(protocol),
          ...at(name, addresses, unwanted.complement()),
        });
      }
    }
  }
  return outside;
}

/** Splits all addresses into classes that hold the same ports. */
function addressClasses(
  groups: readonly PortGroup[],
  family: Family,
): { readonly addresses: AddressSet; readonly ports: NumberSet }[] {
  let classes = [{ addresses: addressDomain(family).full, ports: PORTS.empty }];
  for (const group of groups) {
    classes = classes.flatMap((old) => [
      { addresses: old.addresses.and(group.addresses), ports: old.ports.or(group.ports) },
      { addresses: old.addresses.minus(group.addresses), ports: old.ports },
    ]);
    classes = classes.filter(({ addresses }) => !addresses.isEmpty);
  }
  return classes;
}

function ports(name: Side, set: NumberSet): Partial<Box> {
  return name === 'source' ? { sourcePorts: set } : { destinationPorts: set };
}

function at(name: Side, addresses: AddressSet, set: NumberSet): Partial<Box> {
  return name === 'source'
    ? { source: addresses, sourcePorts: set }
    : { destination: addresses, destinationPorts: set };
}

function rangesOf(ranges: readonly PortRange[]): NumberSet {
  return PORTS.ofRanges(ranges.map(({ first, last }) => ({ low: first, high: last })));
}
