/** Names and numbers that the parts of the linux data plane agree on: what our objects in the kernel are called. */
import { hashText } from '../../base/hash.js';
import type { Family } from '../../base/ip.js';

/** Our nftables table, in family `inet`, and in `netdev` for the ingress of VXLAN devices. No other is touched. */
export const TABLE_NAME = 'calico-xpu';

/** Begins the name of the empty chain that says which commit the table is at: `at-12`. */
export const POSITION_CHAIN_PREFIX = 'at-';

/** Alias of every netdev that we made, so that a later start knows its own. */
export const LINK_ALIAS = 'calico-xpu';

/**
 * Name of a netdev that we are making, until it bears its alias and may have the name it is meant for. Nobody else gives
 * such names: what is called so is left over from a making that was cut short.
 */
export function linkNameInMaking(name: string): string {
  return `${IN_MAKING_PREFIX}${hashText(name, IN_MAKING_HASH_CHARS)}`;
}

/** True for names of `linkNameInMaking`. */
export function isLinkInMaking(name: string): boolean {
  return IN_MAKING.test(name);
}

const IN_MAKING_PREFIX = 'cxm.';
const IN_MAKING_HASH_CHARS = 11;
const IN_MAKING = /^cxm\.[0-9a-z]{11}$/;

/** Alias of `lo` in a namespace that we made. */
export const NAMESPACE_ALIAS = 'calico-xpu-namespace';

/** `proto` of our routes and rules in the kernel: a number that no routing daemon has in iproute2's table. */
export const ROUTE_PROTOCOL = 199;

/** The kernel's main table: the underlay's, read only. */
export const MAIN_TABLE = 254;

/** Greatest number of a routing domain: what the mark has room for beside `byDestination`. */
export const DOMAIN_NUMBER_MAX = 4094;

/** Bits of a packet's mark. Bits 0 to 15 belong to others. */
export const MARK = {
  /** Lowest bit of the routing domain's number. */
  domainShift: 16,
  /** Number of the routing domain of a packet that came in by a port; 0 = it came in by none, or met no rule. */
  domainMask: 0x0fff_0000,
  /** The domain is told by the destination: what the uplink and the host port sent. */
  byDestination: 0x0fff_0000,
  /** A policy said PASS: its tier ends. */
  pass: 0x1000_0000,
  /** An allow of UNTRACKED or PRE_DNAT skips FORWARD and HOST of the entry port. */
  skipEntry: 0x2000_0000,
  /** An allow of UNTRACKED skips FORWARD and HOST of the exit port. */
  skipExit: 0x4000_0000,
} as const;

/** Bits of a connection's mark, REEVALUATE only. */
export const CONNECTION_MARK = {
  /** Generation of policy that last judged the flow. */
  generationMask: 0x0000_ffff,
  /** The flow was cut. */
  cut: 0x8000_0000,
} as const;

/** Mark of a domain's packets. */
export function domainMark(domain: number): number {
  return domain << MARK.domainShift;
}

/** Connection tracking zone of a domain. A node of one domain has zone 0, the kernel's own. */
export function domainZone(domain: number): number {
  return domain - 1;
}

/** Routing table of what a domain's packets find whatever their domain is: link-local addresses. */
export const LINK_LOCAL_TABLE = 1000;

/** Routing table of a domain's local Mappings. */
export function mappingTable(domain: number): number {
  return 1000 + 2 * domain;
}

/** Routing table of a domain's Routes. */
export function routeTable(domain: number): number {
  return 1001 + 2 * domain;
}

/**
 * Preferences of our routing rules. Packets of a domain ask its two tables, those by destination every domain's Mappings
 * and then every domain's Routes, and what the router itself sends every domain's Mappings. All of them lie before the
 * rule of the main table, 32766.
 */
export const RULE_PREFERENCE = {
  /** Link-local destinations of vNICs, and of the uplink, are the host port's. */
  linkLocal: (domain: number): number => 4000 + domain,
  linkLocalUplink: 8999,
  /** Outer packets of our tunnels ask the main table, and nobody else. */
  outer: 9000,
  outerLost: 9001,
  mappingsByDestination: (domain: number): number => 10_000 + domain,
  routesByDestination: (domain: number): number => 15_000 + domain,
  domainMappings: (domain: number): number => 20_000 + 2 * domain,
  domainRoutes: (domain: number): number => 20_001 + 2 * domain,
  routerMappings: (domain: number): number => 28_200 + domain,
  /** What came in and met no rule leads nowhere; what the router itself sends has its way before. */
  routerMain: 32_700,
  unmarkedLost: 32_701,
} as const;

/** UDP port of VXLAN; OPI has no field for another one. */
export const VXLAN_PORT = 4789;

/** Name of the VXLAN device of a VNI with outer packets of a family; at most 12 characters. */
export function vxlanName(vni: number, outerFamily: Family): string {
  return outerFamily === 4 ? `vx${vni}` : `vx${vni}-6`;
}

/** Where VXLAN devices listen, on the XPU's `lo`: outer packets are readdressed to and from it (RFC 7600, RFC 6666). */
export const VTEP_ADDRESS: Readonly<Record<Family, string>> = { 4: '192.0.0.8', 6: '100::8' };

/** The gateway that Calico's pods have by default. */
export const GATEWAY_V4 = '169.254.1.1';

/** MAC of representors whose Subnet names none: Calico's, which gives the link-local gateway address it tells IPv6 pods. */
export const ROUTER_MAC = 'ee:ee:ee:ee:ee:ee';
