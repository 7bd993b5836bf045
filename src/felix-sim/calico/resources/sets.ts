/** Network sets, profiles and tiers. */
import { compileRules } from '../rules/compile.js';
import { readRule } from '../rules/read-rule.js';
import { NAMESPACE_LABEL } from '../selector/scope.js';
import type { Field } from '../yaml/field.js';
import { readMetadata } from './metadata.js';
import { DEFAULT_TIER } from './policy.js';
import type { NetworkSetResource, ProfileResource, TierResource } from './resource.js';

/** Prefix of the profiles that stand for namespaces. */
export const NAMESPACE_PROFILE_PREFIX = 'kns.';
/** Prefix of the profiles that stand for service accounts: `ksa.namespace.name`. */
export const SERVICE_ACCOUNT_PROFILE_PREFIX = 'ksa.';

/** Order of the tier that is always there. */
const DEFAULT_TIER_ORDER = 1_000_000;

/** A NetworkSet: its namespace is a label, and the namespace's labels are inherited. */
export function readNetworkSet(resource: Field): NetworkSetResource {
  const { namespace, name, labels } = readMetadata(resource, true);
  return {
    is: 'network-set',
    kind: 'NetworkSet',
    namespace,
    name,
    labels: { ...labels, [NAMESPACE_LABEL]: namespace },
    profiles: [`${NAMESPACE_PROFILE_PREFIX}${namespace}`],
    ...readNets(resource),
  };
}

/** A GlobalNetworkSet. */
export function readGlobalNetworkSet(resource: Field): NetworkSetResource {
  const { name, labels } = readMetadata(resource, false);
  return {
    is: 'network-set',
    kind: 'GlobalNetworkSet',
    namespace: '',
    name,
    labels,
    profiles: [],
    ...readNets(resource),
  };
}

/** A Profile. */
export function readProfile(resource: Field): ProfileResource {
  const { name } = readMetadata(resource, false);
  const spec = resource.at('spec').only('ingress', 'egress', 'labelsToApply');
  const rules = (direction: string) =>
    spec
      .at(direction)
      .items()
      .map((rule) => readRule(rule, ''));
  return {
    is: 'profile',
    kind: 'Profile',
    namespace: '',
    name,
    labelsToApply: spec.at('labelsToApply').texts(),
    rules: compileRules(rules('ingress'), rules('egress'), ''),
  };
}

/** A Tier. */
export function readTier(resource: Field): TierResource {
  const { name } = readMetadata(resource, false);
  const spec = resource.at('spec').only('order', 'defaultAction');
  const fallback = name === DEFAULT_TIER ? DEFAULT_TIER_ORDER : Infinity;
  return {
    is: 'tier',
    kind: 'Tier',
    namespace: '',
    name,
    order: spec.at('order').orAbsent?.number() ?? fallback,
    defaultAction: spec.at('defaultAction').orAbsent?.oneOf('Deny', 'Pass') ?? 'Deny',
  };
}

/** The tier that is there without being written. */
export const BUILT_IN_TIER: TierResource = {
  is: 'tier',
  kind: 'Tier',
  namespace: '',
  name: DEFAULT_TIER,
  order: DEFAULT_TIER_ORDER,
  defaultAction: 'Deny',
};

/** The profile that is there without being written; host endpoints that Calico makes itself use it. */
export const BUILT_IN_PROFILE: ProfileResource = {
  is: 'profile',
  kind: 'Profile',
  namespace: '',
  name: 'projectcalico-default-allow',
  labelsToApply: {},
  rules: { inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }], sets: [] },
};

function readNets(resource: Field): Pick<NetworkSetResource, 'nets' | 'ports'> {
  const spec = resource.at('spec').only('nets');
  return {
    nets: spec
      .at('nets')
      .items()
      .map((net) => net.cidr()),
    ports: [],
  };
}
