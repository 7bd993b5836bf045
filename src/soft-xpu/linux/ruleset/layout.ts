/** Names of the sets and maps by which packets find their port's chains. Keys are netdevs unless said otherwise. */
import type { Direction, StageKind } from '../../../opi/objects/specs.js';
import { stageText } from './counters.js';

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

/** Reasons that chains which ports share drop for; each has a map from a netdev to the counter of its binding. */
export const SHARED_REASONS = [
  'RULE',
  'TIER_DEFAULT',
  'PROFILE_END',
  'INVALID_STATE',
  'ENCAPSULATION',
  'TO_HOST',
  'NO_MAPPING',
] as const;

/** A reason that shared chains drop for. */
export type SharedReason = (typeof SHARED_REASONS)[number];

/** The map of a reason. */
export function dropMap(reason: SharedReason): string {
  return `drops/${reason}`;
}

/** Every stage of a path. */
export const STAGES: readonly (readonly [StageKind, Direction])[] = [
  ['UNTRACKED', 'FROM_PORT'],
  ['UNTRACKED', 'TO_PORT'],
  ['PRE_DNAT', 'FROM_PORT'],
  ['FORWARD', 'FROM_PORT'],
  ['FORWARD', 'TO_PORT'],
  ['HOST', 'FROM_PORT'],
  ['HOST', 'TO_PORT'],
  ['WORKLOAD', 'FROM_PORT'],
  ['WORKLOAD', 'TO_PORT'],
];

/** Map from a netdev to the counter of what a stage decides there without a rule. */
export function stageMap(kind: StageKind, direction: Direction, outcome: StageOutcome): string {
  return `stages/${stageText(kind, direction)}/${outcome}`;
}

/** How a stage decides without a rule. */
export type StageOutcome = 'allowed' | 'dropped';

/** Sets of netdevs. */
export const NETDEVS = {
  vnics: 'netdevs/vnics',
  /** Ends of the host port. */
  host: 'netdevs/host',
  /** Everything but the uplink: what exists for us alone. */
  own: 'netdevs/own',
  /** All of them. */
  known: 'netdevs/known',
  /** Representors that exist already: closed as long as no Interface speaks of them. */
  reserved: 'netdevs/reserved',
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
  /** Local Mappings of every domain: nobody on the wire may send from them. */
  local: (family: 4 | 6): string => `addresses/local-${family}`,
  /** Local Mappings in a zone other than 0, and which. */
  zone: (family: 4 | 6): string => `addresses/zone-${family}`,
  /** Local Mappings of one routing domain: what its tunnels may not send from. */
  localOf: (domain: number, family: 4 | 6): string => `addresses/local-${family}/${domain}`,
  /** The virtual routers of Subnets: what the router itself answers by. */
  gateway: (family: 4 | 6): string => `addresses/gateway-${family}`,
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
