/** What each object wants of the kernel's network state. Pure: the store says everything. */
import { parseIp, type Family } from '../../../base/ip.js';
import type { ObjectKey, ObjectKind } from '../../../opi/objects/key.js';
import type {
  InterfaceSpec,
  MappingSpec,
  RouteSpec,
  RouteVia,
  SpecByKind,
  SubnetSpec,
  TunnelSpec,
  VnicSpec,
} from '../../../opi/objects/specs.js';
import type { ObjectStore } from '../../store/object-store.js';
import { mappingTable, ROUTER_MAC, routeTable, RULE_PREFERENCE } from '../names.js';
import type { DomainNumbers } from './domains.js';
import type { NetItem } from './item.js';
import { deviceSysctl, ownAddress, vethPair, vxlanDevice } from './links.js';
import { hopTo, type UnderlayRoute } from './underlay.js';
import {
  domainRules,
  lastResort,
  linkLocalRoute,
  linkLocalRule,
  neighbour,
  proxyNeighbour,
  route,
  tunnelRoute,
  type TunnelEnd,
} from './routing.js';

/** The wire. */
export interface Uplink {
  readonly name: string;
  readonly mtu: number;
}

/** What the objects do not say. */
export interface NetworkSurroundings {
  /** Netdev of an Interface's representor. */
  readonly netdevOf: (ifname: string) => string | undefined;
  /** Representors exist already: none is created, renamed, moved or deleted. */
  readonly foreign: boolean;
  /** Where VF ends are made, as iproute2's `netns` takes it. */
  readonly hostNetns: string;
  readonly uplink: Uplink | undefined;
  /** The main table. */
  readonly underlay: readonly UnderlayRoute[];
}

/** MTU where there is no uplink to take it from. */
export const DEFAULT_MTU = 1500;

/** See the file head. Every call costs as much as the object it is about. */
export class Contributions {
  private readonly store: ObjectStore;
  private readonly domains: DomainNumbers;

  constructor(store: ObjectStore, domains: DomainNumbers) {
    this.store = store;
    this.domains = domains;
  }

  /** Items that an object wants; none if it is not there or wants nothing. */
  of(key: ObjectKey, around: NetworkSurroundings): NetItem[] {
    const spec = this.spec(key);
    if (spec === undefined) return [];
    switch (key.kind) {
      case 'vnic':
        return this.ofVnic(spec as VnicSpec, around);
      case 'subnet':
        return ofSubnet(spec as SubnetSpec);
      case 'vpc':
        return domainRules(this.domains.take(key.id));
      case 'mapping':
        return this.ofMapping(spec as MappingSpec, around);
      case 'route':
        return this.ofRoute(spec as RouteSpec, around);
      case 'tunnel': {
        const { vni, localIp } = spec as TunnelSpec;
        return vxlanDevice(vni, familyOf(localIp), around.uplink?.mtu ?? DEFAULT_MTU);
      }
      default:
        return [];
    }
  }

  private ofVnic({ subnet, hostInterface, mac }: VnicSpec, around: NetworkSurroundings): NetItem[] {
    const host = this.spec(hostInterface);
    const router = this.spec(subnet);
    const name = host && around.netdevOf(host.ifname);
    if (host === undefined || router === undefined || name === undefined) return [];
    const { foreign, hostNetns, uplink } = around;
    const netdev = foreign
      ? foreignNetdev(name, router)
      : vethPair({
          name,
          mac: router.routerMac ?? ROUTER_MAC,
          mtu: uplink?.mtu ?? DEFAULT_MTU,
          peerMac: mac ?? host.mac,
          peerNetns: hostNetns,
        });
    return host.vf ? netdev : [...netdev, linkLocalRoute(name)];
  }

  private ofMapping(
    { vpc, ip, destination, mac }: MappingSpec,
    around: NetworkSurroundings,
  ): NetItem[] {
    const table = mappingTable(this.domains.take(vpc.id));
    const isV6 = ip.includes(':');
    const prefix = `${ip}/${isV6 ? 128 : 32}`;
    if (destination.kind === 'tunnel') {
      const end = this.tunnelEnd(destination, mac);
      return end === undefined ? [] : tunnelRoute(table, prefix, end).map(leavingFirst);
    }
    const items = [lastResort(table, prefix)];
    const vnic = this.spec(destination);
    const device = vnic && this.netdevOf(vnic.hostInterface, around);
    if (device === undefined) return items;
    items.push(leavingFirst(route(table, prefix, { device })));
    const known = mac ?? vnic?.mac;
    if (known !== undefined) items.push(neighbour(ip, device, known));
    // The uplink answers for what is here and for nothing else: for all it knows, others are on the wire themselves.
    if (around.uplink) items.push(proxyNeighbour(ip, around.uplink.name));
    return items;
  }

  private ofRoute({ table, prefix, via }: RouteSpec, around: NetworkSurroundings): NetItem[] {
    return this.store
      .referrersOf(table)
      .filter(({ kind }) => kind === 'vpc')
      .flatMap(({ id }) => this.routeItems(routeTable(this.domains.take(id)), prefix, via, around));
  }

  private routeItems(
    table: number,
    prefix: string,
    via: RouteVia,
    { underlay }: NetworkSurroundings,
  ): NetItem[] {
    if ('evalMapping' in via) return [route(table, prefix, { blackhole: true })];
    if ('tunnel' in via) {
      const end = this.tunnelEnd(via.tunnel, via.overlayMac);
      return end === undefined ? [] : tunnelRoute(table, prefix, end);
    }
    const nextHop = this.spec(via.nextHop);
    if (nextHop === undefined) return [];
    // The kernel's routes know no next hop behind another one: the main table is asked for it here.
    const hop = hopTo(nextHop.ip, underlay) ?? ({ blackhole: true } as const);
    return [route(table, prefix, hop), lastResort(table, prefix)];
  }

  private tunnelEnd(key: ObjectKey<'tunnel'>, mac: string | undefined): TunnelEnd | undefined {
    const tunnel = this.spec(key);
    if (tunnel === undefined) return undefined;
    return { vni: tunnel.vni, remoteIp: tunnel.remoteIp, mac: mac ?? tunnel.remoteMac };
  }

  private netdevOf(
    key: ObjectKey<'interface'>,
    { netdevOf }: NetworkSurroundings,
  ): string | undefined {
    const spec: InterfaceSpec | undefined = this.spec(key);
    return spec && netdevOf(spec.ifname);
  }

  private spec<K extends ObjectKind>(key: ObjectKey<K>): SpecByKind[K] | undefined {
    return this.store.get(key)?.object.spec as SpecByKind[K] | undefined;
  }
}

/**
 * What an uplink needs whatever the objects are: it answers for the addresses of local Mappings alone, and does not tell
 * the wire of those on `lo`.
 */
export function uplinkItems({ name }: Uplink): NetItem[] {
  return [
    ...routerSysctls(name),
    deviceSysctl(name, `net/ipv4/conf/${name}/proxy_arp`, 0),
    deviceSysctl(name, `net/ipv4/conf/${name}/arp_ignore`, 1),
    deviceSysctl(name, `net/ipv6/conf/${name}/proxy_ndp`, 1),
    linkLocalRule(RULE_PREFERENCE.linkLocalUplink, `iif ${name}`),
  ];
}

/** An address never moves at once: the flows of who had it must be forgotten before who gets it is reached. */
function leavingFirst(item: NetItem): NetItem {
  return item.kind === 'route' ? { ...item, leavesFirst: true } : item;
}

function ofSubnet({ v4RouterIp, v6RouterIp }: SubnetSpec): NetItem[] {
  const addresses = [v4RouterIp, v6RouterIp].filter((ip) => ip !== undefined);
  return addresses.filter((ip) => !isLinkLocalV6(ip)).map((ip) => ownAddress(ip));
}

/**
 * A netdev that is there before us is brought up and down by others, and keeps its MAC, so that the gateway's link-local
 * address is not its own by nature.
 */
function foreignNetdev(name: string, { v6RouterIp }: SubnetSpec): NetItem[] {
  const items = [...routerSysctls(name), deviceSysctl(name, `net/ipv4/conf/${name}/proxy_arp`, 1)];
  if (v6RouterIp !== undefined && isLinkLocalV6(v6RouterIp)) {
    items.push(ownAddress(v6RouterIp, name));
  }
  return items;
}

/** Settings of a router's netdev; veth pairs of ours have them from the namespace's defaults. */
function routerSysctls(name: string): NetItem[] {
  const settings: [string, number][] = [
    [`net/ipv4/conf/${name}/forwarding`, 1],
    [`net/ipv6/conf/${name}/forwarding`, 1],
    [`net/ipv4/conf/${name}/rp_filter`, 0],
    [`net/ipv4/neigh/${name}/proxy_delay`, 0],
    [`net/ipv6/neigh/${name}/proxy_delay`, 0],
    [`net/ipv4/conf/${name}/send_redirects`, 0],
  ];
  return settings.map(([path, value]) => deviceSysctl(name, path, value));
}

function isLinkLocalV6(text: string): boolean {
  const ip = parseIp(text);
  return ip?.family === 6 && ip.value >> 118n === 0x3fan;
}

function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}
