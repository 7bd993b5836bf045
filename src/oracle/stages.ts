/** Which policy a packet meets at a port, in which order; felix-protocol: host endpoints, workload and host. */
import type { HostEndpoint, TierInfo } from '../gen/felix/types.js';
import type { HostEndpoints } from './places.js';
import { enforcedPolicies, type Direction } from './stack.js';
import type { Workload } from './state.js';

/** `untracked` and `preDnat` continue without a match, `forward` allows, `host` and `workload` ask profiles, then deny. */
export type StageKind = 'untracked' | 'preDnat' | 'forward' | 'host' | 'workload';

/** One chain of policy on a packet's way. */
export interface Stage {
  readonly kind: StageKind;
  /** For people. */
  readonly where: string;
  readonly direction: Direction;
  readonly tiers: readonly TierInfo[];
  /** `host` and `workload` only. */
  readonly profiles: readonly string[];
}

/** Where a packet enters or leaves the data plane. `tunnel` is the uplink for packets that travel encapsulated. */
export type Port =
  | { readonly kind: 'host' }
  | { readonly kind: 'uplink' }
  | { readonly kind: 'tunnel' }
  | { readonly kind: 'workload'; readonly workload: Workload };

/** Stages of a packet that comes in by `port` and goes out by `other`, those at its entry. */
export function entryStages(port: Port, other: Port, endpoints: HostEndpoints): Stage[] {
  const { specific, any } = endpoints;
  const beyond = (endpoint: HostEndpoint | undefined, where: string): Stage[] =>
    other.kind === 'host' ? [] : hostStage('forward', endpoint, where, 'ingress');
  switch (port.kind) {
    case 'host':
      return [];
    case 'uplink':
      return [
        ...hostStage('untracked', specific, 'uplink', 'ingress'),
        ...hostStage('preDnat', preDnatEndpoint(endpoints), 'uplink', 'ingress'),
        ...beyond(specific ?? any, 'uplink'),
        ...(other.kind === 'host' ? hostStage('host', specific ?? any, 'uplink', 'ingress') : []),
      ];
    case 'tunnel':
      return [...hostStage('preDnat', any, 'tunnel', 'ingress'), ...beyond(any, 'tunnel')];
    case 'workload': {
      const where = port.workload.id.workload_id;
      return [
        ...hostStage('preDnat', any, where, 'ingress'),
        ...beyond(any, where),
        workloadStage(port.workload, 'egress'),
      ];
    }
  }
}

/** The same for a packet that goes out by `port` and came in by `other`, those at its exit. */
export function exitStages(port: Port, other: Port, endpoints: HostEndpoints): Stage[] {
  const { specific, any } = endpoints;
  const isFromHost = other.kind === 'host';
  switch (port.kind) {
    case 'host':
      return [];
    case 'uplink':
      return isFromHost
        ? [
            ...hostStage('untracked', specific, 'uplink', 'egress'),
            ...hostStage('host', specific ?? any, 'uplink', 'egress'),
          ]
        : hostStage('forward', specific ?? any, 'uplink', 'egress');
    case 'tunnel':
      return isFromHost ? [] : hostStage('forward', any, 'tunnel', 'egress');
    case 'workload':
      if (isFromHost) return [];
      return [
        ...hostStage('forward', any, port.workload.id.workload_id, 'egress'),
        workloadStage(port.workload, 'ingress'),
      ];
  }
}

/** A specific endpoint without preDNAT tiers does not hide those of `*`. */
function preDnatEndpoint({ specific, any }: HostEndpoints): HostEndpoint | undefined {
  return specific !== undefined && specific.pre_dnat_tiers.length > 0 ? specific : any;
}

/** The stage, unless it is not there: no endpoint, or (but for `host`) no enforced policy in this direction. */
function hostStage(
  kind: Exclude<StageKind, 'workload'>,
  endpoint: HostEndpoint | undefined,
  where: string,
  direction: Direction,
): Stage[] {
  if (endpoint === undefined) return [];
  const tiers = {
    untracked: endpoint.untracked_tiers,
    preDnat: endpoint.pre_dnat_tiers,
    forward: endpoint.forward_tiers,
    host: endpoint.tiers,
  }[kind];
  const isThere =
    kind === 'host' || tiers.some((one) => enforcedPolicies(one, direction).length > 0);
  if (!isThere) return [];
  const label = `${where} ${kind} ${direction} (host endpoint ${endpoint.name || 'by address'})`;
  const profiles = kind === 'host' ? endpoint.profile_ids : [];
  return [{ kind, where: label, direction, tiers, profiles }];
}

function workloadStage({ id, endpoint }: Workload, direction: Direction): Stage {
  const where = `${id.workload_id} ${direction}`;
  const { tiers, profile_ids: profiles } = endpoint;
  return { kind: 'workload', where, direction, tiers, profiles };
}
