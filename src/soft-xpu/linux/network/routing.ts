/** Rules, routes and neighbours as items. */
import { FAMILIES, formatIp, ipToBytes, parseIp, type Family } from '../../../base/ip.js';
import { invariant } from '../../../base/errors.js';
import { hashText } from '../../../base/hash.js';
import {
  domainMark,
  LINK_LOCAL_TABLE,
  MAIN_TABLE,
  mappingTable,
  MARK,
  ROUTE_PROTOCOL,
  routeTable,
  RULE_PREFERENCE,
  vxlanName,
} from '../names.js';
import { ip, type Line, type NetItem } from './item.js';

/** Metric of the route that drops what a netdev is missing for: worse than any other. */
export const LAST_METRIC = 4_294_967_295;

/** Where a route leads. */
export type RouteTarget =
  { readonly blackhole: true } | { readonly device: string; readonly gateway?: string };

/** A route of one of our tables. `prefix` has its length. */
export function route(table: number, prefix: string, target: RouteTarget): NetItem {
  const isV6 = prefix.includes(':');
  const where = `${prefix} table ${table}`;
  const make = (rest: string, type = ''): Line[] => [
    ip(`route replace ${type}${where} ${rest}proto ${ROUTE_PROTOCOL}`),
  ];
  // The netdev is named, so that the route of last resort stays where the netdev took its route along.
  const unmake = (rest: string, type = ''): Line[] => [
    ip(`route del ${type}${where} ${rest}proto ${ROUTE_PROTOCOL}`),
  ];
  const id = `route ${where}`;
  if ('blackhole' in target) {
    const type = 'blackhole ';
    return {
      kind: 'route',
      id,
      content: 'blackhole',
      make: make('', type),
      unmake: unmake('', type),
    };
  }
  const { device, gateway } = target;
  const content = `${gateway === undefined ? '' : `via ${gateway} `}dev ${device}`;
  const onlink = isV6 ? '' : 'scope link ';
  const inet6 = !isV6 && gateway?.includes(':') === true;
  const made = inet6 ? content.replace('via ', 'via inet6 ') : content;
  return {
    kind: 'route',
    id,
    content,
    device,
    make: make(`${made} ${gateway === undefined ? onlink : 'onlink '}`),
    unmake: unmake(`dev ${device} `),
  };
}

/**
 * What holds a prefix while its netdev is missing or down: without it, its packets would go as wider routes say, which
 * for a tunnel's is into the clear.
 */
export function lastResort(table: number, prefix: string): NetItem {
  const where = `${prefix} table ${table} metric ${LAST_METRIC}`;
  return {
    kind: 'route',
    id: `route ${where}`,
    content: 'blackhole',
    make: [ip(`route replace blackhole ${where} proto ${ROUTE_PROTOCOL}`)],
    unmake: [ip(`route del blackhole ${where} proto ${ROUTE_PROTOCOL}`)],
  };
}

/** The rules by which packets ask a domain's tables (see `RULE_PREFERENCE`). */
export function domainRules(domain: number): NetItem[] {
  const mask = `0x${MARK.domainMask.toString(16)}`;
  const own = `fwmark 0x${domainMark(domain).toString(16)}/${mask}`;
  const open = `fwmark 0x${MARK.byDestination.toString(16)}/${mask}`;
  const { mappingsByDestination, routesByDestination } = RULE_PREFERENCE;
  const { domainMappings, domainRoutes, routerMappings } = RULE_PREFERENCE;
  const [mappings, routes] = [mappingTable(domain), routeTable(domain)];
  return [
    ...bothFamilies(mappingsByDestination(domain), `${open} lookup ${mappings}`),
    ...bothFamilies(routesByDestination(domain), `${open} lookup ${routes}`),
    ...bothFamilies(domainMappings(domain), `${own} lookup ${mappings}`),
    ...bothFamilies(domainRoutes(domain), `${own} lookup ${routes}`),
    ...bothFamilies(routerMappings(domain), `iif lo fwmark 0/${mask} lookup ${mappings}`),
    linkLocalRule(RULE_PREFERENCE.linkLocal(domain), own),
    lastResort(LINK_LOCAL_TABLE, LINK_LOCAL),
  ];
}

/**
 * A namespace that is an XPU and nothing else: packets that came in and bear no domain's mark find no route. Every entry
 * marks, so that this is what becomes of all packets while there is no ruleset.
 */
export function closedWithoutMark(): NetItem[] {
  const { routerMain, unmarkedLost } = RULE_PREFERENCE;
  return [
    ...bothFamilies(routerMain, `iif lo lookup ${MAIN_TABLE}`),
    ...bothFamilies(unmarkedLost, `fwmark 0/0x${MARK.domainMask.toString(16)} blackhole`),
  ];
}

function bothFamilies(preference: number, content: string): NetItem[] {
  return FAMILIES.map((family) => rule(family, preference, content));
}

/** IPv4's link-local addresses, which Linux routes as any other. IPv6's it never does. */
const LINK_LOCAL = '169.254.0.0/16';

/** By which link-local destinations of some packets go to the host port. */
export function linkLocalRule(preference: number, packets: string): NetItem {
  return rule(4, preference, `${packets} to ${LINK_LOCAL} lookup ${LINK_LOCAL_TABLE}`);
}

/** Link-local addresses at the host port. */
export function linkLocalRoute(device: string): NetItem {
  return route(LINK_LOCAL_TABLE, LINK_LOCAL, { device });
}

/** A routing rule. */
export function rule(family: Family, preference: number, content: string): NetItem {
  const tool = family === 4 ? 'ip' : 'ip6';
  const name = `pref ${preference} proto ${ROUTE_PROTOCOL}`;
  return {
    kind: 'rule',
    id: `rule ${family} ${preference}`,
    content,
    make: [{ tool, text: `rule add ${content} ${name}` }],
    unmake: [{ tool, text: `rule del ${name}` }],
  };
}

/**
 * A neighbour whose MAC is known. A failing `neigh` line ends the whole batch, so that what is to be deleted is put in
 * place first.
 */
export function neighbour(address: string, device: string, mac: string): NetItem {
  const put = ip(`neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`);
  return {
    kind: 'neighbour',
    id: `neighbour ${address} ${device}`,
    content: mac,
    device,
    make: [put],
    unmake: [put, ip(`neigh del ${address} dev ${device}`)],
  };
}

/** An address that the XPU answers ARP requests and neighbour solicitations for. */
export function proxyNeighbour(address: string, device: string): NetItem {
  const put = ip(`neigh replace proxy ${address} dev ${device}`);
  return {
    kind: 'neighbour',
    id: `proxy ${address} ${device}`,
    content: '',
    device,
    make: [put],
    unmake: [put, ip(`neigh del proxy ${address} dev ${device}`)],
  };
}

/** One end of a tunnel, as routes need it. */
export interface TunnelEnd {
  readonly vni: number;
  /** Outer address of the other node. */
  readonly remoteIp: string;
  /** MAC of the inner frames; absent = one made of the address, which our own XPUs do not look at. */
  readonly mac?: string | undefined;
}

/**
 * A route through a tunnel with the neighbour and the forwarding entry that lead to the other node. The next hop is the
 * link-local address of the inner MAC for both families: so nobody is asked for a neighbour, and several MACs may lead
 * through one tunnel.
 */
export function tunnelRoute(table: number, prefix: string, end: TunnelEnd): NetItem[] {
  const { vni, remoteIp } = end;
  const device = vxlanName(vni, remoteIp.includes(':') ? 6 : 4);
  const mac = end.mac ?? macOf(remoteIp);
  const gateway = linkLocalOf(mac);
  return [
    forwarding(mac, device, remoteIp),
    neighbour(gateway, device, mac),
    route(table, prefix, { device, gateway }),
    lastResort(table, prefix),
  ];
}

/** Which node of a VXLAN device's network has a MAC. */
export function forwarding(mac: string, device: string, remoteIp: string): NetItem {
  const text = `fdb replace ${mac} dev ${device} dst ${remoteIp} self permanent`;
  return {
    kind: 'forwarding',
    id: `forwarding ${mac} ${device}`,
    content: remoteIp,
    device,
    make: [{ tool: 'bridge', text }],
    unmake: [{ tool: 'bridge', text: `fdb del ${mac} dev ${device} self` }],
  };
}

/** The link-local address that a MAC gives by EUI-64 (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const [first = 0, ...rest] = mac.split(':').map((part) => Number.parseInt(part, 16));
  const bytes = [first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0xfe80n << 48n);
  return formatIp({ family: 6, value });
}

/** A locally administered MAC made of an address: its bytes, or a hash of them where they are too many. */
function macOf(address: string): string {
  const parsed = parseIp(address);
  invariant(parsed !== undefined, `${address} is no address`);
  const bytes =
    parsed.family === 6 ? [6, ...Buffer.from(hashText(address, 5))] : [2, 0, ...ipToBytes(parsed)];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
