/** What Felix has said so far, message by message, with nothing interpreted that the messages do not say. */
import { parseCidr, parseIp, type Cidr, type Family, type IpAddress } from '../base/ip.js';
import type {
  ActivePolicyUpdate,
  HostEndpoint,
  Policy,
  PolicyID,
  Profile,
  RouteUpdate,
  ToDataplane,
  WorkloadEndpoint,
  WorkloadEndpointID,
} from '../gen/felix/types.js';
import { IpSet } from './ip-set.js';
import { policyRefOf, type PolicyRef } from './policy-ref.js';

/** A local workload endpoint. */
export interface Workload {
  readonly id: WorkloadEndpointID;
  readonly endpoint: WorkloadEndpoint;
}

/** What a route is; felix-protocol: RouteUpdate has two fields for it, by generation. */
export type RouteKind =
  | 'remote-workload'
  | 'remote-host'
  | 'local-workload'
  | 'local-host'
  | 'remote-tunnel'
  | 'local-tunnel';

/** A route with its destination parsed. */
export interface Route {
  readonly destination: Cidr;
  readonly kinds: readonly RouteKind[];
  readonly update: RouteUpdate;
}

/** Numbers of `types` (bits) and of the older `type` (sequence), by kind. */
const ROUTE_KINDS: readonly { kind: RouteKind; bit: number; sequence: number }[] = [
  { kind: 'remote-workload', bit: 1, sequence: 1 },
  { kind: 'remote-host', bit: 2, sequence: 2 },
  { kind: 'local-workload', bit: 4, sequence: 3 },
  { kind: 'local-host', bit: 8, sequence: 4 },
  { kind: 'remote-tunnel', bit: 16, sequence: 5 },
  { kind: 'local-tunnel', bit: 32, sequence: 6 },
];

/** The state of one Felix session. */
export class FelixState {
  /** Explicitly set configuration. */
  config: Readonly<Record<string, string>> = {};
  readonly sets = new Map<string, IpSet>();
  /** By `PolicyRef.key`. */
  readonly policies = new Map<string, Policy>();
  readonly profiles = new Map<string, Profile>();
  readonly workloads = new Map<string, Workload>();
  readonly hostEndpoints = new Map<string, HostEndpoint>();
  /** Addresses of each node, by hostname, then by family. */
  readonly nodes = new Map<string, { readonly ipv4?: string; readonly ipv6?: string }>();
  /** By destination text. */
  readonly routes = new Map<string, Route>();
  /** Underlay addresses of each node's VXLAN endpoint. */
  readonly vteps = new Map<string, readonly string[]>();
  /** Families that have VXLAN pools. */
  vxlan: Readonly<Record<Family, boolean>> = { 4: false, 6: false };
  ipip = false;

  /** Folds one message in. Messages that policy does not depend on change nothing. */
  apply(message: ToDataplane): void {
    this.applyRules(message);
    this.applyEndpoints(message);
    this.applyNetwork(message);
  }

  private applyRules(message: ToDataplane): void {
    switch (message.payload) {
      case 'config_update':
        this.config = message.config_update.config;
        break;
      case 'ipset_update':
        this.sets.set(message.ipset_update.id, new IpSet(message.ipset_update.members));
        break;
      case 'ipset_delta_update': {
        const { id, added_members, removed_members } = message.ipset_delta_update;
        const set = this.sets.get(id);
        for (const member of removed_members) set?.remove(member);
        for (const member of added_members) set?.add(member);
        break;
      }
      case 'ipset_remove':
        this.sets.delete(message.ipset_remove.id);
        break;
      case 'active_policy_update':
        this.setPolicy(message.active_policy_update);
        break;
      case 'active_policy_remove':
        this.policies.delete(policyKey(message.active_policy_remove.id));
        break;
      case 'active_profile_update': {
        const { id, profile } = message.active_profile_update;
        if (profile) this.profiles.set(id?.name ?? '', profile);
        break;
      }
      case 'active_profile_remove':
        this.profiles.delete(message.active_profile_remove.id?.name ?? '');
        break;
      default:
    }
  }

  private setPolicy({ id, policy }: ActivePolicyUpdate): void {
    if (policy) this.policies.set(policyKey(id), policy);
  }

  private applyEndpoints(message: ToDataplane): void {
    switch (message.payload) {
      case 'workload_endpoint_update': {
        const { id, endpoint } = message.workload_endpoint_update;
        if (id && endpoint) this.workloads.set(workloadKey(id), { id, endpoint });
        break;
      }
      case 'workload_endpoint_remove': {
        const { id } = message.workload_endpoint_remove;
        if (id) this.workloads.delete(workloadKey(id));
        break;
      }
      case 'host_endpoint_update': {
        const { id, endpoint } = message.host_endpoint_update;
        if (id && endpoint) this.hostEndpoints.set(id.endpoint_id, endpoint);
        break;
      }
      case 'host_endpoint_remove':
        this.hostEndpoints.delete(message.host_endpoint_remove.id?.endpoint_id ?? '');
        break;
      default:
    }
  }

  private applyNetwork(message: ToDataplane): void {
    switch (message.payload) {
      case 'host_metadata_update': {
        const { hostname, ipv4_addr, ipv6_addr } = message.host_metadata_update;
        this.setNode(hostname, { ipv4: ipv4_addr, ...(ipv6_addr ? { ipv6: ipv6_addr } : {}) });
        break;
      }
      case 'host_metadata_v6_update': {
        const { hostname, ipv6_addr } = message.host_metadata_v6_update;
        this.setNode(hostname, { ipv6: ipv6_addr });
        break;
      }
      case 'host_metadata_v4v6_update': {
        const { hostname, ipv4_addr, ipv6_addr } = message.host_metadata_v4v6_update;
        this.setNode(hostname, { ipv4: ipv4_addr, ipv6: ipv6_addr });
        break;
      }
      case 'host_metadata_remove':
        this.nodes.delete(message.host_metadata_remove.hostname);
        break;
      case 'host_metadata_v4v6_remove':
        this.nodes.delete(message.host_metadata_v4v6_remove.hostname);
        break;
      case 'route_update':
        this.setRoute(message.route_update);
        break;
      case 'route_remove':
        this.routes.delete(message.route_remove.dst);
        break;
      case 'vtep_update': {
        const { node, parent_device_ip, parent_device_ipv6 } = message.vtep_update;
        this.vteps.set(node, [parent_device_ip, parent_device_ipv6]);
        break;
      }
      case 'vtep_remove':
        this.vteps.delete(message.vtep_remove.node);
        break;
      case 'encapsulation': {
        const { vxlan_enabled, vxlan_enabled_v6, ipip_enabled } = message.encapsulation;
        this.vxlan = { 4: vxlan_enabled, 6: vxlan_enabled_v6 };
        this.ipip = ipip_enabled;
        break;
      }
      default:
    }
  }

  private setNode(hostname: string, addresses: { ipv4?: string; ipv6?: string }): void {
    this.nodes.set(hostname, { ...this.nodes.get(hostname), ...addresses });
  }

  private setRoute(update: RouteUpdate): void {
    const destination = parseCidr(update.dst);
    if (destination === undefined) return;
    const kinds = ROUTE_KINDS.filter(
      ({ bit, sequence }) => (update.types & bit) !== 0 || update.type === sequence,
    ).map(({ kind }) => kind);
    this.routes.set(update.dst, { destination, kinds, update });
  }
}

/** Order of workload endpoints: of two that claim one thing, the smaller has it. */
export function workloadKey(id: WorkloadEndpointID): string {
  return [id.orchestrator_id, id.workload_id, id.endpoint_id].join('\u0000');
}

/** An address that may carry a prefix length; `undefined` where it is empty or malformed. */
export function addressOf(text: string | undefined): IpAddress | undefined {
  return parseIp((text ?? '').split('/')[0] ?? '');
}

function policyKey(id: PolicyID | null | undefined): string {
  return policyRefOf(id).key;
}

export type { PolicyRef };
