/** What a SecurityPolicy says about the first packet of a flow: priorities, terminating rules, default action. */
import { cidrContains, parseCidr, parseIp, type Cidr } from '../../../src/base/ip.js';
import type { IpEntrySpec, SecurityRuleSpec } from '../../../src/opi/objects/match.js';
import type { SecurityPolicySpec } from '../../../src/opi/objects/specs.js';
import { isIcmp, type Packet } from './packet.js';

/** True if the list lets the packet pass. */
export function listAllows(spec: SecurityPolicySpec, packet: Packet): boolean {
  if (spec.family !== packet.family) throw new Error('a list of the other family was asked');
  const sorted = [...spec.rules].sort((a, b) => a.priority - b.priority);
  const rule = sorted.find((of) => ruleMatches(of, packet));
  return (rule?.action ?? spec.defaultAction) === 'ALLOW';
}

/** Problems of shape that an OPI server would refuse or read another way. */
export function shapeProblems(spec: SecurityPolicySpec): string[] {
  const problems: string[] = [];
  const priorities = new Set(spec.rules.map(({ priority }) => priority));
  if (priorities.size !== spec.rules.length) problems.push('priorities repeat');
  if (new Set(spec.rules.map(({ ruleName }) => ruleName)).size !== spec.rules.length) {
    problems.push('names repeat');
  }
  for (const rule of spec.rules) {
    const ports = rule.sourcePorts.length + rule.destinationPorts.length;
    if (!rule.terminating) problems.push(`${rule.ruleName} does not terminate`);
    if (rule.priority < 0 || rule.priority > 65534) problems.push(`priority ${rule.priority}`);
    if (ports > 0 && rule.protocol === undefined) problems.push('ports without protocol');
    if (ports > 0 && rule.icmp.length > 0) problems.push('ports and ICMP');
    const lists = [
      rule.source,
      rule.destination,
      rule.sourcePorts,
      rule.destinationPorts,
      rule.icmp,
    ];
    if (spec.format === 'FLATTENED' && lists.some((list) => list.length > 1)) {
      problems.push(`${rule.ruleName} holds a list`);
    }
  }
  return problems;
}

function ruleMatches(rule: SecurityRuleSpec, packet: Packet): boolean {
  if (rule.protocol !== undefined && rule.protocol !== packet.protocol) return false;
  const inRange = (ranges: SecurityRuleSpec['sourcePorts'], port: number | undefined): boolean =>
    ranges.length === 0 ||
    (port !== undefined && ranges.some(({ low, high }) => port >= low && port <= high));
  if (!inRange(rule.sourcePorts, packet.sourcePort)) return false;
  if (!inRange(rule.destinationPorts, packet.destinationPort)) return false;
  if (rule.icmp.length > 0 && !icmpMatches(rule, packet)) return false;
  return (
    holds(rule.source, packet, packet.source) && holds(rule.destination, packet, packet.destination)
  );
}

function icmpMatches(rule: SecurityRuleSpec, packet: Packet): boolean {
  return (
    isIcmp(packet.protocol, packet.family) &&
    rule.icmp.some(
      ({ type, code }) =>
        type === packet.icmpType && (code === undefined || code === packet.icmpCode),
    )
  );
}

function holds(entries: readonly IpEntrySpec[], { family }: Packet, value: bigint): boolean {
  if (entries.length === 0) return true;
  return entries.some((entry) => {
    if ('prefix' in entry) return cidrContains(parseCidr(entry.prefix) as Cidr, { family, value });
    const low = parseIp(entry.low);
    const high = parseIp(entry.high);
    if (low?.family !== family || high?.family !== family) return false;
    return value >= low.value && value <= high.value;
  });
}
