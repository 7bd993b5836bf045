/** PolicyBinding of network/k8s. */
import type { Draft } from './draft.js';
import type { k8s } from '../../gen/opi/types.js';
import type {
  FailsafeSpec,
  PolicyBindingSpec,
  PortRefSpec,
  StageSpec,
  TierSpec,
} from '../objects/specs.js';
import {
  bounded,
  decodePrefix,
  decodePrefixes,
  encodePrefix,
  encodePrefixes,
  isSet,
} from './address.js';
import { malformed } from './errors.js';
import { refKeys, type NameOf } from './names.js';
import { decodePort, encodePort } from './packet.js';

/** Message of a PolicyBinding. */
export function encodePolicyBinding(
  spec: PolicyBindingSpec,
  nameOf: NameOf,
): Draft<k8s.PolicyBindingSpec> {
  return {
    port: encodePort(spec.port, nameOf),
    stages: spec.stages.map((stage) => encodeStage(stage, nameOf)),
    failsafes: spec.failsafes.map(encodeFailsafe),
    allowed_source_prefixes: encodePrefixes(spec.allowedSources, 'spec.allowed_source_prefixes'),
    to_host_action: `TO_HOST_ACTION_${spec.toHostAction}`,
    from_host_bypass: spec.fromHostBypass,
    invalid_packet_action: `INVALID_PACKET_ACTION_${spec.invalidAction}`,
    established_connection_policy: `ESTABLISHED_CONNECTION_POLICY_${spec.establishedPolicy}`,
    disabled: spec.disabled,
    denied_encapsulation: {
      vxlan_port: spec.deniedEncapsulation.vxlanPort,
      ipip: spec.deniedEncapsulation.ipip,
    },
  };
}

function encodeStage(stage: StageSpec, nameOf: NameOf): Draft<k8s.PolicyStage> {
  return {
    kind: `POLICY_STAGE_KIND_${stage.kind}`,
    direction: `POLICY_DIRECTION_${stage.direction}`,
    rule_list: `NETWORK_POLICY_RULE_LIST_${stage.ruleList}`,
    tiers: stage.tiers.map((tier) => ({
      tier_id: tier.tierId,
      network_policy_name_refs: tier.policies.map(nameOf),
      default_action: `POLICY_TIER_ACTION_${tier.defaultAction}`,
    })),
    profile_network_policy_name_refs: stage.profiles.map(nameOf),
  };
}

function encodeFailsafe(failsafe: FailsafeSpec, index: number): Draft<k8s.Failsafe> {
  const { direction, protocol, port, prefix } = failsafe;
  return {
    direction: `FAILSAFE_DIRECTION_${direction}`,
    protocol,
    port,
    remote_prefix:
      prefix === undefined ? undefined : encodePrefix(prefix, `spec.failsafes[${index}]`),
  };
}

/** Spec of a PolicyBinding. */
export function decodePolicyBinding(spec: k8s.PolicyBindingSpec): PolicyBindingSpec {
  const port = decodeBindingPort(spec);
  return {
    port,
    stages: spec.stages.map((stage, index) => decodeStage(stage, `spec.stages[${index}]`)),
    failsafes: spec.failsafes.map(decodeFailsafe),
    allowedSources: decodePrefixes(spec.allowed_source_prefixes, 'spec.allowed_source_prefixes'),
    toHostAction: decodeToHostAction(spec, 'vnic' in port),
    fromHostBypass: spec.from_host_bypass,
    invalidAction: choose(INVALID_ACTIONS, spec.invalid_packet_action, 'invalid_packet_action'),
    establishedPolicy: choose(
      ESTABLISHED_POLICIES,
      spec.established_connection_policy,
      'established_connection_policy',
    ),
    disabled: spec.disabled,
    deniedEncapsulation: decodeEncapsulation(spec),
  };
}

const INVALID_ACTIONS = byWireName('INVALID_PACKET_ACTION', ['DROP', 'CONTINUE']);
const ESTABLISHED_POLICIES = byWireName('ESTABLISHED_CONNECTION_POLICY', ['KEEP', 'REEVALUATE']);
const TO_HOST_ACTIONS = byWireName('TO_HOST_ACTION', ['DROP', 'ACCEPT', 'RETURN']);
const STAGE_KINDS = byWireName('POLICY_STAGE_KIND', [
  'UNTRACKED',
  'PRE_DNAT',
  'FORWARD',
  'HOST',
  'WORKLOAD',
]);
const DIRECTIONS = byWireName('POLICY_DIRECTION', ['FROM_PORT', 'TO_PORT']);
const RULE_LISTS = byWireName('NETWORK_POLICY_RULE_LIST', ['INGRESS', 'EGRESS']);
const TIER_ACTIONS = byWireName('POLICY_TIER_ACTION', ['DENY', 'PASS']);
const FAILSAFE_DIRECTIONS = byWireName('FAILSAFE_DIRECTION', ['INBOUND', 'OUTBOUND']);

function byWireName<T extends string>(
  prefix: string,
  values: readonly T[],
): ReadonlyMap<string, T> {
  return new Map(values.map((value) => [`${prefix}_${value}`, value]));
}

function choose<T>(table: ReadonlyMap<string, T>, name: string, field: string): T {
  const value = table.get(name);
  if (value === undefined) throw malformed(`spec.${field}`, `${name} is no choice`);
  return value;
}

function decodeBindingPort(spec: k8s.PolicyBindingSpec): PortRefSpec {
  const port = decodePort(spec.port, 'spec.port');
  if ('vnic' in port) return port;
  if (port.port === 'HOST') throw malformed('spec.port', 'the host port has no binding');
  return { port: port.port };
}

/** On ports that are no vNIC the action means nothing and may be left out. */
function decodeToHostAction(
  spec: k8s.PolicyBindingSpec,
  ofVnic: boolean,
): PolicyBindingSpec['toHostAction'] {
  if (!ofVnic && spec.to_host_action === 'TO_HOST_ACTION_UNSPECIFIED') return 'DROP';
  return choose(TO_HOST_ACTIONS, spec.to_host_action, 'to_host_action');
}

function decodeEncapsulation(
  spec: k8s.PolicyBindingSpec,
): PolicyBindingSpec['deniedEncapsulation'] {
  const denied = spec.denied_encapsulation;
  const port = denied?.vxlan_port;
  return {
    ...(isSet(port)
      ? { vxlanPort: bounded(port, 65535, 'spec.denied_encapsulation.vxlan_port') }
      : {}),
    ipip: denied?.ipip ?? false,
  };
}

function decodeStage(stage: k8s.PolicyStage, field: string): StageSpec {
  const profiles = stage.profile_network_policy_name_refs;
  const name = field.slice('spec.'.length);
  return {
    kind: choose(STAGE_KINDS, stage.kind, `${name}.kind`),
    direction: choose(DIRECTIONS, stage.direction, `${name}.direction`),
    ruleList: choose(RULE_LISTS, stage.rule_list, `${name}.rule_list`),
    tiers: stage.tiers.map((tier, index) => decodeTier(tier, `${name}.tiers[${index}]`)),
    profiles: refKeys('networkPolicy', profiles, `${field}.profile_network_policy_name_refs`),
  };
}

function decodeTier(tier: k8s.PolicyTier, name: string): TierSpec {
  return {
    tierId: tier.tier_id,
    policies: refKeys(
      'networkPolicy',
      tier.network_policy_name_refs,
      `spec.${name}.network_policy_name_refs`,
    ),
    defaultAction: choose(TIER_ACTIONS, tier.default_action, `${name}.default_action`),
  };
}

function decodeFailsafe(failsafe: k8s.Failsafe, index: number): FailsafeSpec {
  const field = `spec.failsafes[${index}]`;
  const prefix = failsafe.remote_prefix;
  return {
    direction: choose(FAILSAFE_DIRECTIONS, failsafe.direction, `failsafes[${index}].direction`),
    protocol: bounded(failsafe.protocol, 255, `${field}.protocol`),
    port: bounded(failsafe.port, 65535, `${field}.port`),
    ...(isSet(prefix) ? { prefix: decodePrefix(prefix, `${field}.remote_prefix`) } : {}),
  };
}
