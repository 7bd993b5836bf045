/** Shape of a SecurityPolicy (opi.md section 2): one family, priorities, and the FLATTENED form's single entries. */
import { parseIp, type Family } from '../../base/ip.js';
import type { IpEntrySpec, SecurityRuleSpec } from '../../opi/objects/match.js';
import type { SecurityPolicySpec } from '../../opi/objects/specs.js';
import type { Checker } from './checker.js';
import { checkIcmp, requireRuleRoom, type ValidationContext } from './validate-rules.js';

const PRIORITY_MAX = 65534;

/** Checks one policy. */
export function checkSecurityPolicy(
  spec: SecurityPolicySpec,
  checker: Checker,
  context: ValidationContext,
): void {
  requireRuleRoom(spec.rules.length, context.limits);
  checker.require(
    spec.format === 'FLATTENED' || context.compactRules,
    'spec.format',
    'COMPACT rules are not supported by this device (compact_rules)',
  );
  checker.unique(
    spec.rules.map((rule) => rule.ruleName),
    'spec.rules.ruleName',
  );
  spec.rules.forEach((rule, index) => {
    checkRule(rule, spec, `spec.rules[${index}]`, checker);
  });
}

function checkRule(
  rule: SecurityRuleSpec,
  policy: SecurityPolicySpec,
  field: string,
  checker: Checker,
): void {
  checker.require(rule.ruleName !== '', `${field}.ruleName`, 'is empty');
  checker.integer(rule.priority, 0, PRIORITY_MAX, `${field}.priority`);
  if (rule.protocol !== undefined) checker.integer(rule.protocol, 0, 255, `${field}.protocol`);
  checkEntries(rule.source, policy.family, `${field}.source`, checker);
  checkEntries(rule.destination, policy.family, `${field}.destination`, checker);
  checker.portRanges(rule.sourcePorts, `${field}.sourcePorts`);
  checker.portRanges(rule.destinationPorts, `${field}.destinationPorts`);
  rule.icmp.forEach((icmp, at) => checkIcmp(icmp, `${field}.icmp[${at}]`, checker));
  const hasPorts = rule.sourcePorts.length + rule.destinationPorts.length > 0;
  checker.require(!(hasPorts && rule.icmp.length > 0), `${field}.icmp`, 'stands beside ports');
  if (policy.format === 'FLATTENED') checkFlat(rule, field, checker);
}

function checkFlat(rule: SecurityRuleSpec, field: string, checker: Checker): void {
  const lists = ['source', 'destination', 'sourcePorts', 'destinationPorts', 'icmp'] as const;
  for (const list of lists) {
    const problem = `${rule[list].length} entries in a FLATTENED policy`;
    checker.require(rule[list].length <= 1, `${field}.${list}`, problem);
  }
}

function checkEntries(
  entries: readonly IpEntrySpec[],
  family: Family,
  field: string,
  checker: Checker,
): void {
  entries.forEach((entry, index) => {
    const at = `${field}[${index}]`;
    if ('prefix' in entry) {
      checker.prefix(entry.prefix, `${at}.prefix`, family);
      return;
    }
    checker.address(entry.low, `${at}.low`, family);
    checker.address(entry.high, `${at}.high`, family);
    const ordered = (parseIp(entry.low)?.value ?? 0n) <= (parseIp(entry.high)?.value ?? 0n);
    checker.require(ordered, `${at}.high`, `${entry.high} is below ${entry.low}`);
  });
}
