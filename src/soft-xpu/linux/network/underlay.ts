/** The underlay's routes, the kernel's main table: read, never written. Pure. */
import { cidrContains, formatCidr, parseCidr, parseIp, type Cidr } from '../../../base/ip.js';

/** A route of the main table. */
export interface UnderlayRoute {
  readonly prefix: Cidr;
  readonly device: string;
  /** Absent: the destination is on the netdev's link. */
  readonly gateway?: string;
  readonly metric: number;
}

/** Where a next hop is reached. */
export interface UnderlayHop {
  readonly device: string;
  readonly gateway: string;
}

interface RouteEntry {
  readonly dst: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly metric?: number;
}

/** Routes of `ip -j route show table main` and of `ip -6 -j route show table main`. */
export function underlayRoutes(v4: string, v6: string): UnderlayRoute[] {
  const read = (text: string, all: string): UnderlayRoute[] =>
    (JSON.parse(text || '[]') as RouteEntry[]).flatMap((entry) => {
      const prefix = parseCidr(entry.dst === 'default' ? all : entry.dst);
      if (prefix === undefined || entry.dev === undefined) return [];
      const { dev: device, gateway, metric = 0 } = entry;
      return { prefix, device, metric, ...(gateway === undefined ? {} : { gateway }) };
    });
  return [...read(v4, '0.0.0.0/0'), ...read(v6, '::/0')];
}

/** Text of routes: equal texts, equal routes. */
export function underlayText(routes: readonly UnderlayRoute[]): string {
  const lines = routes.map(
    ({ prefix, device, gateway, metric }) =>
      `${formatCidr(prefix)} ${device} ${gateway ?? ''} ${metric}`,
  );
  return lines.sort().join('\n');
}

/** The hop by which an address of the underlay is reached; undefined if no route leads there. */
export function hopTo(address: string, routes: readonly UnderlayRoute[]): UnderlayHop | undefined {
  const ip = parseIp(address);
  let best: UnderlayRoute | undefined;
  for (const route of routes) {
    if (ip === undefined || !cidrContains(route.prefix, ip)) continue;
    if (best === undefined || isBetter(route, best)) best = route;
  }
  return best && { device: best.device, gateway: best.gateway ?? address };
}

function isBetter(a: UnderlayRoute, b: UnderlayRoute): boolean {
  if (a.prefix.length !== b.prefix.length) return a.prefix.length > b.prefix.length;
  return a.metric < b.metric;
}
