/**
 * Routes of the Vpc, and the tunnels and next hops they lead to. The longest prefix wins, a Mapping before all of them. For
 * what has no Route the underlay's own routes decide: it leaves by the uplink.
 */
import {
  type Cidr,
  cidrContains,
  compareCidr,
  formatCidr,
  formatIp,
  parseCidr,
} from '../base/ip.js';
import type { DesiredState, DirtySet } from '../desired/state.js';
import type { IpamPool, Route } from '../model/network.js';
import type { OverlayFacts } from '../overlay/facts.js';
import { type BlockedWay, type Way, wayOf, wayOfPool } from '../overlay/way.js';
import { isHostTrafficEncrypted } from '../overlay/wireguard.js';
import type { PlanEntry } from '../opi/objects/plan.js';
import type { RouteVia } from '../opi/objects/specs.js';
import type { Degradation, DegradationCode } from './degradation.js';
import type { ObjectNames } from './names.js';
import { nodeEntry } from './network.js';
import { NodeAddresses } from './node-addresses.js';
import { ReverseIndex } from './reverse-index.js';
import { NextHopObjects, type PlanUnits, TunnelObjects } from './tunnels.js';

/** What an update changed. */
export interface RouteChanges {
  readonly units: PlanUnits;
  /** Destinations behind tunnels came or went. */
  readonly tunnelled: boolean;
}

/** The part of a dirty set that routes depend on. */
export type RouteMarks = Pick<DirtySet, 'routes' | 'vteps' | 'pools' | 'hosts' | 'wireguard'>;

/** Routes, tunnels and next hops of the state, followed incrementally. */
export class RouteObjects {
  private readonly names: ObjectNames;
  private readonly tunnels: TunnelObjects;
  private readonly nextHops: NextHopObjects;
  /** Destinations by the node they are on. */
  private readonly byNode = new ReverseIndex<string, string>();
  /** Pools by their CIDR, canonical text. */
  private readonly byPoolCidr = new ReverseIndex<string, string>();
  private readonly nodeAddresses = new NodeAddresses();
  /** Pools that are blocked as a whole. */
  private readonly blockedPools = new Map<string, Cidr>();
  private readonly behindTunnels = new Map<string, Cidr>();
  private readonly problems = new Map<string, Degradation>();

  constructor(names: ObjectNames) {
    this.names = names;
    this.tunnels = new TunnelObjects(names);
    this.nextHops = new NextHopObjects(names);
  }

  /** Follows the state. `renewed`: the node's name or the configuration changed, so that everything is looked at. */
  update(
    state: DesiredState,
    marks: RouteMarks,
    facts: OverlayFacts,
    renewed: boolean,
  ): RouteChanges {
    const all = renewed || marks.vteps.has(facts.nodeName);
    const nodes = new Set(all ? [...marks.vteps, ...state.vteps.keys()] : marks.vteps);
    const hosts = all ? [...marks.hosts, ...state.hosts.keys()] : marks.hosts;
    const destinations = this.touched(state, marks, nodes, all);
    const addresses = this.nodeAddresses.update(state, hosts, facts.nodeName);
    for (const address of this.followPools(state, destinations)) addresses.add(address);
    for (const address of addresses) destinations.add(address);
    const units = new Map<string, readonly PlanEntry[]>(this.tunnels.update(nodes, facts));
    const hops = new Map<string, string | undefined>();
    let tunnelled = false;
    for (const destination of destinations) {
      const wasBehind = this.behindTunnels.has(destination);
      const { entries, nextHop } = this.follow(destination, state, facts);
      units.set(`route/${destination}`, entries);
      hops.set(destination, nextHop);
      tunnelled ||= wasBehind !== this.behindTunnels.has(destination);
    }
    for (const [unit, entries] of this.nextHops.update(hops)) units.set(unit, entries);
    return { units, tunnelled };
  }

  /** Prefixes that lead through tunnels, sorted. */
  tunnelDestinations(): readonly Cidr[] {
    return [...this.behindTunnels.values()].sort(compareCidr);
  }

  /** Routes that could not be read, and those that lead nowhere. */
  degradations(): Iterable<Degradation> {
    return this.problems.values();
  }

  /** Destinations to look at: those that changed, and those on a node of which something changed. */
  private touched(
    state: DesiredState,
    { routes, pools, wireguard }: RouteMarks,
    nodes: ReadonlySet<string>,
    all: boolean,
  ): Set<string> {
    const destinations = new Set(all ? [...routes, ...state.routes.keys()] : routes);
    const peers = [...wireguard].map((key) => key.slice(key.indexOf('/') + 1));
    for (const node of [...nodes, ...peers]) {
      for (const destination of this.byNode.of(node)) destinations.add(destination);
    }
    for (const id of pools) {
      const cidr = poolCidr(state.pools.get(id));
      for (const known of this.byPoolCidr.namedBy(id)) destinations.add(known);
      this.byPoolCidr.set(id, new Set(cidr === undefined ? [] : [cidr]));
      if (cidr !== undefined) destinations.add(cidr);
    }
    return destinations;
  }

  /** Blocks and frees pools among these prefixes; gives the nodes' addresses inside those of which that changed. */
  private followPools(state: DesiredState, prefixes: Iterable<string>): string[] {
    const addresses: string[] = [];
    for (const prefix of prefixes) {
      const cidr = parseCidr(prefix);
      if (cidr === undefined) continue;
      const isBlocked = !state.routes.has(prefix) && this.poolWay(prefix, state).kind === 'blocked';
      if (isBlocked === this.blockedPools.has(prefix)) continue;
      if (isBlocked) this.blockedPools.set(prefix, cidr);
      else this.blockedPools.delete(prefix);
      addresses.push(...this.nodeAddresses.inside(cidr));
    }
    return addresses;
  }

  private follow(
    destination: string,
    state: DesiredState,
    facts: OverlayFacts,
  ): { readonly entries: readonly PlanEntry[]; readonly nextHop?: string } {
    const route = state.routes.get(destination);
    this.byNode.set(destination, new Set(route === undefined ? [] : [route.nodeName]));
    this.behindTunnels.delete(destination);
    this.problems.delete(destination);
    const cidr = parseCidr(destination);
    if (cidr === undefined) {
      const reason = `route destination ${JSON.stringify(destination)} is malformed`;
      if (route !== undefined) this.problem(destination, 'invalid', reason);
      return { entries: [] };
    }
    const told = route === undefined ? this.poolWay(destination, state) : wayOf(route, cidr, facts);
    const way = told.kind === 'underlay' ? this.wayPastPools(destination, cidr) : told;
    if (route !== undefined) this.noteHostTraffic(route, cidr, facts);
    if (way.kind === 'tunnel') this.behindTunnels.set(destination, cidr);
    if (way.kind === 'blocked') this.problem(destination, CODES[way.cause], way.reason);
    const entries = this.entries(cidr, way);
    return way.kind === 'next-hop' ? { entries, nextHop: way.ip } : { entries };
  }

  /** A prefix that no route tells of: a pool's, or nothing's. */
  private poolWay(destination: string, state: DesiredState): Way {
    for (const id of [...this.byPoolCidr.of(destination)].sort()) {
      const pool = state.pools.get(id);
      const way: Way = pool === undefined ? { kind: 'underlay' } : wayOfPool(pool);
      if (way.kind === 'blocked') return way;
    }
    return { kind: 'underlay' };
  }

  /** A node's own address is reached as it is, though a pool around it is blocked. */
  private wayPastPools(destination: string, cidr: Cidr): Way {
    const isInside = [...this.blockedPools.values()].some((pool) => cidrContains(pool, cidr));
    if (!isInside || !this.nodeAddresses.has(destination)) return { kind: 'underlay' };
    return { kind: 'next-hop', ip: formatIp(cidr) };
  }

  private entries(cidr: Cidr, way: Way): readonly PlanEntry[] {
    const via = this.via(way);
    if (via === undefined) return [];
    const prefix = formatCidr(cidr);
    const route = (of: RouteVia) => {
      const spec = { table: this.names.routeTable(cidr.family), prefix, via: of };
      return { key: this.names.route(prefix), spec };
    };
    // What an XPU refuses to put into a tunnel must not leave as it is.
    const closed = 'tunnel' in via ? { closed: route(NOWHERE) } : {};
    return [{ ...nodeEntry(route(via)), ...closed }];
  }

  private via(way: Way): RouteVia | undefined {
    switch (way.kind) {
      case 'underlay':
        return undefined;
      case 'local':
      case 'blocked':
        return NOWHERE;
      case 'next-hop':
        return { nextHop: this.names.nextHop(way.ip) };
      case 'tunnel':
        return { tunnel: this.names.tunnel(way.tunnel), overlayMac: way.mac };
    }
  }

  /** It is left alone: without it Felix would lose the datastore, and with it the way to hear that this was turned off. */
  private noteHostTraffic(route: Route, { family }: Cidr, facts: OverlayFacts): void {
    const { kinds, destination, nodeName } = route;
    if (!kinds.includes('remote-host') || !isHostTrafficEncrypted(nodeName, family, facts)) return;
    const reason = `WireGuard to node ${nodeName} itself: its traffic is not encrypted, and sent`;
    this.problem(destination, 'unsupported-encap', reason);
  }

  private problem(subject: string, code: DegradationCode, reason: string): void {
    this.problems.set(subject, { code, subject, reason });
  }
}

/** Dropped, unless a Mapping holds the address. */
const NOWHERE: RouteVia = { evalMapping: true };

const CODES: Readonly<Record<BlockedWay['cause'], DegradationCode>> = {
  unsupported: 'unsupported-encap',
  unresolved: 'unresolved',
  invalid: 'invalid',
};

/** Canonical text of a pool's CIDR; `undefined` if there is no pool, or it is malformed. */
function poolCidr(pool: IpamPool | undefined): string | undefined {
  const cidr = parseCidr(pool?.cidr ?? '');
  return cidr && formatCidr(cidr);
}
