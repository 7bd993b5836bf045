/**
 * Tunnels and next hops of the plan: one Tunnel for each other node and family of which both VTEPs are known (its outer
 * packets are taken in whether or not a route leads there), and one NextHop for each address that a route leads to.
 */
import type { OverlayFacts } from '../overlay/facts.js';
import { tunnelsTo } from '../overlay/tunnels.js';
import type { VxlanTunnel } from '../overlay/vxlan.js';
import type { PlanEntry } from '../opi/objects/plan.js';
import type { ObjectNames } from './names.js';
import { nodeEntry } from './network.js';
import { ReverseIndex } from './reverse-index.js';

/** Units of a plan with their whole content. */
export type PlanUnits = ReadonlyMap<string, readonly PlanEntry[]>;

/** Tunnels by node, followed incrementally. Nodes at one address share a tunnel. */
export class TunnelObjects {
  private readonly names: ObjectNames;
  private readonly byNode = new ReverseIndex<string, string>();

  constructor(names: ObjectNames) {
    this.names = names;
  }

  /** Looks at these nodes anew; gives the units of every tunnel that they had or have. */
  update(nodes: Iterable<string>, facts: OverlayFacts): PlanUnits {
    const found = new Map<string, VxlanTunnel>();
    const touched = new Set<string>();
    for (const node of nodes) {
      const tunnels = new Map(
        tunnelsTo(node, facts).map((one) => [this.names.tunnel(one).id, one]),
      );
      for (const [id, tunnel] of tunnels) found.set(id, tunnel);
      for (const id of [...this.byNode.namedBy(node), ...tunnels.keys()]) touched.add(id);
      this.byNode.set(node, new Set(tunnels.keys()));
    }
    const units = new Map<string, readonly PlanEntry[]>();
    for (const id of touched) {
      const tunnel = found.get(id);
      if (this.byNode.of(id).size === 0) units.set(`tunnel/${id}`, []);
      else if (tunnel !== undefined) units.set(`tunnel/${id}`, [this.entry(tunnel)]);
    }
    return units;
  }

  private entry(tunnel: VxlanTunnel): PlanEntry {
    const { localIp, remoteIp, vni } = tunnel;
    const spec = { vpc: this.names.vpc, localIp, remoteIp, vni };
    return nodeEntry({ key: this.names.tunnel(tunnel), spec });
  }
}

/** Next hops by the destinations that use them, followed incrementally. */
export class NextHopObjects {
  private readonly names: ObjectNames;
  private readonly byDestination = new ReverseIndex<string, string>();

  constructor(names: ObjectNames) {
    this.names = names;
  }

  /** Replaces the next hops of some destinations (`undefined` = none); gives the units of those that they had or have. */
  update(wanted: ReadonlyMap<string, string | undefined>): PlanUnits {
    const touched = new Set<string>();
    for (const [destination, ip] of wanted) {
      const now = new Set(ip === undefined ? [] : [ip]);
      for (const one of [...this.byDestination.namedBy(destination), ...now]) touched.add(one);
      this.byDestination.set(destination, now);
    }
    const units = new Map<string, readonly PlanEntry[]>();
    for (const ip of touched) {
      const isUsed = this.byDestination.of(ip).size > 0;
      const entry = nodeEntry({ key: this.names.nextHop(ip), spec: { ip } });
      units.set(`next-hop/${ip}`, isUsed ? [entry] : []);
    }
    return units;
  }
}
