/** Routes, VTEPs, pools and peers as Deltas, with every field set, for tests that care about a few of them. */
import type { Delta } from '../../../src/model/delta.js';
import type { IpamPool, Route, RouteKind, Vtep } from '../../../src/model/network.js';
import { Player } from './play.js';

/** A route to this node, without a pool, unless `fields` say otherwise. */
export function route(
  destination: string,
  kinds: readonly RouteKind[],
  fields: Partial<Route> = {},
): Delta {
  const common = { pool: 'none', nodeName: 'node-a', nodeIp: '172.30.0.1' } as const;
  const flags = { sameSubnet: false, natOutgoing: false, localWorkload: false, borrowed: false };
  return {
    type: 'route',
    route: { destination, kinds, ...common, ...flags, tunnels: [], ...fields },
  };
}

/** A route to workloads of node-b, in a VXLAN pool. */
export function remote(destination: string, fields: Partial<Route> = {}): Delta {
  const nodeIp = destination.includes(':') ? 'fd30::2' : '172.30.0.2';
  const common = { pool: 'vxlan', nodeName: 'node-b', nodeIp } as const;
  return route(destination, ['remote-workload'], { ...common, ...fields });
}

/** The VTEP of `node`, both families, with `last` in every address. */
export function vtep(node: string, last: number, fields: Partial<Vtep> = {}): Delta {
  const hex = String(last).padStart(2, '0');
  return {
    type: 'vtep',
    vtep: {
      node,
      mac: `66:00:00:00:00:${hex}`,
      ipv4: `10.65.${last}.0`,
      parentIp: `172.30.0.${last}`,
      macV6: `66:00:00:00:01:${hex}`,
      ipv6: `fd65:${last}::`,
      parentIpv6: `fd30::${last}`,
      ...fields,
    },
  };
}

/** A pool without encapsulation. */
export function pool(cidr: string, fields: Partial<IpamPool> = {}): Delta {
  const id = cidr.replace('/', '-');
  const modes = { ipipMode: '', vxlanMode: '' };
  return {
    type: 'pool',
    pool: { id, cidr, masquerade: false, allowedUses: [], ...modes, ...fields },
  };
}

/** A WireGuard peer with a key. */
export function peer(hostname: string, family: 4 | 6, publicKey = 'key'): Delta {
  return { type: 'wireguard', family, peer: { hostname, publicKey, interfaceIp: '' } };
}

/** Felix's configuration. */
export function config(values: Readonly<Record<string, string>>): Delta {
  return { type: 'config', values: new Map(Object.entries(values)) };
}

/** A player that was told all of this, in sync and flushed once; its plan is checked. */
export function play(...deltas: readonly Delta[]): Player {
  const player = new Player().session(...deltas, { type: 'in-sync' });
  player.flush();
  player.check();
  return player;
}
