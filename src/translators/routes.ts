/**
 * Routes of the Vpc. Blocks of our own drop what has no Mapping; remote blocks behind VXLAN lead through tunnels. For
 * all else there is no Route: it leaves by the uplink.
 */
import { type Cidr, compareCidr, formatCidr, parseCidr } from '../base/ip.js';
import type { DesiredState, DirtySet } from '../desired/state.js';
import type { Route } from '../model/network.js';
import type { PlanEntry } from '../opi/objects/plan.js';
import type { RouteVia } from '../opi/objects/specs.js';
import type { Degradation } from './degradation.js';
import { nodeEntry } from './network.js';
import { ReverseIndex } from './reverse-index.js';
import { type TunnelContext, tunnelObjects, tunnelVia } from './tunnels.js';

/** What an update changed. */
export interface RouteChanges {
  /** Units of the plan with their whole content. */
  readonly units: ReadonlyMap<string, readonly PlanEntry[]>;
  /** Destinations behind tunnels came or went. */
  readonly tunnelled: boolean;
}

/** Routes and tunnels of the state, followed incrementally. */
export class RouteObjects {
  private readonly byNode = new ReverseIndex<string, string>();
  private readonly behindTunnels = new Map<string, Cidr>();
  private readonly problems = new Map<string, Degradation>();

  /** Follows the state. `renewed`: the node's name or VNI changed, so that every tunnel must be looked at. */
  update(
    state: DesiredState,
    dirty: Pick<DirtySet, 'routes' | 'vteps'>,
    context: TunnelContext,
    renewed: boolean,
  ): RouteChanges {
    const all = renewed || dirty.vteps.has(context.nodeName);
    const nodes = new Set(all ? [...dirty.vteps, ...state.vteps.keys()] : dirty.vteps);
    const destinations = new Set(all ? [...dirty.routes, ...state.routes.keys()] : dirty.routes);
    for (const node of nodes) {
      for (const destination of this.byNode.of(node)) destinations.add(destination);
    }
    const units = new Map<string, readonly PlanEntry[]>();
    for (const node of nodes) units.set(`tunnel/${node}`, tunnelObjects(node, context));
    let tunnelled = false;
    for (const destination of destinations) {
      const wasBehind = this.behindTunnels.has(destination);
      const entries = this.follow(destination, state.routes.get(destination), context);
      units.set(`route/${destination}`, entries);
      tunnelled ||= wasBehind !== this.behindTunnels.has(destination);
    }
    return { units, tunnelled };
  }

  /** Prefixes that lead through tunnels, sorted. */
  tunnelDestinations(): readonly Cidr[] {
    return [...this.behindTunnels.values()].sort(compareCidr);
  }

  /** Routes that could not be read. */
  degradations(): Iterable<Degradation> {
    return this.problems.values();
  }

  private follow(
    destination: string,
    route: Route | undefined,
    context: TunnelContext,
  ): readonly PlanEntry[] {
    this.byNode.set(destination, new Set(route === undefined ? [] : [route.nodeName]));
    this.behindTunnels.delete(destination);
    this.problems.delete(destination);
    if (route === undefined) return [];
    const cidr = parseCidr(destination);
    if (cidr === undefined) {
      const reason = `route destination ${JSON.stringify(destination)} is malformed`;
      this.problems.set(destination, { code: 'invalid', subject: destination, reason });
      return [];
    }
    const via = routeVia(route, cidr, context);
    if (via === undefined) return [];
    if ('tunnel' in via) this.behindTunnels.set(destination, cidr);
    const { names } = context;
    const prefix = formatCidr(cidr);
    const spec = { table: names.routeTable(cidr.family), prefix, via };
    return [nodeEntry({ key: names.route(prefix), spec })];
  }
}

/**
 * Our own workloads, block or single pod: an address without a Mapping is dropped there, that of a pod that is gone
 * included.
 */
function routeVia(route: Route, cidr: Cidr, context: TunnelContext): RouteVia | undefined {
  if (route.kinds.includes('local-workload')) return { evalMapping: true };
  return tunnelVia(route, cidr.family, context);
}
