/**
 * SecurityPolicy lists of plain network/cloud (opi.md section 2). Where OPI leaves the combination of several policies
 * open, this XPU denies: a deny among non-terminating matches wins, and so does a denying default. The lists of Vnic,
 * Subnet and Vpc are asked as one list in that order.
 */
import { parseCidr, parseIp, type IpRange, cidrRange } from '../../base/ip.js';
import type { IpEntrySpec, SecurityRuleSpec } from '../../opi/objects/match.js';
import type { SecurityPolicySpec } from '../../opi/objects/specs.js';
import type { Address } from '../store/address.js';
import { hasPorts, type Packet } from './packet.js';
import { icmpMatches, inRanges } from './rule-match.js';

/** One rule, compiled. */
export interface CompiledSecurityRule {
  readonly spec: SecurityRuleSpec;
  readonly source: readonly IpRange[];
  readonly destination: readonly IpRange[];
}

/** A SecurityPolicy, compiled: rules in the order they are asked. */
export interface CompiledSecurityPolicy {
  readonly id: string;
  readonly spec: SecurityPolicySpec;
  readonly rules: readonly CompiledSecurityRule[];
}

/** What a list of policies says. `rule` is absent if a default decided. */
export interface ListVerdict {
  readonly action: 'ALLOW' | 'DENY';
  readonly policyId: string;
  readonly ruleName?: string;
}

/** Prepares a policy: lower priority first, list order among equals. */
export function compileSecurityPolicy(
  id: string,
  spec: SecurityPolicySpec,
): CompiledSecurityPolicy {
  const ordered = spec.rules
    .map((rule, index) => ({ rule, index }))
    .sort((a, b) => a.rule.priority - b.rule.priority || a.index - b.index);
  return {
    id,
    spec,
    rules: ordered.map(({ rule }) => ({
      spec: rule,
      source: rule.source.map(rangeOf),
      destination: rule.destination.map(rangeOf),
    })),
  };
}

/** Asks the policies of one list in order; the list must not be empty. */
export function askSecurityList(
  policies: readonly CompiledSecurityPolicy[],
  packet: Packet,
): ListVerdict {
  const open: ListVerdict[] = [];
  for (const policy of policies) {
    const rule = policy.rules.find((candidate) => securityRuleMatches(candidate, packet));
    if (rule === undefined) continue;
    const verdict = verdictOf(policy, rule.spec);
    if (rule.spec.terminating) return verdict;
    open.push(verdict);
  }
  return strictest(open.length > 0 ? open : policies.map(defaultOf));
}

/** True if every condition of the rule holds. */
export function securityRuleMatches(rule: CompiledSecurityRule, packet: Packet): boolean {
  const { protocol, sourcePorts, destinationPorts, icmp } = rule.spec;
  return (
    (protocol === undefined || protocol === packet.protocol) &&
    inAny(rule.source, packet.source) &&
    inAny(rule.destination, packet.destination) &&
    portIn(sourcePorts, packet, packet.sourcePort) &&
    portIn(destinationPorts, packet, packet.destinationPort) &&
    (icmp.length === 0 || icmp.some((wanted) => icmpMatches(wanted, packet)))
  );
}

function portIn(ranges: SecurityRuleSpec['sourcePorts'], packet: Packet, port: number): boolean {
  return ranges.length === 0 || (hasPorts(packet) && inRanges(ranges, port));
}

function inAny(ranges: readonly IpRange[], address: Address): boolean {
  return (
    ranges.length === 0 ||
    ranges.some(
      ({ family, low, high }) =>
        family === address.family && address.value >= low && address.value <= high,
    )
  );
}

function verdictOf(policy: CompiledSecurityPolicy, rule: SecurityRuleSpec): ListVerdict {
  return { action: rule.action, policyId: policy.id, ruleName: rule.ruleName };
}

function defaultOf({ id, spec }: CompiledSecurityPolicy): ListVerdict {
  return { action: spec.defaultAction, policyId: id };
}

function strictest(verdicts: readonly ListVerdict[]): ListVerdict {
  const verdict = verdicts.find(({ action }) => action === 'DENY') ?? verdicts[0];
  return verdict ?? { action: 'DENY', policyId: '' };
}

/** A text that cannot be read becomes a range that holds nothing; the store refuses such texts. */
function rangeOf(entry: IpEntrySpec): IpRange {
  if ('prefix' in entry) {
    const cidr = parseCidr(entry.prefix);
    return cidr === undefined ? { family: 4, low: 1n, high: 0n } : cidrRange(cidr);
  }
  const [low, high] = [parseIp(entry.low), parseIp(entry.high)];
  if (low === undefined || high === undefined) return { family: 4, low: 1n, high: 0n };
  return { family: low.family, low: low.value, high: high.value };
}
