/**
 * Everything that Felix tells a node's driver about one state of the cluster. It follows from the state alone, so that any
 * two ways to the same state end in the same view. Computed whole: what changed is found by comparing views.
 */
import type { Draft, IPSetUpdate, ToDataplane } from '../../../gen/felix/types.js';
import { IPSetUpdate_IPSetType } from '../../../gen/felix/types.js';
import type {
  HostEndpointResource,
  PolicyResource,
  WorkloadResource,
} from '../resources/resource.js';
import type { SetDefinition } from '../rules/set-definition.js';
import { toMessage } from '../message.js';
import { formatSelector } from '../selector/print.js';
import type { ResourceStore } from '../store.js';
import {
  encapsulationOf,
  nodeMessages,
  poolMessage,
  profileSubject,
  serviceMessage,
} from './cluster-messages.js';
import { nestedPrefixesHidden, settingsOf, spoofingAllowed, type Settings } from './config.js';
import { hostEndpointMessage, workloadMessage } from './endpoint-messages.js';
import { setMembers, setType, type MemberSource } from './members.js';
import { policyMessage, profileMessage } from './policy-messages.js';
import { Selection } from './selection.js';
import { orderTiers, tiersOf } from './tiers.js';

/** One state as a driver is told it. */
export interface View {
  readonly settings: Settings;
  /** Sets by id, with all their members. */
  readonly sets: ReadonlyMap<string, SetView>;
  /** Updates of all other objects. */
  readonly updates: readonly ToDataplane[];
}

/** An IP set. */
export interface SetView {
  readonly type: IPSetUpdate['type'];
  readonly members: ReadonlySet<string>;
}

type LocalEndpoint = WorkloadResource | HostEndpointResource;

/** Whose view it is. */
export interface Viewer {
  /** Name of Felix's node. */
  readonly node: string;
  /** Settings from elsewhere, such as the environment: they go above those of the cluster. */
  readonly settings: Settings;
}

/** The view that the Felix of a node has. */
export function computeView(store: ResourceStore, { node, settings: own }: Viewer): View {
  const settings = { ...settingsOf(store.all('felix-configuration'), node), ...own };
  const allowed = spoofingAllowed(settings);
  const workloads = store
    .all('workload')
    .filter(({ spoofedPrefixes }) => allowed || spoofedPrefixes.length === 0);
  const endpoints = [...workloads, ...store.all('host-endpoint')];
  const profiles = new Map(store.all('profile').map((profile) => [profile.name, profile]));
  const local = endpoints.filter((endpoint) => endpoint.node === node);
  const matches = matchPolicies(store.all('policy'), new Selection<LocalEndpoint>(local, profiles));
  const usedProfiles = [...new Set(local.flatMap((endpoint) => endpoint.profiles))];
  const definitions = new Map(
    [...matches.active, ...usedProfiles.flatMap((name) => profiles.get(name) ?? [])]
      .flatMap(({ rules }) => rules.sets)
      .map((definition) => [definition.id, definition]),
  );
  const source: MemberSource = {
    selection: new Selection([...endpoints, ...store.all('network-set')], profiles),
    slices: store.all('endpoint-slice'),
    nestedHidden: nestedPrefixesHidden(settings),
  };
  const tiers = orderTiers(store.all('tier'), matches.active);
  return {
    settings,
    sets: new Map([...definitions].map(([id, definition]) => [id, setView(definition, source)])),
    updates: [
      ...matches.active.map(policyUpdate),
      ...[
        ...usedProfiles.map((name): Draft<ToDataplane> => ({
          active_profile_update: profileMessage(name, profiles.get(name)),
        })),
        ...local.map((endpoint) =>
          endpointMessage(endpoint, tiersOf(tiers, matches.selecting.get(endpoint) ?? new Set())),
        ),
        ...clusterMessages(store),
      ].map(toMessage),
    ],
  };
}

/** Messages of policies seen before: a policy says the same wherever it selects something. */
const policyUpdates = new WeakMap<PolicyResource, ToDataplane>();

function policyUpdate(policy: PolicyResource): ToDataplane {
  const known = policyUpdates.get(policy);
  if (known !== undefined) return known;
  const originalSelector = formatSelector(policy.selector);
  const update = toMessage({ active_policy_update: policyMessage(policy, originalSelector) });
  policyUpdates.set(policy, update);
  return update;
}

interface PolicyMatches {
  /** Policies that select a local endpoint, or that are needed everywhere. */
  readonly active: readonly PolicyResource[];
  /** The policies that select an endpoint. */
  readonly selecting: ReadonlyMap<LocalEndpoint, ReadonlySet<PolicyResource>>;
}

function matchPolicies(
  policies: readonly PolicyResource[],
  local: Selection<LocalEndpoint>,
): PolicyMatches {
  const selecting = new Map<LocalEndpoint, Set<PolicyResource>>();
  const active = policies.filter((policy) => {
    const endpoints = local.select(policy.selector);
    for (const endpoint of endpoints) {
      const known = selecting.get(endpoint) ?? new Set<PolicyResource>();
      selecting.set(endpoint, known.add(policy));
    }
    return endpoints.length > 0 || policy.perfHints.includes('AssumeNeededOnEveryNode');
  });
  return { active, selecting };
}

function setView(definition: SetDefinition, source: MemberSource): SetView {
  return {
    type: IPSetUpdate_IPSetType[setType(definition)],
    members: setMembers(definition, source),
  };
}

function endpointMessage(
  endpoint: LocalEndpoint,
  tiers: ReturnType<typeof tiersOf>,
): Draft<ToDataplane> {
  return endpoint.is === 'workload'
    ? { workload_endpoint_update: workloadMessage(endpoint, tiers) }
    : { host_endpoint_update: hostEndpointMessage(endpoint, tiers) };
}

function clusterMessages(store: ResourceStore): Draft<ToDataplane>[] {
  const pools = store.all('pool');
  return [
    ...store.all('profile').flatMap(profileSubject),
    ...store.all('node').flatMap(nodeMessages),
    ...pools.map(poolMessage),
    { encapsulation: encapsulationOf(pools) },
    ...store.all('service').map(serviceMessage),
  ];
}
