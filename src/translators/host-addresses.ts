/** Addresses of the node itself: its own HostMetadata, and every LOCAL_HOST route. */
import {
  compareCidr,
  formatCidr,
  hostCidr,
  type IpAddress,
  parseCidr,
  parseIp,
} from '../base/ip.js';
import { addressBits } from '../base/ip.js';
import type { DesiredState, DirtySet } from '../desired/state.js';
import type { Route } from '../model/network.js';

/** The node's addresses, followed incrementally. */
export class HostAddresses {
  private readonly routes = new Map<string, IpAddress>();
  private sorted: readonly IpAddress[] = [];
  private texts: ReadonlySet<string> = new Set<string>();

  /** Sorted, without repeats. */
  get all(): readonly IpAddress[] {
    return this.sorted;
  }

  /** True if the address is the node's. */
  has(ip: IpAddress): boolean {
    return this.texts.has(formatCidr(hostCidr(ip)));
  }

  /** Follows the state; gives the addresses that came or went. */
  update(
    state: DesiredState,
    dirty: Pick<DirtySet, 'hosts' | 'routes'>,
    nodeName: string,
  ): readonly IpAddress[] {
    for (const destination of dirty.routes) {
      const ip = hostRoute(state.routes.get(destination));
      if (ip === undefined) this.routes.delete(destination);
      else this.routes.set(destination, ip);
    }
    const metadata = state.hosts.get(nodeName);
    const own = [metadata?.ipv4, metadata?.ipv6].map((text) => parseIp(text ?? ''));
    const present = [...own, ...this.routes.values()].filter((ip) => ip !== undefined);
    const wanted = new Map(present.map((ip) => [formatCidr(hostCidr(ip)), ip]));
    const known = new Map(this.sorted.map((ip) => [formatCidr(hostCidr(ip)), ip]));
    const changed = [...wanted, ...known].filter(([text]) => !known.has(text) || !wanted.has(text));
    if (changed.length > 0) {
      this.sorted = [...wanted.values()].sort((a, b) => compareCidr(hostCidr(a), hostCidr(b)));
      this.texts = new Set(wanted.keys());
    }
    return changed.map(([, ip]) => ip);
  }
}

function hostRoute(route: Route | undefined): IpAddress | undefined {
  if (route?.kinds.includes('local-host') !== true) return undefined;
  const cidr = parseCidr(route.destination);
  if (cidr === undefined || cidr.length !== addressBits(cidr.family)) return undefined;
  return { family: cidr.family, value: cidr.value };
}
