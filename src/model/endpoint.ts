/** Endpoints as Felix describes them: local pods, and the host's own interfaces. */
import type { HostEndpointKey, ProfileName, WorkloadId, WorkloadKey } from './ids.js';
import type { Tier } from './policy.js';

/** Limits of Calico's QoSControls; bit/s, bits, bytes, packets/s, packets, connections. 0 = off. */
export interface QosControls {
  readonly ingressBandwidth: number;
  readonly egressBandwidth: number;
  readonly ingressBurst: number;
  readonly egressBurst: number;
  readonly ingressPacketRate: number;
  readonly egressPacketRate: number;
  readonly ingressMaxConnections: number;
  readonly egressMaxConnections: number;
  readonly ingressPeakrate: number;
  readonly egressPeakrate: number;
  readonly ingressMinburst: number;
  readonly egressMinburst: number;
  readonly ingressPacketBurst: number;
  readonly egressPacketBurst: number;
}

/** A floating IP: traffic to `external` belongs to `internal`. */
export interface NatInfo {
  readonly external: string;
  readonly internal: string;
}

/** A local pod's endpoint. */
export interface WorkloadEndpoint {
  readonly id: WorkloadId;
  readonly key: WorkloadKey;
  /** `active`, or anything else = deny everything, established flows too. */
  readonly state: string;
  /** Host-side interface name, e.g. `cali1234567890a`. */
  readonly interfaceName: string;
  /** Empty when Calico does not know it (Kubernetes datastore). */
  readonly mac: string;
  readonly profiles: readonly ProfileName[];
  /** Prefix texts, /32 and /128 in practice. */
  readonly ipv4Nets: readonly string[];
  readonly ipv6Nets: readonly string[];
  readonly tiers: readonly Tier[];
  readonly ipv4Nat: readonly NatInfo[];
  readonly ipv6Nat: readonly NatInfo[];
  /** Extra prefixes this endpoint may use as source. */
  readonly spoofPrefixes: readonly string[];
  readonly annotations: ReadonlyMap<string, string>;
  readonly qos?: QosControls;
  /** DSCP 0..63 for traffic leaving the cluster. */
  readonly dscp?: number;
  readonly bgpPeerName: string;
  readonly istioAmbient: boolean;
  readonly liveMigrationRole: 'none' | 'source' | 'target';
}

/** A host endpoint: policy of the node's own interface, not yet resolved to one. */
export interface HostEndpoint {
  readonly id: string;
  readonly key: HostEndpointKey;
  /** Interface name, `*` for all, or empty = found by `expectedIps`. */
  readonly interfaceName: string;
  readonly profiles: readonly ProfileName[];
  readonly tiers: readonly Tier[];
  readonly untrackedTiers: readonly Tier[];
  readonly preDnatTiers: readonly Tier[];
  readonly forwardTiers: readonly Tier[];
  /** Bare addresses of both families. */
  readonly expectedIps: readonly string[];
}
