/** Normalised rules to NetworkPolicy rules: nothing is lost, the extension has every match Calico has. */
import { FAMILIES, formatCidr } from '../../../base/ip.js';
import type { IpSetId } from '../../../model/ids.js';
import type { PortRange } from '../../../model/policy.js';
import {
  ANY_ENDPOINT,
  type EndpointMatch,
  type GroupRef,
  type PolicyRuleSpec,
  type PortRangeSpec,
  type RuleActionSpec,
  type RuleMatch,
} from '../../../opi/objects/match.js';
import type { ObjectNames } from '../../names.js';
import { ANY_SIDE } from '../normalise.js';
import type { NormalRule, NormalSide } from '../program.js';
import { ruleId } from '../rule-id.js';

const ACTIONS: Readonly<Record<NormalRule['action'], RuleActionSpec>> = {
  allow: 'ALLOW',
  deny: 'DENY',
  pass: 'PASS',
  log: 'LOG',
};

/** Gives the key of the group a set becomes. */
export type GroupNames = Pick<ObjectNames, 'group'>;

/** One rule. */
export function nativeRule(rule: NormalRule, names: GroupNames): PolicyRuleSpec {
  return { ruleId: ruleId(rule.origin), action: ACTIONS[rule.action], match: match(rule, names) };
}

function match(rule: NormalRule, names: GroupNames): RuleMatch {
  const { families, protocol, notProtocol, icmp, notIcmp } = rule;
  const [family] = families;
  return {
    ...(family === undefined || families.length === FAMILIES.length ? {} : { family }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(notProtocol === undefined ? {} : { notProtocol }),
    source: side(rule.source, names),
    destination: side(rule.destination, names),
    ipPortGroups: portGroups(rule.destinationIpPortSets, names),
    ...(icmp === undefined ? {} : { icmp }),
    ...(notIcmp === undefined ? {} : { notIcmp }),
  };
}

function side(sideRule: NormalSide, names: GroupNames): EndpointMatch {
  if (sideRule === ANY_SIDE) return ANY_ENDPOINT;
  return {
    prefixes: sideRule.nets.map(formatCidr),
    notPrefixes: sideRule.notNets.map(formatCidr),
    groups: netGroups(sideRule.ipSets, names),
    notGroups: netGroups(sideRule.notIpSets, names),
    ports: sideRule.ports.map(portRange),
    namedPortGroups: portGroups(sideRule.namedPorts, names),
    notPorts: sideRule.notPorts.map(portRange),
    notNamedPortGroups: portGroups(sideRule.notNamedPorts, names),
  };
}

function portRange({ first, last }: PortRange): PortRangeSpec {
  return { low: first, high: last };
}

function netGroups(ids: readonly IpSetId[], names: GroupNames): GroupRef[] {
  return ids.map((id) => names.group(id, 'net'));
}

function portGroups(ids: readonly IpSetId[], names: GroupNames): GroupRef[] {
  return ids.map((id) => names.group(id, 'ip-port'));
}
