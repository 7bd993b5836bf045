/** Routes, nodes, pools, tunnels and services as Felix describes them. */

/** What a route's destination is. Old and new wire numbers arrive as these words; several may hold at once. */
export type RouteKind =
  | 'remote-workload'
  | 'remote-host'
  | 'local-workload'
  | 'local-host'
  | 'remote-tunnel'
  | 'local-tunnel';

/** Encapsulation of the pool a route lies in. */
export type PoolEncap = 'none' | 'no-encap' | 'vxlan' | 'ipip';

/** One destination. No kinds = the CIDR of a pool, not a route. */
export interface Route {
  /** Canonical prefix text: the key. */
  readonly destination: string;
  readonly kinds: readonly RouteKind[];
  readonly pool: PoolEncap;
  readonly nodeName: string;
  /** Empty = unresolved: hold the route back. */
  readonly nodeIp: string;
  readonly sameSubnet: boolean;
  readonly natOutgoing: boolean;
  /** A pod's own address, as opposed to the node's block. */
  readonly localWorkload: boolean;
  readonly borrowed: boolean;
  readonly tunnels: readonly ('ipip' | 'vxlan' | 'wireguard')[];
}

/** A node's addresses. Prefix lengths are stripped; empty = unknown. */
export interface HostMetadata {
  readonly hostname: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** Prefix length of `ipv4` where the wire carried one. */
  readonly ipv4PrefixLength?: number;
  readonly ipv6PrefixLength?: number;
  readonly asNumber: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** An IP pool. Absent modes mean never. */
export interface IpamPool {
  readonly id: string;
  readonly cidr: string;
  readonly masquerade: boolean;
  readonly ipipMode: string;
  readonly vxlanMode: string;
  readonly allowedUses: readonly string[];
}

/** A node's VXLAN tunnel endpoint; empty texts are unset. */
export interface Vtep {
  readonly node: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly parentIp: string;
  readonly macV6: string;
  readonly ipv6: string;
  readonly parentIpv6: string;
}

/** Encapsulations in use in the cluster. */
export interface Encapsulation {
  readonly ipip: boolean;
  readonly vxlan: boolean;
  readonly vxlanV6: boolean;
  readonly noEncap: boolean;
}

/** A peer's WireGuard key of one family. */
export interface WireguardPeer {
  readonly hostname: string;
  readonly publicKey: string;
  readonly interfaceIp: string;
}
