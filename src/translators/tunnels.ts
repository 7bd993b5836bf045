/**
 * VXLAN tunnels to the other nodes (felix-protocol: VTEPs). Inner and outer addresses are of one family, as in Calico.
 */
import { FAMILIES, type Family, formatIp, parseIp } from '../base/ip.js';
import type { DesiredState } from '../desired/state.js';
import type { Route, Vtep } from '../model/network.js';
import type { PlanEntry } from '../opi/objects/plan.js';
import type { RouteVia } from '../opi/objects/specs.js';
import type { ObjectNames } from './names.js';
import { nodeEntry } from './network.js';

/** What tunnels are made from. */
export interface TunnelContext {
  readonly names: ObjectNames;
  readonly nodeName: string;
  readonly vni: number;
  readonly vteps: DesiredState['vteps'];
}

/** One end of a tunnel. */
interface TunnelEnd {
  /** Outer address. */
  readonly ip: string;
  /** MAC of the inner frames. */
  readonly mac: string;
}

/** Tunnels to one node, one per family in which both ends are known. None to ourselves. */
export function tunnelObjects(node: string, context: TunnelContext): PlanEntry[] {
  const { names, vni } = context;
  return FAMILIES.flatMap((family) => {
    const ends = tunnelEnds(node, family, context);
    if (ends === undefined) return [];
    const { local, remote } = ends;
    const spec = { vpc: names.vpc, localIp: local.ip, remoteIp: remote.ip, vni };
    return [nodeEntry({ key: names.tunnel(node, family), spec })];
  });
}

/**
 * How a route leads through a tunnel; `undefined` if it does not: not of a VXLAN pool, in our own subnet, or unresolved
 * (Felix takes the node's address from a route whose VTEP is gone).
 */
export function tunnelVia(
  route: Route,
  family: Family,
  context: TunnelContext,
): RouteVia | undefined {
  const { kinds, pool, sameSubnet, nodeIp, nodeName } = route;
  const isRemote = kinds.includes('remote-workload') || kinds.includes('remote-tunnel');
  if (!isRemote || pool !== 'vxlan' || sameSubnet || nodeIp === '') return undefined;
  const ends = tunnelEnds(nodeName, family, context);
  if (ends === undefined) return undefined;
  return { tunnel: context.names.tunnel(nodeName, family), overlayMac: ends.remote.mac };
}

function tunnelEnds(
  node: string,
  family: Family,
  { nodeName, vteps, vni }: TunnelContext,
): { readonly local: TunnelEnd; readonly remote: TunnelEnd } | undefined {
  if (node === nodeName || vni === 0) return undefined;
  const local = tunnelEnd(vteps.get(nodeName), family);
  const remote = tunnelEnd(vteps.get(node), family);
  return local === undefined || remote === undefined ? undefined : { local, remote };
}

/** A node's end; `undefined` where Felix did not tell it, or told it malformed. */
function tunnelEnd(vtep: Vtep | undefined, family: Family): TunnelEnd | undefined {
  if (vtep === undefined) return undefined;
  const ip = parseIp(family === 4 ? vtep.parentIp : vtep.parentIpv6);
  const mac = (family === 4 ? vtep.mac : vtep.macV6).toLowerCase();
  if (ip?.family !== family || !/^([\da-f]{2}:){5}[\da-f]{2}$/.test(mac)) return undefined;
  return { ip: formatIp(ip), mac };
}
