/** NetworkPolicy of network/k8s. */
import type { Draft } from './draft.js';
import type { k8s } from '../../gen/opi/types.js';
import type {
  EndpointMatch,
  GroupRef,
  PolicyRuleSpec,
  RuleActionSpec,
  RuleMatch,
} from '../objects/match.js';
import { ANY_ENDPOINT, MATCH_ALL } from '../objects/match.js';
import type { NetworkPolicySpec } from '../objects/specs.js';
import {
  bounded,
  decodeFamily,
  decodePortList,
  decodePrefixes,
  encodeFamily,
  encodePorts,
  encodePrefixes,
  isSet,
  type Maybe,
} from './address.js';
import { malformed } from './errors.js';
import { refKeys, type NameOf } from './names.js';
import { decodeIcmpMatch } from './packet.js';

/** Message of a NetworkPolicy. */
export function encodeNetworkPolicy(
  spec: NetworkPolicySpec,
  nameOf: NameOf,
): Draft<k8s.NetworkPolicySpec> {
  const encodeRule = (list: string) => (rule: PolicyRuleSpec, index: number) => ({
    rule_id: rule.ruleId,
    action: `NETWORK_POLICY_RULE_ACTION_${rule.action}` as const,
    match: encodeMatch(rule.match, nameOf, `spec.${list}[${index}].match`),
  });
  return {
    ingress_rules: spec.ingressRules.map(encodeRule('ingress_rules')),
    egress_rules: spec.egressRules.map(encodeRule('egress_rules')),
  };
}

function encodeMatch(
  match: RuleMatch,
  nameOf: NameOf,
  field: string,
): Draft<k8s.NetworkPolicyMatch> {
  return {
    address_family: match.family && encodeFamily(match.family),
    protocol: match.protocol,
    not_protocol: match.notProtocol,
    source: encodeEndpoint(match.source, nameOf, `${field}.source`),
    destination: encodeEndpoint(match.destination, nameOf, `${field}.destination`),
    ip_port_group_name_refs: match.ipPortGroups.map(nameOf),
    icmp: match.icmp,
    not_icmp: match.notIcmp,
  };
}

function encodeEndpoint(
  side: EndpointMatch,
  nameOf: NameOf,
  field: string,
): Draft<k8s.EndpointMatch> | undefined {
  if (Object.values(side).every((list: readonly unknown[]) => list.length === 0)) return undefined;
  return {
    prefixes: encodePrefixes(side.prefixes, `${field}.prefixes`),
    not_prefixes: encodePrefixes(side.notPrefixes, `${field}.not_prefixes`),
    group_name_refs: side.groups.map(nameOf),
    not_group_name_refs: side.notGroups.map(nameOf),
    port_ranges: side.ports.map(encodePorts),
    named_port_group_name_refs: side.namedPortGroups.map(nameOf),
    not_port_ranges: side.notPorts.map(encodePorts),
    not_named_port_group_name_refs: side.notNamedPortGroups.map(nameOf),
  };
}

/** Spec of a NetworkPolicy. */
export function decodeNetworkPolicy(spec: k8s.NetworkPolicySpec): NetworkPolicySpec {
  return {
    ingressRules: decodeRules(spec.ingress_rules, 'spec.ingress_rules'),
    egressRules: decodeRules(spec.egress_rules, 'spec.egress_rules'),
  };
}

function decodeRules(rules: readonly k8s.NetworkPolicyRule[], list: string): PolicyRuleSpec[] {
  return rules.map((rule, index) => ({
    ruleId: rule.rule_id,
    action: decodeAction(rule.action, `${list}[${index}].action`),
    match: decodeMatch(rule.match, `${list}[${index}].match`),
  }));
}

const ACTIONS: ReadonlyMap<string, RuleActionSpec> = new Map(
  (['ALLOW', 'DENY', 'PASS', 'LOG'] as const).map((action) => [
    `NETWORK_POLICY_RULE_ACTION_${action}`,
    action,
  ]),
);

function decodeAction(action: k8s.NetworkPolicyRuleAction, field: string): RuleActionSpec {
  const decoded = ACTIONS.get(action);
  if (decoded === undefined) throw malformed(field, `${action} is no action`);
  return decoded;
}

function decodeMatch(match: Maybe<k8s.NetworkPolicyMatch>, field: string): RuleMatch {
  if (!isSet(match)) return MATCH_ALL;
  const family = decodeFamily(match.address_family, `${field}.address_family`);
  return {
    ...(family === undefined ? {} : { family }),
    ...decodeProtocols(match, field),
    source: decodeEndpoint(match.source, `${field}.source`),
    destination: decodeEndpoint(match.destination, `${field}.destination`),
    ipPortGroups: groups(match.ip_port_group_name_refs, `${field}.ip_port_group_name_refs`),
    ...(isSet(match.icmp) ? { icmp: decodeIcmpMatch(match.icmp, `${field}.icmp`) } : {}),
    ...(isSet(match.not_icmp)
      ? { notIcmp: decodeIcmpMatch(match.not_icmp, `${field}.not_icmp`) }
      : {}),
  };
}

function decodeProtocols(
  match: k8s.NetworkPolicyMatch,
  field: string,
): Pick<RuleMatch, 'protocol' | 'notProtocol'> {
  const { protocol, not_protocol: notProtocol } = match;
  return {
    ...(isSet(protocol) ? { protocol: bounded(protocol, 255, `${field}.protocol`) } : {}),
    ...(isSet(notProtocol)
      ? { notProtocol: bounded(notProtocol, 255, `${field}.not_protocol`) }
      : {}),
  };
}

function decodeEndpoint(side: Maybe<k8s.EndpointMatch>, field: string): EndpointMatch {
  if (!isSet(side)) return ANY_ENDPOINT;
  return {
    prefixes: decodePrefixes(side.prefixes, `${field}.prefixes`),
    notPrefixes: decodePrefixes(side.not_prefixes, `${field}.not_prefixes`),
    groups: groups(side.group_name_refs, `${field}.group_name_refs`),
    notGroups: groups(side.not_group_name_refs, `${field}.not_group_name_refs`),
    ports: decodePortList(side.port_ranges, `${field}.port_ranges`),
    namedPortGroups: groups(side.named_port_group_name_refs, `${field}.named_port_group_name_refs`),
    notPorts: decodePortList(side.not_port_ranges, `${field}.not_port_ranges`),
    notNamedPortGroups: groups(
      side.not_named_port_group_name_refs,
      `${field}.not_named_port_group_name_refs`,
    ),
  };
}

function groups(names: readonly string[], field: string): GroupRef[] {
  return refKeys('addressGroup', names, field);
}
