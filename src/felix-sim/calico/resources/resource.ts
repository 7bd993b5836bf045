/** The resources a cluster's state consists of, as far as Felix computes from them. */
import type { Cidr } from '../../../base/ip.js';
import type { Draft, QoSControls } from '../../../gen/felix/types.js';
import type { CompiledRules } from '../rules/compile.js';
import type { Selector } from '../selector/ast.js';

/** Any resource. */
export type Resource =
  | PolicyResource
  | TierResource
  | ProfileResource
  | NetworkSetResource
  | WorkloadResource
  | HostEndpointResource
  | EndpointSliceResource
  | ServiceResource
  | NodeResource
  | PoolResource
  | FelixConfigurationResource;

/** Which resource: the same id again replaces it. */
export interface ResourceId {
  /** What it becomes, such as `policy`; resources of two APIs that become the same share it. */
  readonly is: Resource['is'];
  /** Kind, where one `is` has several. */
  readonly kind: string;
  /** Empty for cluster-wide ones. */
  readonly namespace: string;
  readonly name: string;
}

/** Labels by name. */
export type Labels = Readonly<Record<string, string>>;

/** A policy of any kind. */
export interface PolicyResource extends ResourceId {
  readonly is: 'policy';
  /** The protocol's kind: `NetworkPolicy`, `StagedNetworkPolicy`, `KubernetesNetworkPolicy`, ... */
  readonly kind: string;
  readonly tier: string;
  /** Infinity where none is given: behind all others. */
  readonly order: number;
  readonly selector: Selector;
  readonly ingress: boolean;
  readonly egress: boolean;
  readonly doNotTrack: boolean;
  readonly preDnat: boolean;
  readonly applyOnForward: boolean;
  readonly perfHints: readonly string[];
  readonly rules: CompiledRules;
}

/** A tier. */
export interface TierResource extends ResourceId {
  readonly is: 'tier';
  /** Infinity where none is given. */
  readonly order: number;
  readonly defaultAction: 'Deny' | 'Pass';
}

/** A profile; on Kubernetes what a namespace or a service account amounts to. */
export interface ProfileResource extends ResourceId {
  readonly is: 'profile';
  readonly labelsToApply: Labels;
  readonly rules: CompiledRules;
}

/** Something that selectors select, and that gives IP sets their members. */
export interface SelectableResource {
  readonly labels: Labels;
  /** Profiles whose labels it inherits, the first one that has a label wins. */
  readonly profiles: readonly string[];
  readonly nets: readonly Cidr[];
  readonly ports: readonly NamedPort[];
}

/** A port with a name. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: string | number;
  readonly port: number;
}

/** A NetworkSet or GlobalNetworkSet. */
export interface NetworkSetResource extends ResourceId, SelectableResource {
  readonly is: 'network-set';
}

/** A WorkloadEndpoint, or a pod. */
export interface WorkloadResource extends ResourceId, SelectableResource {
  readonly is: 'workload';
  readonly node: string;
  readonly orchestrator: string;
  /** `namespace/pod` on Kubernetes. */
  readonly workload: string;
  readonly endpoint: string;
  readonly interfaceName: string;
  readonly mac: string;
  readonly nats: readonly { readonly external: string; readonly internal: string }[];
  readonly spoofedPrefixes: readonly string[];
  readonly annotations: Labels;
  readonly qos: Draft<QoSControls> | undefined;
}

/** A HostEndpoint. Its nets are its expected addresses. */
export interface HostEndpointResource extends ResourceId, SelectableResource {
  readonly is: 'host-endpoint';
  readonly node: string;
  /** `*` for all interfaces, empty for the one with an expected address. */
  readonly interfaceName: string;
}

/** Addresses and ports behind a service. */
export interface EndpointSliceResource extends ResourceId {
  readonly is: 'endpoint-slice';
  /** Name of the service, in the slice's namespace. */
  readonly service: string;
  readonly addresses: readonly Cidr[];
  readonly ports: readonly { readonly protocol: string; readonly port: number }[];
}

/** A Kubernetes service, as it is told to the driver. */
export interface ServiceResource extends ResourceId {
  readonly is: 'service';
  readonly type: string;
  readonly clusterIps: readonly string[];
  readonly loadBalancerIp: string;
  readonly externalIps: readonly string[];
  readonly ports: readonly {
    readonly protocol: string;
    readonly port: number;
    readonly nodePort: number;
  }[];
}

/** A node's addresses, in the form `address/length` with host bits; empty where it has none. */
export interface NodeResource extends ResourceId {
  readonly is: 'node';
  readonly ipv4: string;
  readonly ipv6: string;
  readonly asNumber: string;
  readonly labels: Labels;
}

/** An IP pool. */
export interface PoolResource extends ResourceId {
  readonly is: 'pool';
  readonly cidr: Cidr;
  readonly natOutgoing: boolean;
  readonly ipipMode: string;
  readonly vxlanMode: string;
  readonly allowedUses: readonly string[];
}

/** Settings of Felix, by the names that ConfigUpdate uses. */
export interface FelixConfigurationResource extends ResourceId {
  readonly is: 'felix-configuration';
  readonly settings: Labels;
}

/** Text that is equal for equal ids. */
export function resourceKey({ is, kind, namespace, name }: ResourceId): string {
  return JSON.stringify([is, kind, namespace, name]);
}
