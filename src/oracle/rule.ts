/** One rule against one packet; felix-protocol: rule match. */
import { cidrContains, parseCidr } from '../base/ip.js';
import type { Family, IpAddress } from '../base/ip.js';
import type { PortRange, Protocol, Rule } from '../gen/felix/types.js';
import type { IpSet } from './ip-set.js';
import { PROTOCOLS, protocolNumber, type IcmpHeader, type Packet } from './packet.js';

/** The IP sets by id. */
export type Sets = ReadonlyMap<string, IpSet>;

/** What a matching rule does. `log` never ends the evaluation. */
export type Action = 'allow' | 'deny' | 'pass' | 'log';

const ACTIONS = new Map<string, Action>([
  ['', 'allow'],
  ['allow', 'allow'],
  ['deny', 'deny'],
  ['pass', 'pass'],
  ['next-tier', 'pass'],
  ['log', 'log'],
]);

/** Action of a rule. What cannot be read (an unknown action or protocol name, a malformed prefix, a missing set) denies. */
export function ruleAction(rule: Rule, sets: Sets): Action {
  if (!isReadable(rule, sets)) return 'deny';
  return ACTIONS.get(rule.action.toLowerCase()) ?? 'deny';
}

/** True if every condition of the rule holds. A condition that cannot be read counts as holding. */
export function ruleMatches(rule: Rule, packet: Packet, sets: Sets): boolean {
  return (
    existsFor(rule, packet.family) &&
    protocolMatches(rule, packet) &&
    icmpMatches(rule, packet) &&
    sideMatches(sourceSide(rule), packet.source, packet.sourcePort, packet, sets) &&
    sideMatches(destinationSide(rule), packet.destination, packet.destinationPort, packet, sets) &&
    rule.dst_ip_port_set_ids.every(
      (id) =>
        sets.get(id)?.hasPort(packet.destination, packet.protocol, packet.destinationPort) ?? true,
    )
  );
}

/** One side of the rule under names that both sides share. */
interface Side {
  readonly nets: readonly string[];
  readonly notNets: readonly string[];
  readonly sets: readonly string[];
  readonly notSets: readonly string[];
  readonly ports: readonly PortRange[];
  readonly namedPorts: readonly string[];
  readonly notPorts: readonly PortRange[];
  readonly notNamedPorts: readonly string[];
}

function sourceSide(rule: Rule): Side {
  return {
    nets: rule.src_net,
    notNets: rule.not_src_net,
    sets: rule.src_ip_set_ids,
    notSets: rule.not_src_ip_set_ids,
    ports: rule.src_ports,
    namedPorts: rule.src_named_port_ip_set_ids,
    notPorts: rule.not_src_ports,
    notNamedPorts: rule.not_src_named_port_ip_set_ids,
  };
}

function destinationSide(rule: Rule): Side {
  return {
    nets: rule.dst_net,
    notNets: rule.not_dst_net,
    sets: rule.dst_ip_set_ids,
    notSets: rule.not_dst_ip_set_ids,
    ports: rule.dst_ports,
    namedPorts: rule.dst_named_port_ip_set_ids,
    notPorts: rule.not_dst_ports,
    notNamedPorts: rule.not_dst_named_port_ip_set_ids,
  };
}

/**
 * The family filter: a rule does not exist for a family when it names the other one, when one of its prefix lists has
 * entries of the other family only, or when a negated list holds the whole family.
 */
function existsFor(rule: Rule, family: Family): boolean {
  if (rule.ip_version !== 0 && rule.ip_version !== family) return false;
  const whole = family === 4 ? '0.0.0.0/0' : '::/0';
  const lists = [rule.src_net, rule.dst_net, rule.not_src_net, rule.not_dst_net];
  if ([rule.not_src_net, rule.not_dst_net].some((list) => list.includes(whole))) return false;
  return lists.every((list) => list.length === 0 || list.some((net) => familyOf(net) === family));
}

function familyOf(net: string): Family {
  return net.includes(':') ? 6 : 4;
}

function isReadable(rule: Rule, sets: Sets): boolean {
  const names = [rule.protocol, rule.not_protocol].filter((one) => one?.number_or_name === 'name');
  const sides = [sourceSide(rule), destinationSide(rule)];
  const nets = sides.flatMap((side) => [...side.nets, ...side.notNets]);
  const ids = sides.flatMap((side) => [
    ...side.sets,
    ...side.notSets,
    ...side.namedPorts,
    ...side.notNamedPorts,
  ]);
  return (
    names.every((one) => numberOf(one) !== undefined) &&
    nets.every((net) => parseCidr(net) !== undefined) &&
    [...ids, ...rule.dst_ip_port_set_ids].every((id) => sets.has(id))
  );
}

function numberOf(protocol: Protocol | null | undefined): number | undefined {
  if (protocol?.number_or_name === 'number') return protocol.number;
  if (protocol?.number_or_name === 'name') return protocolNumber(protocol.name);
  return undefined;
}

function protocolMatches(rule: Rule, packet: Packet): boolean {
  const wanted = numberOf(rule.protocol);
  const unwanted = numberOf(rule.not_protocol);
  return (wanted ?? packet.protocol) === packet.protocol && unwanted !== packet.protocol;
}

/** Both conditions match ICMP packets of the packet's own family only, the negated one too. */
function icmpMatches(rule: Rule, packet: Packet): boolean {
  if (rule.icmp === undefined && rule.not_icmp === undefined) return true;
  const isIcmp = packet.protocol === (packet.family === 4 ? PROTOCOLS.icmp : PROTOCOLS.icmpv6);
  if (!isIcmp || packet.icmp === undefined) return false;
  const wanted =
    rule.icmp === undefined ||
    icmpEquals(packet.icmp, rule.icmp === 'icmp_type' ? rule.icmp_type : rule.icmp_type_code);
  const unwanted =
    rule.not_icmp !== undefined &&
    icmpEquals(
      packet.icmp,
      rule.not_icmp === 'not_icmp_type' ? rule.not_icmp_type : rule.not_icmp_type_code,
    );
  return wanted && !unwanted;
}

/** A bare type stands for all of its codes; an absent code on the wire is code 0. */
function icmpEquals(header: IcmpHeader, match: number | IcmpHeader | null | undefined): boolean {
  if (typeof match === 'number') return header.type === match;
  return header.type === (match?.type ?? 0) && header.code === (match?.code ?? 0);
}

function sideMatches(
  side: Side,
  ip: IpAddress,
  port: number | undefined,
  packet: Packet,
  sets: Sets,
): boolean {
  const inNet = (net: string): boolean | undefined => {
    const cidr = parseCidr(net);
    return cidr === undefined ? undefined : cidrContains(cidr, ip);
  };
  const inSet = (id: string): boolean | undefined => sets.get(id)?.hasAddress(ip);
  const inRange = (range: PortRange): boolean =>
    port !== undefined && range.first <= port && port <= range.last;
  const inNamed = (id: string): boolean | undefined =>
    sets.get(id)?.hasPort(ip, packet.protocol, port);
  return (
    (side.nets.length === 0 || side.nets.some((net) => inNet(net) ?? true)) &&
    !side.notNets.some((net) => inNet(net) ?? false) &&
    side.sets.every((id) => inSet(id) ?? true) &&
    !side.notSets.some((id) => inSet(id) ?? false) &&
    (side.ports.length + side.namedPorts.length === 0 ||
      side.ports.some(inRange) ||
      side.namedPorts.some((id) => inNamed(id) ?? true)) &&
    !side.notPorts.some(inRange) &&
    !side.notNamedPorts.some((id) => inNamed(id) ?? false)
  );
}
