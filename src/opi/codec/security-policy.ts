/**
 * SecurityPolicy of network/cloud, in both forms of its rules (opi: firewall semantics). FLATTENED rules hold no list
 * attribute, COMPACT rules hold nothing else; mixing them is refused by servers and never written here.
 */
import type { Draft } from './draft.js';
import type { cloud, opinetcommon } from '../../gen/opi/types.js';
import type { SecurityRuleSpec } from '../objects/match.js';
import type { SecurityPolicySpec } from '../objects/specs.js';
import { bounded, decodeFamily, encodeFamily, isSet } from './address.js';
import { malformed, unexpressed } from './errors.js';
import { decodeRuleMatch, encodeRuleMatch } from './security-match.js';

/** Message of a SecurityPolicy, stateful and of type TENANT. Throws if a rule does not fit the format. */
export function encodeSecurityPolicy(spec: SecurityPolicySpec): Draft<cloud.SecurityPolicySpec> {
  return {
    type: 'SECURITY_POLICY_TYPE_TENANT',
    address_family: encodeFamily(spec.family),
    default_security_action: encodeAction(spec.defaultAction),
    rules: spec.rules.map((rule, index) => ({
      rule_name: rule.ruleName,
      attrs: {
        priority: rule.priority,
        match: encodeRuleMatch(rule, spec.format, `${ruleField(index)}.match`),
        action: encodeAction(rule.action),
        terminating: rule.terminating,
      },
    })),
    rule_format: `POLICY_RULE_FORMAT_${spec.format}`,
  };
}

/** Spec of a SecurityPolicy. An unspecified format is FLATTENED. */
export function decodeSecurityPolicy(spec: cloud.SecurityPolicySpec): SecurityPolicySpec {
  const family = decodeFamily(spec.address_family, 'spec.address_family');
  if (family === undefined) throw malformed('spec.address_family', 'unspecified');
  if (spec.stateless) throw unexpressed('spec.stateless', 'true');
  if (spec.type === 'SECURITY_POLICY_TYPE_UNDERLAY') throw unexpressed('spec.type', spec.type);
  const format = decodeFormat(spec.rule_format);
  return {
    family,
    defaultAction: decodeAction(spec.default_security_action, 'spec.default_security_action'),
    format,
    rules: spec.rules.map((rule, index) => decodeRule(rule, format, ruleField(index))),
  };
}

function ruleField(index: number): string {
  return `spec.rules[${index}].attrs`;
}

function decodeFormat(format: cloud.PolicyRuleFormat): SecurityPolicySpec['format'] {
  if (format === 'POLICY_RULE_FORMAT_COMPACT') return 'COMPACT';
  if (format === 'POLICY_RULE_FORMAT_FLATTENED') return 'FLATTENED';
  if (format === 'POLICY_RULE_FORMAT_UNSPECIFIED') return 'FLATTENED';
  throw malformed('spec.rule_format', `unknown format ${String(format)}`);
}

function decodeRule(
  rule: cloud.SecurityRuleInfo,
  format: SecurityPolicySpec['format'],
  field: string,
): SecurityRuleSpec {
  const attrs = rule.attrs;
  if (!isSet(attrs)) throw malformed(field, 'missing');
  if (isSet(attrs.alg_spec)) throw unexpressed(`${field}.alg_spec`, 'set');
  return {
    ruleName: rule.rule_name,
    priority: bounded(attrs.priority, 65534, `${field}.priority`),
    action: decodeAction(attrs.action, `${field}.action`),
    terminating: attrs.terminating,
    ...decodeRuleMatch(attrs.match, format, `${field}.match`),
  };
}

function encodeAction(action: 'ALLOW' | 'DENY'): opinetcommon.SecurityRuleAction {
  return `SECURITY_RULE_ACTION_${action}`;
}

function decodeAction(action: opinetcommon.SecurityRuleAction, field: string): 'ALLOW' | 'DENY' {
  if (action === 'SECURITY_RULE_ACTION_ALLOW') return 'ALLOW';
  if (action === 'SECURITY_RULE_ACTION_DENY') return 'DENY';
  if (action === 'SECURITY_RULE_ACTION_NONE') throw unexpressed(field, action);
  throw malformed(field, `unknown action ${String(action)}`);
}
