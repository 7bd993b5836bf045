/**
 * What we say to Felix, as FromDataplane payloads. Every sub-message is set: Felix dereferences a missing status or id
 * (felix-protocol: messages to Felix).
 */
import type { Draft, FromDataplane, WorkloadEndpoint as WireEndpoint } from '../gen/felix/types.js';
import type { WorkloadEndpoint } from '../model/endpoint.js';
import type { WorkloadId } from '../model/ids.js';

/** A message for fd 4, before its sequence number. */
export type StatusMessage = Draft<FromDataplane>;

/** Status of an endpoint in Felix's words; `error` exists for host endpoints only. */
export type FelixEndpointStatus = 'up' | 'down' | 'error';

/** We live: `uptimeMs` since this process began to serve Felix. */
export function processStatus(nowMs: number, uptimeMs: number): StatusMessage {
  return {
    payload: 'process_status_update',
    process_status_update: {
      iso_timestamp: new Date(nowMs).toISOString(),
      uptime: uptimeMs / 1000,
    },
  };
}

/** Status of a workload endpoint; `error` is told as `down`, the only bad word workloads have. */
export function workloadStatus(
  endpoint: WorkloadEndpoint,
  status: FelixEndpointStatus,
): StatusMessage {
  return {
    payload: 'workload_endpoint_status_update',
    workload_endpoint_status_update: {
      id: wireId(endpoint.id),
      status: { status: status === 'up' ? 'up' : 'down' },
      endpoint: wireEndpoint(endpoint),
    },
  };
}

/** A workload endpoint is gone. */
export function workloadStatusRemove(id: WorkloadId): StatusMessage {
  return {
    payload: 'workload_endpoint_status_remove',
    workload_endpoint_status_remove: { id: wireId(id) },
  };
}

/** Status of a host endpoint. */
export function hostStatus(endpointId: string, status: FelixEndpointStatus): StatusMessage {
  return {
    payload: 'host_endpoint_status_update',
    host_endpoint_status_update: { id: { endpoint_id: endpointId }, status: { status } },
  };
}

/** A host endpoint is gone. */
export function hostStatusRemove(endpointId: string): StatusMessage {
  return {
    payload: 'host_endpoint_status_remove',
    host_endpoint_status_remove: { id: { endpoint_id: endpointId } },
  };
}

function wireId(id: WorkloadId): {
  orchestrator_id: string;
  workload_id: string;
  endpoint_id: string;
} {
  return {
    orchestrator_id: id.orchestrator,
    workload_id: id.workload,
    endpoint_id: id.endpoint,
  };
}

/** The members that Felix's status reporters read, plus the endpoint's state. */
function wireEndpoint(endpoint: WorkloadEndpoint): Draft<WireEndpoint> {
  return {
    state: endpoint.state,
    name: endpoint.interfaceName,
    mac: endpoint.mac,
    profile_ids: endpoint.profiles,
    ipv4_nets: endpoint.ipv4Nets,
    ipv6_nets: endpoint.ipv6Nets,
    ...(endpoint.bgpPeerName === ''
      ? {}
      : { local_bgp_peer: { bgp_peer_name: endpoint.bgpPeerName } }),
  };
}
