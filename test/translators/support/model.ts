/** Calico's nouns with every field set, for tests that care about a few of them. */
import type { HostEndpoint, WorkloadEndpoint } from '../../../src/model/endpoint.js';
import {
  hostEndpointKey,
  policyKey,
  type PolicyId,
  profileName,
  workloadKey,
} from '../../../src/model/ids.js';
import type { HostMetadata } from '../../../src/model/network.js';
import type {
  Policy,
  PolicyRef,
  Profile,
  Rule,
  RuleAction,
  RuleSide,
  Tier,
} from '../../../src/model/policy.js';

/** A side without conditions. */
export const anySide: RuleSide = {
  nets: [],
  notNets: [],
  ipSets: [],
  notIpSets: [],
  ports: [],
  namedPorts: [],
  notPorts: [],
  notNamedPorts: [],
};

/** A rule that matches everything but for `fields`. */
export function rule(action: RuleAction, fields: Partial<Rule> = {}): Rule {
  return {
    action,
    actionText: action,
    source: anySide,
    destination: anySide,
    destinationIpPortSets: [],
    hasHttpMatch: false,
    ruleId: '',
    ...fields,
  };
}

/** Identity of a GlobalNetworkPolicy; `staged:name` is a staged one. */
export function policyId(name: string): PolicyId {
  const staged = name.startsWith('staged:');
  const kind = staged ? 'StagedGlobalNetworkPolicy' : 'GlobalNetworkPolicy';
  return { kind, namespace: '', name: staged ? name.slice('staged:'.length) : name, tier: '' };
}

/** A policy of tier `default`. */
export function policy(name: string, fields: Partial<Policy> = {}): Policy {
  const id = policyId(name);
  return {
    id,
    key: policyKey(id),
    tier: 'default',
    staged: name.startsWith('staged:'),
    untracked: false,
    preDnat: false,
    selector: '',
    inbound: [],
    outbound: [],
    ...fields,
  };
}

/** A reference to a policy of `policy`. */
export function policyRef(name: string): PolicyRef {
  const { id, key, staged } = policy(name);
  return { id, key, staged };
}

/** A tier that lists the named policies. */
export function tier(
  name: string,
  ingress: readonly string[],
  egress: readonly string[],
  defaultAction: Tier['defaultAction'] = 'deny',
): Tier {
  return {
    name,
    ingress: ingress.map(policyRef),
    egress: egress.map(policyRef),
    defaultAction,
  };
}

/** A profile. */
export function profile(name: string, fields: Partial<Profile> = {}): Profile {
  return { name: profileName(name), inbound: [], outbound: [], ...fields };
}

/** An active pod without addresses on interface `cali-<workload>`. */
export function workload(name: string, fields: Partial<WorkloadEndpoint> = {}): WorkloadEndpoint {
  const id = { orchestrator: 'k8s', workload: name, endpoint: 'eth0' };
  return {
    id,
    key: workloadKey(id),
    state: 'active',
    interfaceName: `cali-${name}`,
    mac: '',
    profiles: [],
    ipv4Nets: [],
    ipv6Nets: [],
    tiers: [],
    ipv4Nat: [],
    ipv6Nat: [],
    spoofPrefixes: [],
    annotations: new Map(),
    bgpPeerName: '',
    istioAmbient: false,
    liveMigrationRole: 'none',
    ...fields,
  };
}

/** A host endpoint without policy on `eth0`. */
export function hostEndpoint(id: string, fields: Partial<HostEndpoint> = {}): HostEndpoint {
  return {
    id,
    key: hostEndpointKey(id),
    interfaceName: 'eth0',
    profiles: [],
    tiers: [],
    untrackedTiers: [],
    preDnatTiers: [],
    forwardTiers: [],
    expectedIps: [],
    ...fields,
  };
}

/** Addresses of a node. */
export function hostMetadata(hostname: string, ipv4: string, ipv6 = ''): HostMetadata {
  return { hostname, ipv4, ipv6, asNumber: '', labels: new Map() };
}
