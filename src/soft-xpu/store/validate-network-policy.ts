/** Shape of a NetworkPolicy (k8s-extension: objects). */
import type { EndpointMatch, PolicyRuleSpec, RuleMatch } from '../../opi/objects/match.js';
import type { NetworkPolicySpec } from '../../opi/objects/specs.js';
import type { Checker } from './checker.js';
import {
  checkIcmp,
  checkPrintable,
  requireRuleRoom,
  type ValidationContext,
} from './validate-rules.js';

/** Checks one policy; the rule limit counts both directions together. */
export function checkNetworkPolicy(
  spec: NetworkPolicySpec,
  checker: Checker,
  context: ValidationContext,
): void {
  requireRuleRoom(spec.ingressRules.length + spec.egressRules.length, context.limits);
  for (const list of ['ingressRules', 'egressRules'] as const) {
    checker.unique(
      spec[list].map((rule) => rule.ruleId),
      `spec.${list}.ruleId`,
    );
    spec[list].forEach((rule, index) => checkRule(rule, `spec.${list}[${index}]`, checker));
  }
}

function checkRule(rule: PolicyRuleSpec, field: string, checker: Checker): void {
  checkPrintable(rule.ruleId, `${field}.ruleId`, checker);
  checkMatch(rule.match, `${field}.match`, checker);
}

function checkMatch(match: RuleMatch, field: string, checker: Checker): void {
  const { protocol, notProtocol } = match;
  if (protocol !== undefined) checker.integer(protocol, 0, 255, `${field}.protocol`);
  if (notProtocol !== undefined) checker.integer(notProtocol, 0, 255, `${field}.notProtocol`);
  checkSide(match.source, `${field}.source`, checker);
  checkSide(match.destination, `${field}.destination`, checker);
  checkIcmp(match.icmp, `${field}.icmp`, checker);
  checkIcmp(match.notIcmp, `${field}.notIcmp`, checker);
}

function checkSide(side: EndpointMatch, field: string, checker: Checker): void {
  side.prefixes.forEach((text, at) => checker.prefix(text, `${field}.prefixes[${at}]`));
  side.notPrefixes.forEach((text, at) => checker.prefix(text, `${field}.notPrefixes[${at}]`));
  checker.portRanges(side.ports, `${field}.ports`);
  checker.portRanges(side.notPorts, `${field}.notPorts`);
}
