/**
 * One Delta into one session's tables. A value equal to the stored one is no change: Felix sends policies, endpoints,
 * routes and pools again unchanged (felix-protocol: coalescing).
 */
import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../base/errors.js';
import type { Delta, MetadataScope } from '../model/delta.js';
import type { HostMetadata } from '../model/network.js';
import { foldSet, foldSetDelta, foldSetRemove } from './fold-sets.js';
import { type FoldTarget, wireguardKey } from './tables.js';

/** Applies one change. `in-sync` is the session's business and does nothing here. */
export function foldDelta(target: FoldTarget, delta: Delta): void {
  const { tables, dirty } = target;
  switch (delta.type) {
    case 'config':
      return foldConfig(target, delta.values);
    case 'ip-set':
      return foldSet(target, delta);
    case 'ip-set-delta':
      return foldSetDelta(target, delta);
    case 'ip-set-remove':
      return foldSetRemove(target, delta);
    case 'policy':
      return put(tables.policies, dirty.policies, delta.policy.key, delta.policy);
    case 'policy-remove':
      return remove(target, delta, tables.policies, dirty.policies, delta.key);
    case 'profile':
      return put(tables.profiles, dirty.profiles, delta.profile.name, delta.profile);
    case 'profile-remove':
      return remove(target, delta, tables.profiles, dirty.profiles, delta.name);
    case 'workload':
      return put(tables.workloads, dirty.workloads, delta.endpoint.key, delta.endpoint);
    case 'workload-remove':
      return remove(target, delta, tables.workloads, dirty.workloads, delta.key);
    case 'host-endpoint':
      return put(tables.hostEndpoints, dirty.hostEndpoints, delta.endpoint.key, delta.endpoint);
    case 'host-endpoint-remove':
      return remove(target, delta, tables.hostEndpoints, dirty.hostEndpoints, delta.key);
    default:
      return foldNetwork(target, delta);
  }
}

type NetworkDelta = Exclude<
  Delta,
  | { type: `ip-set${string}` | `policy${string}` | `profile${string}` | `workload${string}` }
  | { type: `host-endpoint${string}` }
  | { type: 'config' }
>;

function foldNetwork(target: FoldTarget, delta: NetworkDelta): void {
  const { tables, dirty } = target;
  switch (delta.type) {
    case 'host-metadata':
      return foldMetadata(target, delta.scope, delta.metadata);
    case 'host-metadata-remove':
      return removeMetadata(target, delta.scope, delta.hostname);
    case 'pool':
      return put(tables.pools, dirty.pools, delta.pool.id, delta.pool);
    case 'pool-remove':
      return remove(target, delta, tables.pools, dirty.pools, delta.id);
    case 'route':
      return put(tables.routes, dirty.routes, delta.route.destination, delta.route);
    case 'route-remove':
      return remove(target, delta, tables.routes, dirty.routes, delta.destination);
    case 'vtep':
      return put(tables.vteps, dirty.vteps, delta.vtep.node, delta.vtep);
    case 'vtep-remove':
      return remove(target, delta, tables.vteps, dirty.vteps, delta.node);
    case 'encapsulation':
      if (isDeepStrictEqual(tables.encapsulation, delta.encapsulation)) return;
      tables.encapsulation = delta.encapsulation;
      dirty.encapsulation = true;
      return;
    case 'wireguard': {
      const key = wireguardKey(delta.family, delta.peer.hostname);
      return put(tables.wireguard, dirty.wireguard, key, delta.peer);
    }
    case 'wireguard-remove': {
      const key = wireguardKey(delta.family, delta.hostname);
      return remove(target, delta, tables.wireguard, dirty.wireguard, key);
    }
    case 'in-sync':
    case 'ignored':
    case 'unknown':
      return;
    default:
      return unreachable(delta);
  }
}

/** A later ConfigUpdate of a session replaces the values and resets nothing else. */
function foldConfig({ tables, dirty }: FoldTarget, values: ReadonlyMap<string, string>): void {
  if (isDeepStrictEqual(tables.config, values)) return;
  tables.config = values;
  dirty.config = true;
}

/** One family per message in older Calico: the other family and what belongs to it stay as they are. */
function foldMetadata(target: FoldTarget, scope: MetadataScope, sent: HostMetadata): void {
  const { tables, dirty } = target;
  const known = tables.hosts.get(sent.hostname) ?? noMetadata(sent.hostname);
  put(tables.hosts, dirty.hosts, sent.hostname, mergeMetadata(known, scope, sent));
}

function noMetadata(hostname: string): HostMetadata {
  return { hostname, ipv4: '', ipv6: '', asNumber: '', labels: new Map<string, string>() };
}

function mergeMetadata(
  known: HostMetadata,
  scope: MetadataScope,
  sent: HostMetadata,
): HostMetadata {
  if (scope === 'all') return sent;
  const v4 = scope === 'ipv4' ? sent : known;
  const v6 = scope === 'ipv6' ? sent : known;
  const { ipv4PrefixLength } = v4;
  const { ipv6PrefixLength } = v6;
  return {
    hostname: sent.hostname,
    ipv4: v4.ipv4,
    ipv6: v6.ipv6,
    ...(ipv4PrefixLength === undefined ? {} : { ipv4PrefixLength }),
    ...(ipv6PrefixLength === undefined ? {} : { ipv6PrefixLength }),
    asNumber: sent.asNumber === '' ? known.asNumber : sent.asNumber,
    labels: sent.labels.size === 0 ? known.labels : sent.labels,
  };
}

function removeMetadata(target: FoldTarget, scope: MetadataScope, hostname: string): void {
  const { tables, dirty } = target;
  const gone = noMetadata(hostname);
  const rest = mergeMetadata(tables.hosts.get(hostname) ?? gone, scope, gone);
  if (rest.ipv4 !== '' || rest.ipv6 !== '') {
    return put(tables.hosts, dirty.hosts, hostname, rest);
  }
  // Older Calico removes a host three times: IPv4, IPv6, whole. Only the first finds it.
  if (tables.hosts.delete(hostname)) dirty.hosts.add(hostname);
}

function put<K, V>(table: Map<K, V>, marks: Set<K>, key: K, value: V): void {
  if (isDeepStrictEqual(table.get(key), value)) return;
  table.set(key, value);
  marks.add(key);
}

function remove<K extends string>(
  target: FoldTarget,
  delta: Pick<Delta, 'type'>,
  table: Map<K, unknown>,
  marks: Set<K>,
  key: K,
): void {
  if (table.delete(key)) marks.add(key);
  else target.report({ code: 'absent-object', delta: delta.type, subject: key });
}
