/** VXLAN tunnel endpoints of simulated nodes: addresses out of the pools, as Calico's IPAM gives them, and MACs. Pure. */
import { cidrContains, cidrRange, formatIp, type Family } from '../../base/ip.js';
import type { PoolResource } from '../../felix-sim/calico/resources/resource.js';
import type { Draft, VXLANTunnelEndpointUpdate } from '../../gen/felix/types.js';
import type { LabNode } from './model.js';

/** The first pool of a family that is tunnelled. */
export function vxlanPool(
  family: Family,
  pools: readonly PoolResource[],
): PoolResource | undefined {
  return pools
    .filter(({ cidr, vxlanMode }) => cidr.family === family && vxlanMode !== '')
    .sort((a, b) => (a.name < b.name ? -1 : 1))[0];
}

/**
 * Address of a node's VXLAN device; none where no pool of the family is tunnelled, or the node has no address to tunnel from.
 * They are taken from the end of the pool, since pods are numbered from its begin.
 */
export function tunnelAddress(
  { number, addresses }: LabNode,
  family: Family,
  pools: readonly PoolResource[],
): string | undefined {
  const pool = vxlanPool(family, pools);
  if (pool === undefined || addresses[family] === undefined) return undefined;
  const address = { family, value: cidrRange(pool.cidr).high - BigInt(number) };
  return cidrContains(pool.cidr, address) ? formatIp(address) : undefined;
}

/** What Felix tells of a node; `undefined` for one without tunnels. */
export function tunnelEndpoint(
  node: LabNode,
  pools: readonly PoolResource[],
): Draft<VXLANTunnelEndpointUpdate> | undefined {
  const v4 = tunnelAddress(node, 4, pools);
  const v6 = tunnelAddress(node, 6, pools);
  if (v4 === undefined && v6 === undefined) return undefined;
  return {
    node: node.name,
    ...(v4 === undefined
      ? {}
      : { mac: macOf(node, 4), ipv4_addr: v4, parent_device_ip: node.addresses[4] ?? '' }),
    ...(v6 === undefined
      ? {}
      : { mac_v6: macOf(node, 6), ipv6_addr: v6, parent_device_ipv6: node.addresses[6] ?? '' }),
  };
}

/** Settings that Felix finds in its own Node resource. */
export function tunnelSettings(
  node: LabNode,
  pools: readonly PoolResource[],
): Record<string, string> {
  const endpoint = tunnelEndpoint(node, pools);
  return Object.fromEntries(
    [
      ['IPv4VXLANTunnelAddr', endpoint?.ipv4_addr],
      ['VXLANTunnelMACAddr', endpoint?.mac],
      ['IPv6VXLANTunnelAddr', endpoint?.ipv6_addr],
      ['VXLANTunnelMACAddrV6', endpoint?.mac_v6],
    ].flatMap(([name, value]) =>
      name === undefined || value === undefined ? [] : [[name, value]],
    ),
  ) as Record<string, string>;
}

function macOf({ number }: LabNode, family: Family): string {
  return `66:00:00:00:0${family === 4 ? 0 : 1}:${number.toString(16).padStart(2, '0')}`;
}
