/**
 * Rules of the wire to rules of the model. A rule with a value that cannot be read gets the action `unknown`, which denies
 * what the rest of its conditions match: never wider than Calico (felix-protocol: rule match).
 */
import type {
  PortRange as WirePortRange,
  Protocol as WireProtocol,
  Rule as WireRule,
} from '../../gen/felix/types.js';
import { ipSetId } from '../../model/ids.js';
import type {
  IcmpMatch,
  PortRange,
  Protocol,
  Rule,
  RuleAction,
  RuleSide,
} from '../../model/policy.js';

const ACTIONS: ReadonlyMap<string, RuleAction> = new Map([
  ['', 'allow'],
  ['allow', 'allow'],
  ['deny', 'deny'],
  ['next-tier', 'pass'],
  ['pass', 'pass'],
  ['log', 'log'],
]);

const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
  ['icmpv6', 58],
  ['sctp', 132],
  ['udplite', 136],
]);

const PORT_MAX = 65535;
const BYTE_MAX = 255;

/** A rule in the model's words. */
export function toRule(wire: WireRule): Rule {
  const unreadable: string[] = [];
  const family = toFamily(wire.ip_version, unreadable);
  const icmp = toIcmp(positiveIcmp(wire), unreadable);
  const notIcmp = toIcmp(negatedIcmp(wire), unreadable);
  const source = toSource(wire, unreadable);
  const destination = toDestination(wire, unreadable);
  const protocol = toProtocol(wire.protocol);
  const notProtocol = toProtocol(wire.not_protocol);
  const action = ACTIONS.get(wire.action.toLowerCase()) ?? 'unknown';
  const readable = unreadable.length === 0;
  return {
    action: readable ? action : 'unknown',
    actionText: readable ? wire.action : `${wire.action} (${unreadable.join(', ')})`,
    ...(family === undefined ? {} : { family }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(notProtocol === undefined ? {} : { notProtocol }),
    source,
    destination,
    destinationIpPortSets: wire.dst_ip_port_set_ids.map(ipSetId),
    ...(icmp === undefined ? {} : { icmp }),
    ...(notIcmp === undefined ? {} : { notIcmp }),
    hasHttpMatch: wire.http_match !== undefined && wire.http_match !== null,
    ruleId: wire.rule_id,
  };
}

function toSource(wire: WireRule, unreadable: string[]): RuleSide {
  return {
    nets: wire.src_net,
    notNets: wire.not_src_net,
    ipSets: wire.src_ip_set_ids.map(ipSetId),
    notIpSets: wire.not_src_ip_set_ids.map(ipSetId),
    ports: toPorts(wire.src_ports, unreadable),
    namedPorts: wire.src_named_port_ip_set_ids.map(ipSetId),
    notPorts: toPorts(wire.not_src_ports, unreadable),
    notNamedPorts: wire.not_src_named_port_ip_set_ids.map(ipSetId),
  };
}

function toDestination(wire: WireRule, unreadable: string[]): RuleSide {
  return {
    nets: wire.dst_net,
    notNets: wire.not_dst_net,
    ipSets: wire.dst_ip_set_ids.map(ipSetId),
    notIpSets: wire.not_dst_ip_set_ids.map(ipSetId),
    ports: toPorts(wire.dst_ports, unreadable),
    namedPorts: wire.dst_named_port_ip_set_ids.map(ipSetId),
    notPorts: toPorts(wire.not_dst_ports, unreadable),
    notNamedPorts: wire.not_dst_named_port_ip_set_ids.map(ipSetId),
  };
}

function toFamily(ipVersion: number, unreadable: string[]): 4 | 6 | undefined {
  if (ipVersion === 4 || ipVersion === 6) return ipVersion;
  if (ipVersion !== 0) unreadable.push(`IP version ${ipVersion}`);
  return undefined;
}

/** 0 is no protocol on the wire; the API begins at 1. */
function toProtocol(wire: WireProtocol | null | undefined): Protocol | undefined {
  if (wire === undefined || wire === null) return undefined;
  switch (wire.number_or_name) {
    case 'number':
      if (wire.number >= 1 && wire.number <= BYTE_MAX)
        return { kind: 'number', number: wire.number };
      return { kind: 'unknown', name: String(wire.number) };
    case 'name': {
      const number = PROTOCOL_NUMBERS.get(wire.name.toLowerCase());
      return number === undefined
        ? { kind: 'unknown', name: wire.name }
        : { kind: 'number', number };
    }
    case undefined:
      return { kind: 'unknown', name: '' };
  }
}

function toPorts(wire: readonly WirePortRange[], unreadable: string[]): readonly PortRange[] {
  const ranges: PortRange[] = [];
  for (const { first, last } of wire) {
    if (first >= 0 && first <= last && last <= PORT_MAX) ranges.push({ first, last });
    else unreadable.push(`port range ${first}-${last}`);
  }
  return ranges;
}

function positiveIcmp(wire: WireRule): IcmpMatch | undefined {
  if (wire.icmp === 'icmp_type') return { type: wire.icmp_type };
  if (wire.icmp === undefined) return undefined;
  const { type, code } = wire.icmp_type_code;
  return { type, code };
}

function negatedIcmp(wire: WireRule): IcmpMatch | undefined {
  if (wire.not_icmp === 'not_icmp_type') return { type: wire.not_icmp_type };
  if (wire.not_icmp === undefined) return undefined;
  const { type, code } = wire.not_icmp_type_code;
  return { type, code };
}

function toIcmp(match: IcmpMatch | undefined, unreadable: string[]): IcmpMatch | undefined {
  if (match === undefined) return undefined;
  const { type, code = 0 } = match;
  if (isByte(type) && isByte(code)) return match;
  unreadable.push(`ICMP type ${type} code ${code}`);
  return undefined;
}

function isByte(value: number): boolean {
  return value >= 0 && value <= BYTE_MAX;
}
