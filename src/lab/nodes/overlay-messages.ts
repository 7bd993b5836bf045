/**
 * What Felix tells a node's driver of routes and tunnel endpoints, computed from nodes, pools and pods as Calico's IPAM and
 * route resolver would have it (felix-protocol: routes): pods get blocks of their pool, a block belongs to one node, and an
 * address that another node has out of it is borrowed. Pure.
 */
import {
  cidrContains,
  formatCidr,
  hostCidr,
  parseCidr,
  parseIp,
  prefixMask,
  FAMILIES,
  type Cidr,
  type Family,
  type IpAddress,
} from '../../base/ip.js';
import type { PoolResource } from '../../felix-sim/calico/resources/resource.js';
import { given } from '../../felix-sim/calico/given.js';
import { IPPoolType, RouteType } from '../../gen/felix/types.js';
import type { Draft, RouteUpdate, ToDataplane } from '../../gen/felix/types.js';
import type { LabNode, LabPod } from './model.js';
import { tunnelAddress, tunnelEndpoint } from './tunnel-endpoints.js';

/** The cluster as the Felix of a node sees it. */
export interface OverlayView {
  /** Name of Felix's node. */
  readonly node: string;
  readonly nodes: readonly LabNode[];
  /** Networks of nodes by name, `172.30.0.0/24`: who is in one subnet. */
  readonly subnets: ReadonlyMap<string, readonly Cidr[]>;
  readonly pods: readonly LabPod[];
  readonly pools: readonly PoolResource[];
}

type Route = Draft<RouteUpdate>;

/** Calico's block sizes where a pool says none. */
const BLOCK_LENGTH: Readonly<Record<Family, number>> = { 4: 26, 6: 122 };

/** All tunnel endpoints and routes of the state now. */
export function overlayMessages(view: OverlayView): Draft<ToDataplane>[] {
  const { nodes, pools } = view;
  const endpoints = nodes.flatMap((node) => tunnelEndpoint(node, pools) ?? []);
  const routes = [
    ...pools.map((pool) => ({ ...ofPool(pool), dst: formatCidr(pool.cidr) })),
    ...nodes.flatMap((node) => hostRoutes(node, view)),
    ...nodes.flatMap((node) => tunnelRoutes(node, view)),
    ...pools.flatMap((pool) => podRoutes(pool, view)),
  ];
  return [
    ...endpoints.map((vtep_update): Draft<ToDataplane> => ({ vtep_update })),
    ...routes.map((route): Draft<ToDataplane> => ({ route_update: given(route) })),
  ];
}

function hostRoutes(node: LabNode, view: OverlayView): Route[] {
  const types = node.name === view.node ? RouteType.LOCAL_HOST : RouteType.REMOTE_HOST;
  return FAMILIES.flatMap((family): Route[] => {
    const address = node.addresses[family];
    if (address === undefined) return [];
    return [{ types, dst: hostPrefix(address), ...atNode(node, family) }];
  });
}

function tunnelRoutes(node: LabNode, view: OverlayView): Route[] {
  const types = node.name === view.node ? RouteType.LOCAL_TUNNEL : RouteType.REMOTE_TUNNEL;
  return FAMILIES.flatMap((family): Route[] => {
    const address = tunnelAddress(node, family, view.pools);
    const pool = view.pools.find(({ cidr }) => cidr.family === family && holds(cidr, address));
    if (address === undefined || pool === undefined) return [];
    return [
      {
        ...ofPool(pool),
        ...towards(node, pool, view),
        types,
        dst: hostPrefix(address),
        tunnel_type: { vxlan: true },
      },
    ];
  });
}

/** Blocks of a pool, addresses borrowed out of them, and this node's own pods. */
function podRoutes(pool: PoolResource, view: OverlayView): Route[] {
  const inPool = view.pods.flatMap(({ node, addresses }) =>
    addresses.filter((address) => holds(pool.cidr, address)).map((address) => ({ node, address })),
  );
  const owners = new Map<string, string>();
  for (const { node, address } of inPool) {
    const block = blockOf(address, pool);
    if (!owners.has(block)) owners.set(block, node);
  }
  const route = (name: string, dst: string, more: Route): Route[] => {
    const node = view.nodes.find((one) => one.name === name);
    if (node === undefined) return [];
    const types = name === view.node ? RouteType.LOCAL_WORKLOAD : RouteType.REMOTE_WORKLOAD;
    return [{ ...ofPool(pool), ...towards(node, pool, view), types, dst, ...more }];
  };
  return [
    ...[...owners].flatMap(([block, node]) => route(node, block, {})),
    ...inPool.flatMap(({ node, address }) => {
      const borrowed = owners.get(blockOf(address, pool)) !== node;
      const local = node === view.node;
      if (!local && !borrowed) return [];
      return route(node, hostPrefix(address), { local_workload: local, borrowed });
    }),
  ];
}

function ofPool(pool: PoolResource): Route {
  return {
    ip_pool_type:
      pool.vxlanMode !== ''
        ? IPPoolType.VXLAN
        : pool.ipipMode !== ''
          ? IPPoolType.IPIP
          : IPPoolType.NO_ENCAP,
    nat_outgoing: pool.natOutgoing,
  };
}

function towards(node: LabNode, pool: PoolResource, view: OverlayView): Route {
  const crossSubnet = pool.vxlanMode === 'cross-subnet' || pool.ipipMode === 'cross-subnet';
  return {
    ...atNode(node, pool.cidr.family),
    same_subnet: crossSubnet && isInOurSubnet(node, pool.cidr.family, view),
  };
}

function atNode({ name, addresses }: LabNode, family: Family): Route {
  return { dst_node_name: name, dst_node_ip: addresses[family] ?? '' };
}

function isInOurSubnet(node: LabNode, family: Family, { subnets, ...view }: OverlayView): boolean {
  return (subnets.get(view.node) ?? []).some(
    (subnet) => subnet.family === family && holds(subnet, node.addresses[family]),
  );
}

function blockOf(address: string, { cidr }: PoolResource): string {
  const ip = known(address);
  const length = Math.max(BLOCK_LENGTH[ip.family], cidr.length);
  return formatCidr({ ...ip, value: ip.value & prefixMask(ip.family, length), length });
}

function holds(cidr: Cidr, address: string | undefined): boolean {
  const ip = address === undefined ? undefined : parseIp(address);
  return ip !== undefined && cidrContains(cidr, ip);
}

function hostPrefix(address: string): string {
  return formatCidr(hostCidr(known(address)));
}

/** Addresses of nodes and pods were read before: they have the right form. */
function known(address: string): IpAddress {
  return parseIp(address) ?? { family: 4, value: 0n };
}

/** Networks of the nodes that say them: `172.30.0.1/24` is in `172.30.0.0/24`. */
export function subnetsOf(
  nodes: readonly { readonly name: string; readonly ipv4: string; readonly ipv6: string }[],
): Map<string, readonly Cidr[]> {
  return new Map(
    nodes.map(({ name, ipv4, ipv6 }) => [
      name,
      [ipv4, ipv6].flatMap((text) => parseCidr(text) ?? []),
    ]),
  );
}
