/** The shape of what is wanted now: read by translators, written by `store.ts` alone. */
import type { HostEndpoint, WorkloadEndpoint } from '../model/endpoint.js';
import type {
  HostEndpointKey,
  IpSetId,
  PolicyKey,
  ProfileName,
  WorkloadKey,
} from '../model/ids.js';
import type {
  Encapsulation,
  HostMetadata,
  IpamPool,
  Route,
  Vtep,
  WireguardPeer,
} from '../model/network.js';
import type { IpSetType, Policy, Profile } from '../model/policy.js';

/** An IP set; `members` are Felix's texts and change in place. */
export interface IpSet {
  readonly id: IpSetId;
  readonly type: IpSetType;
  readonly members: ReadonlySet<string>;
}

/** Everything Felix wants on this node, as of now. */
export interface DesiredState {
  /** Merged Felix configuration: explicitly set keys only, raw texts. */
  readonly config: ReadonlyMap<string, string>;
  readonly ipSets: ReadonlyMap<IpSetId, IpSet>;
  readonly policies: ReadonlyMap<PolicyKey, Policy>;
  readonly profiles: ReadonlyMap<ProfileName, Profile>;
  readonly workloads: ReadonlyMap<WorkloadKey, WorkloadEndpoint>;
  readonly hostEndpoints: ReadonlyMap<HostEndpointKey, HostEndpoint>;
  /** By hostname. */
  readonly hosts: ReadonlyMap<string, HostMetadata>;
  readonly pools: ReadonlyMap<string, IpamPool>;
  /** By canonical destination prefix. */
  readonly routes: ReadonlyMap<string, Route>;
  /** By node name. */
  readonly vteps: ReadonlyMap<string, Vtep>;
  readonly encapsulation: Encapsulation | undefined;
  /** By `family/hostname`. */
  readonly wireguard: ReadonlyMap<string, WireguardPeer>;
}

/** How one set's membership changed since the last flush: net of everything in between. */
export interface MemberChange {
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/** What changed since the last flush. A key that is dirty and absent from the state was removed. */
export interface DirtySet {
  readonly config: boolean;
  /** Sets that are new, removed, of another type, or replaced whole: compare everything. */
  readonly ipSets: ReadonlySet<IpSetId>;
  /** Sets changed by members alone; disjoint from `ipSets`. */
  readonly members: ReadonlyMap<IpSetId, MemberChange>;
  readonly policies: ReadonlySet<PolicyKey>;
  readonly profiles: ReadonlySet<ProfileName>;
  readonly workloads: ReadonlySet<WorkloadKey>;
  readonly hostEndpoints: ReadonlySet<HostEndpointKey>;
  readonly hosts: ReadonlySet<string>;
  readonly pools: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
  readonly vteps: ReadonlySet<string>;
  readonly encapsulation: boolean;
  readonly wireguard: ReadonlySet<string>;
}
