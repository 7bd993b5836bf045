/** Routes, nodes, pools and tunnels of the wire to the model's, in every Calico generation. */
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip.js';
import {
  IPPoolType,
  RouteType,
  RouteUpdate_SequentialRouteType as OldRouteType,
} from '../../gen/felix/types.js';
import type {
  Encapsulation as WireEncapsulation,
  HostMetadataUpdate,
  HostMetadataV4V6Update,
  HostMetadataV6Update,
  IPAMPoolUpdate,
  RouteUpdate,
  VXLANTunnelEndpointUpdate,
  WireguardEndpointUpdate,
  WireguardEndpointV6Update,
} from '../../gen/felix/types.js';
import { isAtLeast, type CalicoVersion } from '../../model/calico-version.js';
import type { Delta } from '../../model/delta.js';
import type {
  Encapsulation,
  HostMetadata,
  IpamPool,
  PoolEncap,
  Route,
  RouteKind,
  Vtep,
  WireguardPeer,
} from '../../model/network.js';

/** Bits of `types`, from v3.30, in ascending order. */
const KIND_BITS: readonly (readonly [number, RouteKind])[] = [
  [RouteType.REMOTE_WORKLOAD, 'remote-workload'],
  [RouteType.REMOTE_HOST, 'remote-host'],
  [RouteType.LOCAL_WORKLOAD, 'local-workload'],
  [RouteType.LOCAL_HOST, 'local-host'],
  [RouteType.REMOTE_TUNNEL, 'remote-tunnel'],
  [RouteType.LOCAL_TUNNEL, 'local-tunnel'],
];

/** Numbers of `type`, up to v3.29. */
const OLD_KINDS: ReadonlyMap<number, RouteKind> = new Map([
  [OldRouteType.REMOTE_WORKLOAD, 'remote-workload'],
  [OldRouteType.REMOTE_HOST, 'remote-host'],
  [OldRouteType.LOCAL_WORKLOAD, 'local-workload'],
  [OldRouteType.LOCAL_HOST, 'local-host'],
  [OldRouteType.REMOTE_TUNNEL, 'remote-tunnel'],
  [OldRouteType.LOCAL_TUNNEL, 'local-tunnel'],
]);

const POOL_ENCAPS: ReadonlyMap<number, PoolEncap> = new Map([
  [IPPoolType.NO_ENCAP, 'no-encap'],
  [IPPoolType.VXLAN, 'vxlan'],
  [IPPoolType.IPIP, 'ipip'],
]);

const TUNNELS = ['ipip', 'vxlan', 'wireguard'] as const;

/** A destination. The two route type fields never come together: each Calico knows one of them. */
export function toRoute(wire: RouteUpdate): Route {
  const tunnel = wire.tunnel_type;
  return {
    destination: canonicalPrefix(wire.dst),
    kinds: wire.types === 0 ? oldKinds(wire.type) : bitKinds(wire.types),
    pool: POOL_ENCAPS.get(wire.ip_pool_type) ?? 'none',
    nodeName: wire.dst_node_name,
    nodeIp: wire.dst_node_ip,
    sameSubnet: wire.same_subnet,
    natOutgoing: wire.nat_outgoing,
    localWorkload: wire.local_workload,
    borrowed: wire.borrowed,
    tunnels: TUNNELS.filter((name) => tunnel?.[name] === true),
  };
}

/** The key of a route: its prefix in canonical text; a text that is no prefix stays as it is. */
export function canonicalPrefix(text: string): string {
  const cidr = parseCidr(text);
  return cidr === undefined ? text : formatCidr(cidr);
}

function bitKinds(types: number): readonly RouteKind[] {
  return KIND_BITS.filter(([bit]) => (types & bit) !== 0).map(([, kind]) => kind);
}

function oldKinds(type: number): readonly RouteKind[] {
  const kind = OLD_KINDS.get(type);
  return kind === undefined ? [] : [kind];
}

/** A node's addresses. Up to v3.32 this message speaks of IPv4 alone, later of all there is. */
export function toHostMetadataDelta(wire: HostMetadataUpdate, version: CalicoVersion): Delta {
  return { type: 'host-metadata', scope: metadataScope(version), metadata: toHostMetadata(wire) };
}

/** Which addresses HostMetadataUpdate and HostMetadataRemove are about. */
export function metadataScope(version: CalicoVersion): 'ipv4' | 'all' {
  return isAtLeast(version, 3, 33) ? 'all' : 'ipv4';
}

/** A node's addresses in any of the three forms. */
export function toHostMetadata(
  wire: HostMetadataUpdate | HostMetadataV4V6Update | HostMetadataV6Update,
): HostMetadata {
  const ipv4 = splitAddress('ipv4_addr' in wire ? wire.ipv4_addr : '');
  const ipv6 = splitAddress(wire.ipv6_addr);
  return {
    hostname: wire.hostname,
    ipv4: ipv4.address,
    ipv6: ipv6.address,
    ...(ipv4.length === undefined ? {} : { ipv4PrefixLength: ipv4.length }),
    ...(ipv6.length === undefined ? {} : { ipv6PrefixLength: ipv6.length }),
    asNumber: 'asnumber' in wire ? wire.asnumber : '',
    labels: new Map('labels' in wire ? Object.entries(wire.labels) : []),
  };
}

/** Address and prefix length of `address/length` with host bits, or of a bare address. A malformed text is kept. */
function splitAddress(text: string): { readonly address: string; readonly length?: number } {
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  const cidr = parseCidr(text);
  if (ip === undefined || cidr === undefined) return { address: text };
  return slash < 0 ? { address: formatIp(ip) } : { address: formatIp(ip), length: cidr.length };
}

/** A pool. */
export function toPool(update: IPAMPoolUpdate): IpamPool {
  const wire = update.pool;
  return {
    id: update.id,
    cidr: wire?.cidr ?? '',
    masquerade: wire?.masquerade ?? false,
    ipipMode: wire?.ipip_mode ?? '',
    vxlanMode: wire?.vxlan_mode ?? '',
    allowedUses: wire?.allowed_uses ?? [],
  };
}

/** A node's VXLAN tunnel endpoint. */
export function toVtep(wire: VXLANTunnelEndpointUpdate): Vtep {
  return {
    node: wire.node,
    mac: wire.mac,
    ipv4: wire.ipv4_addr,
    parentIp: wire.parent_device_ip,
    macV6: wire.mac_v6,
    ipv6: wire.ipv6_addr,
    parentIpv6: wire.parent_device_ipv6,
  };
}

/** Encapsulations in use. */
export function toEncapsulation(wire: WireEncapsulation): Encapsulation {
  return {
    ipip: wire.ipip_enabled,
    vxlan: wire.vxlan_enabled,
    vxlanV6: wire.vxlan_enabled_v6,
    noEncap: wire.no_encap_enabled,
  };
}

/** An IPv4 WireGuard peer. */
export function toWireguardPeer(wire: WireguardEndpointUpdate): WireguardPeer {
  const { hostname, public_key: publicKey, interface_ipv4_addr: interfaceIp } = wire;
  return { hostname, publicKey, interfaceIp };
}

/** An IPv6 WireGuard peer. */
export function toWireguardPeerV6(wire: WireguardEndpointV6Update): WireguardPeer {
  const { hostname, public_key_v6: publicKey, interface_ipv6_addr: interfaceIp } = wire;
  return { hostname, publicKey, interfaceIp };
}
