/** Messages of any Calico generation to Deltas in the model's words. Pure: no state, no decision. */
import type { ToDataplane } from '../gen/felix/types.js';
import type { CalicoVersion } from '../model/calico-version.js';
import type { Delta } from '../model/delta.js';
import { hostEndpointKey, ipSetId, policyKey, profileName, workloadKey } from '../model/ids.js';
import { toHostEndpoint, toWorkloadEndpoint, toWorkloadId } from './convert/endpoint.js';
import {
  canonicalPrefix,
  metadataScope,
  toEncapsulation,
  toHostMetadata,
  toHostMetadataDelta,
  toPool,
  toRoute,
  toVtep,
  toWireguardPeer,
  toWireguardPeerV6,
} from './convert/network.js';
import { toIpSetDeltas, toPolicy, toPolicyId, toProfile } from './convert/policy.js';
import type { DecodedMessage } from './message.js';

/**
 * What one message changes. A payload without effect here is `ignored`, fields that we do not know are `unknown`.
 *
 * `version` is the Calico of the stream, as its ConfigUpdate tells it: two generations give HostMetadataUpdate another
 * meaning with equal bytes. Throws an `Error` where a policy reference of a tier is no message.
 */
export function toDeltas(decoded: DecodedMessage, version: CalicoVersion): readonly Delta[] {
  const { message, unknownFields } = decoded;
  const deltas = policyDeltas(message) ?? networkDeltas(message, version) ?? [];
  if (deltas.length > 0 && unknownFields.length === 0) return deltas;
  return [...deltas, { type: 'unknown', fieldNumbers: unknownFields }];
}

/** Configuration, sets, policies, profiles and endpoints. */
function policyDeltas(message: ToDataplane): readonly Delta[] | undefined {
  switch (message.payload) {
    case 'config_update':
      return [{ type: 'config', values: new Map(Object.entries(message.config_update.config)) }];
    case 'in_sync':
      return [{ type: 'in-sync' }];
    case 'ipset_update':
      return toIpSetDeltas(message.ipset_update);
    case 'ipset_delta_update': {
      const { id, added_members: added, removed_members: removed } = message.ipset_delta_update;
      return [{ type: 'ip-set-delta', id: ipSetId(id), added, removed }];
    }
    case 'ipset_remove':
      return [{ type: 'ip-set-remove', id: ipSetId(message.ipset_remove.id) }];
    case 'active_policy_update':
      return [{ type: 'policy', policy: toPolicy(message.active_policy_update) }];
    case 'active_policy_remove': {
      const id = toPolicyId(message.active_policy_remove.id);
      return [{ type: 'policy-remove', key: policyKey(id) }];
    }
    case 'active_profile_update':
      return [{ type: 'profile', profile: toProfile(message.active_profile_update) }];
    case 'active_profile_remove': {
      const name = message.active_profile_remove.id?.name ?? '';
      return [{ type: 'profile-remove', name: profileName(name) }];
    }
    case 'workload_endpoint_update': {
      const endpoint = toWorkloadEndpoint(message.workload_endpoint_update);
      return [{ type: 'workload', endpoint }];
    }
    case 'workload_endpoint_remove': {
      const id = toWorkloadId(message.workload_endpoint_remove.id);
      return [{ type: 'workload-remove', key: workloadKey(id) }];
    }
    case 'host_endpoint_update':
      return [{ type: 'host-endpoint', endpoint: toHostEndpoint(message.host_endpoint_update) }];
    case 'host_endpoint_remove': {
      const id = message.host_endpoint_remove.id?.endpoint_id ?? '';
      return [{ type: 'host-endpoint-remove', key: hostEndpointKey(id) }];
    }
    default:
      return undefined;
  }
}

/** Nodes, pools, routes, tunnels, and what is only named. */
function networkDeltas(message: ToDataplane, version: CalicoVersion): readonly Delta[] | undefined {
  switch (message.payload) {
    case 'ipam_pool_update':
      return [{ type: 'pool', pool: toPool(message.ipam_pool_update) }];
    case 'ipam_pool_remove':
      return [{ type: 'pool-remove', id: message.ipam_pool_remove.id }];
    case 'route_update':
      return [{ type: 'route', route: toRoute(message.route_update) }];
    case 'route_remove':
      return [{ type: 'route-remove', destination: canonicalPrefix(message.route_remove.dst) }];
    case 'vtep_update':
      return [{ type: 'vtep', vtep: toVtep(message.vtep_update) }];
    case 'vtep_remove':
      return [{ type: 'vtep-remove', node: message.vtep_remove.node }];
    case 'encapsulation':
      return [{ type: 'encapsulation', encapsulation: toEncapsulation(message.encapsulation) }];
    case 'service_account_update':
    case 'service_account_remove':
    case 'namespace_update':
    case 'namespace_remove':
    case 'global_bgp_config_update':
    case 'service_update':
    case 'service_remove':
      return [{ type: 'ignored', payload: message.payload }];
    default:
      return wireguardDeltas(message) ?? metadataDeltas(message, version);
  }
}

function wireguardDeltas(message: ToDataplane): readonly Delta[] | undefined {
  switch (message.payload) {
    case 'wireguard_endpoint_update': {
      const peer = toWireguardPeer(message.wireguard_endpoint_update);
      return [{ type: 'wireguard', family: 4, peer }];
    }
    case 'wireguard_endpoint_remove': {
      const { hostname } = message.wireguard_endpoint_remove;
      return [{ type: 'wireguard-remove', family: 4, hostname }];
    }
    case 'wireguard_endpoint_v6_update': {
      const peer = toWireguardPeerV6(message.wireguard_endpoint_v6_update);
      return [{ type: 'wireguard', family: 6, peer }];
    }
    case 'wireguard_endpoint_v6_remove': {
      const { hostname } = message.wireguard_endpoint_v6_remove;
      return [{ type: 'wireguard-remove', family: 6, hostname }];
    }
    default:
      return undefined;
  }
}

/** Nodes: one message of all addresses, or up to v3.32 three messages of one family or both. */
function metadataDeltas(
  message: ToDataplane,
  version: CalicoVersion,
): readonly Delta[] | undefined {
  switch (message.payload) {
    case 'host_metadata_update':
      return [toHostMetadataDelta(message.host_metadata_update, version)];
    case 'host_metadata_remove': {
      const { hostname } = message.host_metadata_remove;
      return [{ type: 'host-metadata-remove', scope: metadataScope(version), hostname }];
    }
    case 'host_metadata_v6_update': {
      const metadata = toHostMetadata(message.host_metadata_v6_update);
      return [{ type: 'host-metadata', scope: 'ipv6', metadata }];
    }
    case 'host_metadata_v6_remove': {
      const { hostname } = message.host_metadata_v6_remove;
      return [{ type: 'host-metadata-remove', scope: 'ipv6', hostname }];
    }
    case 'host_metadata_v4v6_update': {
      const metadata = toHostMetadata(message.host_metadata_v4v6_update);
      return [{ type: 'host-metadata', scope: 'all', metadata }];
    }
    case 'host_metadata_v4v6_remove': {
      const { hostname } = message.host_metadata_v4v6_remove;
      return [{ type: 'host-metadata-remove', scope: 'all', hostname }];
    }
    default:
      return undefined;
  }
}
