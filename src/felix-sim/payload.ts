/** Which object a ToDataplane payload speaks of: the key that makes two messages speak of the same one. */
import type { PolicyID, ToDataplane, WorkloadEndpointID } from '../gen/felix/types.js';

/** A message that says something about one object, or about the session. */
export interface Subject {
  /** Kind of the object, one word for update and remove. */
  readonly kind: SubjectKind;
  /** Identity within the kind; empty for singletons. */
  readonly key: string;
  readonly removes: boolean;
}

/** Kinds in the order of one flush of Felix (felix-protocol: one flush). */
export const SUBJECT_KINDS = [
  'config',
  'ipset',
  'policy',
  'profile',
  'workload',
  'host-endpoint',
  'service-account',
  'namespace',
  'vtep',
  'route',
  'wireguard',
  'wireguard-v6',
  'host-metadata',
  'host-metadata-v6',
  'host-metadata-v4v6',
  'pool',
  'encapsulation',
  'bgp-config',
  'service',
] as const;

/** Kind of an object that Felix speaks of. */
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/** The object a message speaks of; `undefined` for InSync, set deltas and unknown payloads. */
export function subjectOf(message: ToDataplane): Subject | undefined {
  return endpointSubject(message) ?? policySubject(message) ?? networkSubject(message);
}

/** Key text of a policy id: every field, so that it is unique in each generation. */
export function policyIdKey(id: PolicyID | null | undefined): string {
  return JSON.stringify([id?.tier, id?.kind, id?.namespace, id?.name]);
}

/** Key text of a workload endpoint id. */
export function workloadIdKey(id: WorkloadEndpointID | null | undefined): string {
  return JSON.stringify([id?.orchestrator_id, id?.workload_id, id?.endpoint_id]);
}

function update(kind: SubjectKind, key = ''): Subject {
  return { kind, key, removes: false };
}

function removal(kind: SubjectKind, key: string): Subject {
  return { kind, key, removes: true };
}

function policySubject(message: ToDataplane): Subject | undefined {
  switch (message.payload) {
    case 'config_update':
      return update('config');
    case 'ipset_update':
      return update('ipset', message.ipset_update.id);
    case 'ipset_remove':
      return removal('ipset', message.ipset_remove.id);
    case 'active_policy_update':
      return update('policy', policyIdKey(message.active_policy_update.id));
    case 'active_policy_remove':
      return removal('policy', policyIdKey(message.active_policy_remove.id));
    case 'active_profile_update':
      return update('profile', message.active_profile_update.id?.name);
    case 'active_profile_remove':
      return removal('profile', message.active_profile_remove.id?.name ?? '');
    default:
      return undefined;
  }
}

function endpointSubject(message: ToDataplane): Subject | undefined {
  switch (message.payload) {
    case 'workload_endpoint_update':
      return update('workload', workloadIdKey(message.workload_endpoint_update.id));
    case 'workload_endpoint_remove':
      return removal('workload', workloadIdKey(message.workload_endpoint_remove.id));
    case 'host_endpoint_update':
      return update('host-endpoint', message.host_endpoint_update.id?.endpoint_id);
    case 'host_endpoint_remove':
      return removal('host-endpoint', message.host_endpoint_remove.id?.endpoint_id ?? '');
    case 'service_account_update':
      return update('service-account', pairKey(message.service_account_update.id));
    case 'service_account_remove':
      return removal('service-account', pairKey(message.service_account_remove.id));
    case 'namespace_update':
      return update('namespace', message.namespace_update.id?.name);
    case 'namespace_remove':
      return removal('namespace', message.namespace_remove.id?.name ?? '');
    case 'service_update':
      return update('service', pairKey(message.service_update));
    case 'service_remove':
      return removal('service', pairKey(message.service_remove));
    default:
      return undefined;
  }
}

function networkSubject(message: ToDataplane): Subject | undefined {
  switch (message.payload) {
    case 'route_update':
      return update('route', message.route_update.dst);
    case 'route_remove':
      return removal('route', message.route_remove.dst);
    case 'vtep_update':
      return update('vtep', message.vtep_update.node);
    case 'vtep_remove':
      return removal('vtep', message.vtep_remove.node);
    case 'wireguard_endpoint_update':
      return update('wireguard', message.wireguard_endpoint_update.hostname);
    case 'wireguard_endpoint_remove':
      return removal('wireguard', message.wireguard_endpoint_remove.hostname);
    case 'wireguard_endpoint_v6_update':
      return update('wireguard-v6', message.wireguard_endpoint_v6_update.hostname);
    case 'wireguard_endpoint_v6_remove':
      return removal('wireguard-v6', message.wireguard_endpoint_v6_remove.hostname);
    case 'ipam_pool_update':
      return update('pool', message.ipam_pool_update.id);
    case 'ipam_pool_remove':
      return removal('pool', message.ipam_pool_remove.id);
    case 'encapsulation':
      return update('encapsulation');
    case 'global_bgp_config_update':
      return update('bgp-config');
    default:
      return metadataSubject(message);
  }
}

function metadataSubject(message: ToDataplane): Subject | undefined {
  switch (message.payload) {
    case 'host_metadata_update':
      return update('host-metadata', message.host_metadata_update.hostname);
    case 'host_metadata_remove':
      return removal('host-metadata', message.host_metadata_remove.hostname);
    case 'host_metadata_v6_update':
      return update('host-metadata-v6', message.host_metadata_v6_update.hostname);
    case 'host_metadata_v6_remove':
      return removal('host-metadata-v6', message.host_metadata_v6_remove.hostname);
    case 'host_metadata_v4v6_update':
      return update('host-metadata-v4v6', message.host_metadata_v4v6_update.hostname);
    case 'host_metadata_v4v6_remove':
      return removal('host-metadata-v4v6', message.host_metadata_v4v6_remove.hostname);
    default:
      return undefined;
  }
}

function pairKey(
  id: { readonly namespace: string; readonly name: string } | null | undefined,
): string {
  return JSON.stringify([id?.namespace, id?.name]);
}
