/** Endpoints of the wire to the model's (felix-protocol: objects, host endpoints, other fields). */
import { LiveMigrationRole } from '../../gen/felix/types.js';
import type {
  HostEndpointUpdate,
  NatInfo as WireNatInfo,
  QoSControls,
  QoSPolicy,
  WorkloadEndpointID,
  WorkloadEndpointUpdate,
} from '../../gen/felix/types.js';
import type { HostEndpoint, NatInfo, QosControls, WorkloadEndpoint } from '../../model/endpoint.js';
import { hostEndpointKey, profileName, workloadKey, type WorkloadId } from '../../model/ids.js';
import { toTier } from './policy.js';

const DSCP_MAX = 63;

/** A workload endpoint. One without a body has no state, and so nothing may pass. */
export function toWorkloadEndpoint(update: WorkloadEndpointUpdate): WorkloadEndpoint {
  const id = toWorkloadId(update.id);
  const wire = update.endpoint;
  const dscp = toDscp(wire?.qos_policies ?? []);
  return {
    id,
    key: workloadKey(id),
    state: wire?.state ?? '',
    interfaceName: wire?.name ?? '',
    mac: wire?.mac ?? '',
    profiles: (wire?.profile_ids ?? []).map(profileName),
    ipv4Nets: wire?.ipv4_nets ?? [],
    ipv6Nets: wire?.ipv6_nets ?? [],
    tiers: (wire?.tiers ?? []).map(toTier),
    ipv4Nat: (wire?.ipv4_nat ?? []).map(toNat),
    ipv6Nat: (wire?.ipv6_nat ?? []).map(toNat),
    spoofPrefixes: wire?.allow_spoofed_source_prefixes ?? [],
    annotations: new Map(Object.entries(wire?.annotations ?? {})),
    ...(wire?.qos_controls ? { qos: toQos(wire.qos_controls) } : {}),
    ...(dscp === undefined ? {} : { dscp }),
    bgpPeerName: wire?.local_bgp_peer?.bgp_peer_name ?? '',
    istioAmbient: wire?.is_istio_ambient ?? false,
    liveMigrationRole: toRole(wire?.live_migration_role ?? LiveMigrationRole.NO_ROLE),
  };
}

/** Identity of a workload endpoint. */
export function toWorkloadId(wire: WorkloadEndpointID | null | undefined): WorkloadId {
  return {
    orchestrator: wire?.orchestrator_id ?? '',
    workload: wire?.workload_id ?? '',
    endpoint: wire?.endpoint_id ?? '',
  };
}

/** A host endpoint. */
export function toHostEndpoint(update: HostEndpointUpdate): HostEndpoint {
  const id = update.id?.endpoint_id ?? '';
  const wire = update.endpoint;
  return {
    id,
    key: hostEndpointKey(id),
    interfaceName: wire?.name ?? '',
    profiles: (wire?.profile_ids ?? []).map(profileName),
    tiers: (wire?.tiers ?? []).map(toTier),
    untrackedTiers: (wire?.untracked_tiers ?? []).map(toTier),
    preDnatTiers: (wire?.pre_dnat_tiers ?? []).map(toTier),
    forwardTiers: (wire?.forward_tiers ?? []).map(toTier),
    expectedIps: [...(wire?.expected_ipv4_addrs ?? []), ...(wire?.expected_ipv6_addrs ?? [])],
  };
}

function toNat(wire: WireNatInfo): NatInfo {
  return { external: wire.ext_ip, internal: wire.int_ip };
}

/** Calico puts the whole setting into the first entry. */
function toDscp(policies: readonly QoSPolicy[]): number | undefined {
  const dscp = policies[0]?.dscp;
  return dscp !== undefined && dscp >= 0 && dscp <= DSCP_MAX ? dscp : undefined;
}

function toRole(role: number): WorkloadEndpoint['liveMigrationRole'] {
  if (role === LiveMigrationRole.SOURCE) return 'source';
  return role === LiveMigrationRole.TARGET ? 'target' : 'none';
}

function toQos(wire: QoSControls): QosControls {
  return {
    ingressBandwidth: Number(wire.IngressBandwidth),
    egressBandwidth: Number(wire.EgressBandwidth),
    ingressBurst: Number(wire.IngressBurst),
    egressBurst: Number(wire.EgressBurst),
    ingressPacketRate: Number(wire.IngressPacketRate),
    egressPacketRate: Number(wire.EgressPacketRate),
    ingressMaxConnections: Number(wire.IngressMaxConnections),
    egressMaxConnections: Number(wire.EgressMaxConnections),
    ingressPeakrate: Number(wire.IngressPeakrate),
    egressPeakrate: Number(wire.EgressPeakrate),
    ingressMinburst: Number(wire.IngressMinburst),
    egressMinburst: Number(wire.EgressMinburst),
    ingressPacketBurst: Number(wire.IngressPacketBurst),
    egressPacketBurst: Number(wire.EgressPacketBurst),
  };
}
