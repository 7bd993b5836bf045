/**
 * How packets to a destination travel: which encapsulation a route needs, and what is kept from leaving because an XPU does
 * not offer it or because the other end is not known (felix-protocol: routes, VTEPs, WireGuard).
 */
import { type Cidr, type Family, formatIp, parseIp } from '../base/ip.js';
import type { IpamPool, Route } from '../model/network.js';
import type { OverlayFacts } from './facts.js';
import { tunnelTo, type TunnelTo } from './tunnels.js';
import { isEncrypted } from './wireguard.js';

/**
 * - `local`: addresses of our own; one without a port is nowhere.
 * - `underlay`: nothing is known that the underlay's own routes do not say.
 * - `next-hop`: unencapsulated, to a node.
 * - `tunnel`: in VXLAN, to a node.
 * - `blocked`: dropped. Sent as it is it would be in clear where Calico encapsulates or encrypts, or be misdirected.
 */
export type Way =
  | { readonly kind: 'local' }
  | { readonly kind: 'underlay' }
  | { readonly kind: 'next-hop'; readonly ip: string }
  | ({ readonly kind: 'tunnel' } & TunnelTo)
  | BlockedWay;

/** `unsupported`: no XPU offers it. `unresolved`: Felix has not told where the node is (yet). `invalid`: malformed. */
export interface BlockedWay {
  readonly kind: 'blocked';
  readonly cause: 'unsupported' | 'unresolved' | 'invalid';
  /** One sentence for people. */
  readonly reason: string;
}

/** Modes of a pool that is not encapsulated in IPIP. A mode that nobody knows counts as one that is. */
const NO_IPIP: readonly string[] = ['', 'never', 'off'];

/** The way to a route's destination. */
export function wayOf(route: Route, { family }: Cidr, facts: OverlayFacts): Way {
  const { kinds } = route;
  if (kinds.includes('local-workload')) return { kind: 'local' };
  const isRemote = kinds.includes('remote-workload') || kinds.includes('remote-tunnel');
  return isRemote ? wayToNode(route, family, facts) : { kind: 'underlay' };
}

/**
 * The way to a pool's whole CIDR where Felix tells no routes of it, as Felix does in clusters without VXLAN and WireGuard:
 * which of the addresses are on other nodes is not known, so that an IPIP pool is blocked as a whole. Addresses with a port
 * of their own are not concerned.
 */
export function wayOfPool({ ipipMode, cidr }: IpamPool): Way {
  if (NO_IPIP.includes(ipipMode.toLowerCase())) return { kind: 'underlay' };
  return blocked('unsupported', `pool ${cidr} has IPIP mode ${ipipMode}: an XPU has no IPIP`);
}

function wayToNode(route: Route, family: Family, facts: OverlayFacts): Way {
  const { pool, nodeName, nodeIp, sameSubnet } = route;
  if (isEncrypted(nodeName, family, facts)) {
    return blocked('unsupported', `WireGuard to node ${nodeName}: an XPU has no WireGuard`);
  }
  if (nodeIp === '') return blocked('unresolved', `no address of node "${nodeName}" is known`);
  if (sameSubnet || pool === 'no-encap' || pool === 'none') return wayPast(nodeIp, family);
  if (pool === 'ipip') return blocked('unsupported', 'the pool is IPIP: an XPU has no IPIP');
  const found = tunnelTo(nodeName, family, facts);
  if (!('problem' in found)) return { kind: 'tunnel', ...found };
  const cause = found.problem === 'unsupported' ? 'unsupported' : 'unresolved';
  return blocked(cause, found.reason);
}

/** Unencapsulated, by the node's address. */
function wayPast(nodeIp: string, family: Family): Way {
  const ip = parseIp(nodeIp);
  if (ip?.family === family) return { kind: 'next-hop', ip: formatIp(ip) };
  return blocked('invalid', `dst_node_ip ${JSON.stringify(nodeIp)} is no IPv${family} address`);
}

function blocked(cause: BlockedWay['cause'], reason: string): BlockedWay {
  return { kind: 'blocked', cause, reason };
}
