/**
 * One change of what Calico wants, in the model's words. Felix's messages (and later Kubernetes and CNI) become these;
 * `src/desired` folds them into state.
 */
import type { HostEndpoint, WorkloadEndpoint } from './endpoint.js';
import type { HostEndpointKey, IpSetId, PolicyKey, ProfileName, WorkloadKey } from './ids.js';
import type {
  Encapsulation,
  HostMetadata,
  IpamPool,
  Route,
  Vtep,
  WireguardPeer,
} from './network.js';
import type { IpSetType, Policy, Profile } from './policy.js';

/** Which addresses a HostMetadata message speaks of: older Calico sends one family per message. */
export type MetadataScope = 'ipv4' | 'ipv6' | 'all';

/** A change. `ignored` names a payload that is known and has no effect here; `unknown` one that is not known. */
export type Delta =
  | { readonly type: 'config'; readonly values: ReadonlyMap<string, string> }
  | { readonly type: 'in-sync' }
  | {
      readonly type: 'ip-set';
      readonly id: IpSetId;
      readonly setType: IpSetType;
      /** Replaces the whole membership. */
      readonly members: readonly string[];
    }
  | {
      readonly type: 'ip-set-delta';
      readonly id: IpSetId;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | { readonly type: 'ip-set-remove'; readonly id: IpSetId }
  | { readonly type: 'policy'; readonly policy: Policy }
  | { readonly type: 'policy-remove'; readonly key: PolicyKey }
  | { readonly type: 'profile'; readonly profile: Profile }
  | { readonly type: 'profile-remove'; readonly name: ProfileName }
  | { readonly type: 'workload'; readonly endpoint: WorkloadEndpoint }
  | { readonly type: 'workload-remove'; readonly key: WorkloadKey }
  | { readonly type: 'host-endpoint'; readonly endpoint: HostEndpoint }
  | { readonly type: 'host-endpoint-remove'; readonly key: HostEndpointKey }
  | {
      readonly type: 'host-metadata';
      readonly scope: MetadataScope;
      readonly metadata: HostMetadata;
    }
  | {
      readonly type: 'host-metadata-remove';
      readonly scope: MetadataScope;
      readonly hostname: string;
    }
  | { readonly type: 'pool'; readonly pool: IpamPool }
  | { readonly type: 'pool-remove'; readonly id: string }
  | { readonly type: 'route'; readonly route: Route }
  | { readonly type: 'route-remove'; readonly destination: string }
  | { readonly type: 'vtep'; readonly vtep: Vtep }
  | { readonly type: 'vtep-remove'; readonly node: string }
  | { readonly type: 'encapsulation'; readonly encapsulation: Encapsulation }
  | { readonly type: 'wireguard'; readonly family: 4 | 6; readonly peer: WireguardPeer }
  | { readonly type: 'wireguard-remove'; readonly family: 4 | 6; readonly hostname: string }
  | { readonly type: 'ignored'; readonly payload: string }
  | { readonly type: 'unknown'; readonly fieldNumbers: readonly number[] };

/** Discriminator of a Delta. */
export type DeltaType = Delta['type'];
