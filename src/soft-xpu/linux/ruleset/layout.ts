/** Names of the sets and maps by which packets find their port's chains. Keys are netdevs unless said otherwise. */

/** Maps from a netdev to a chain, asked in this order. */
export const PORTS = {
  /** By entry: mark, zone, source check, or the gate of a closed port. */
  entry: 'ports/entry',
  preDnat: 'ports/pre-dnat-from',
  /** By exit: open, or the gate of a closed port. */
  exit: 'ports/exit',
  forwardFrom: 'ports/forward-from',
  hostFrom: 'ports/host-from',
  workloadFrom: 'ports/workload-from',
  /** vNICs that may not talk to the host port. */
  toHost: 'ports/to-host',
  forwardTo: 'ports/forward-to',
  hostTo: 'ports/host-to',
  workloadTo: 'ports/workload-to',
} as const;

/** Maps from a netdev to the counter of its binding. */
export const DROPS = {
  rule: 'drops/rule',
  noMapping: 'drops/no-mapping',
} as const;

/** Sets of netdevs. */
export const NETDEVS = {
  vnics: 'netdevs/vnics',
  /** Ends of the host port. */
  host: 'netdevs/host',
  /** Everything but the uplink: what exists for us alone. */
  own: 'netdevs/own',
  /** All of them. */
  known: 'netdevs/known',
  /** Ports whose established flows are judged again when policy changes. */
  reevaluated: 'netdevs/reevaluated',
} as const;

/** The same for netdevs that a route leads to, which to nft are of another type. */
export const ROUTED = {
  own: 'routed/own',
  reevaluated: 'routed/reevaluated',
} as const;

/** The netdev that a route leads to, before routing. */
export const ROUTED_TO = 'fib daddr . mark oifname';

/** Sets and maps of addresses, one for each family. */
export const ADDRESSES = {
  /** Local Mappings: nobody outside may send from them. */
  local: (family: 4 | 6): string => `addresses/local-${family}`,
  /** Local Mappings in a zone other than 0, and which. */
  zone: (family: 4 | 6): string => `addresses/zone-${family}`,
  /** Ends of tunnels at this node. */
  tunnelEnd: (family: 4 | 6): string => `addresses/tunnel-end-${family}`,
  /** (local, remote) ends of tunnels. */
  tunnelPeer: (family: 4 | 6): string => `addresses/tunnel-peer-${family}`,
  /** Local end by remote end. */
  tunnelSource: (family: 4 | 6): string => `addresses/tunnel-source-${family}`,
} as const;

/** Chains that several units refer to. */
export const CHAINS = {
  /** Behind the gate of the exit port. */
  open: 'path/open',
  gateNoBinding: 'gate/no-binding',
  gateAdminDown: 'gate/admin-down',
} as const;
