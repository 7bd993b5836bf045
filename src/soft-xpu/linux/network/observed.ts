/** The kernel's network state, as iproute2 tells it in JSON, as items. Pure. */
import { isLinkInMaking, LINK_ALIAS, ROUTE_PROTOCOL, TABLE_NAME } from '../names.js';
import type { NetItem } from './item.js';
import { linkSetting, linkUp, ownLink, takeAllFrames } from './links.js';
import { forwarding, lastResort, LAST_METRIC, neighbour, route, rule } from './routing.js';

/** What was asked, as text. */
export interface KernelListing {
  /** `ip -j -d link show` */
  readonly links: string;
  /** `ip -j addr show` */
  readonly addresses: string;
  /** `ip -4 -j -N rule show` and the same for IPv6. */
  readonly rules: readonly [v4: string, v6: string];
  /** `ip -4 -j -N route show table all proto 199` and the same for IPv6. */
  readonly routes: readonly [v4: string, v6: string];
  /** `ip -4 -j neigh show nud permanent` and the same for IPv6. */
  readonly neighbours: readonly [v4: string, v6: string];
  /** `ip -4 -j neigh show proxy` and the same for IPv6. */
  readonly proxies: readonly [v4: string, v6: string];
  /** `bridge -j fdb show` */
  readonly forwarding: string;
  /** `nft -j list chains netdev` */
  readonly ingress: string;
  /** Paths and values: `net/ipv4/ip_forward=1`. */
  readonly sysctls: readonly string[];
}

/** A netdev of a listing. */
export interface ListedLink {
  readonly ifindex: number;
  readonly ifname: string;
  /** Index of the other end, in its namespace. */
  readonly link_index?: number;
  readonly mtu: number;
  readonly address?: string;
  readonly flags: readonly string[];
  readonly ifalias?: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

/** Netdevs of `ip -j link show`. */
export function linksOf(text: string): ListedLink[] {
  return read<ListedLink>(text);
}

/**
 * Items that are in place. Ours by a mark of their own are links, what stands on them, rules and routes: all of those are
 * given, wanted or not. Of what bears no mark (addresses, neighbours on others' netdevs, settings) only wanted ones are.
 */
export function observedItems(
  listing: KernelListing,
  wanted: ReadonlyMap<string, NetItem>,
): NetItem[] {
  const links = linksOf(listing.links);
  const names = new Set(links.map(({ ifname }) => ifname));
  const ours = new Set(links.filter(isOurs).map(({ ifname }) => ifname));
  const items = [
    ...links.flatMap((link) => linkItems(link, wanted)),
    ...listing.rules.flatMap((text, index) => ruleItems(text, index === 0 ? 4 : 6)),
    ...listing.routes.flatMap(routeItems),
    ...listing.neighbours.flatMap(neighbourItems).filter(isOfOurs),
    ...forwardingItems(listing.forwarding).filter(isOfOurs),
    ...ingressItems(listing.ingress).filter(
      ({ id, device = '' }) => names.has(device) || !wanted.has(id),
    ),
    ...unmarkedItems(listing, wanted),
  ];
  function isOfOurs({ id, device = '' }: NetItem): boolean {
    return ours.has(device) || wanted.has(id);
  }
  return items;
}

/** True for netdevs that we made. */
export function isOurs({ ifname, ifalias }: ListedLink): boolean {
  return ifalias === LINK_ALIAS || isLinkInMaking(ifname);
}

/**
 * True if a netdev of the host's namespace is the other end of a representor of the same name, and not another one that
 * got its name when it moved away: each of them names the other by its index.
 */
export function areEnds(representor: ListedLink | undefined, vf: ListedLink | undefined): boolean {
  if (representor === undefined || vf === undefined) return false;
  return representor.link_index === vf.ifindex && vf.link_index === representor.ifindex;
}

function linkItems(link: ListedLink, wanted: ReadonlyMap<string, NetItem>): NetItem[] {
  const { ifname, address, mtu, flags, linkinfo } = link;
  const items = flags.includes('UP') ? [linkUp(ifname)] : [];
  if (!isOurs(link)) return items.filter(({ id }) => wanted.has(id));
  const kind = linkinfo?.info_kind ?? '';
  items.push(ownLink(ifname, kind, () => []));
  const mac = kind === 'veth' ? `address ${address ?? ''} ` : '';
  items.push(linkSetting(ifname, `${mac}mtu ${mtu}`));
  // The VF's end may be anywhere: it was given its MAC when the pair was made.
  const peer = wanted.get(`peer ${ifname}`);
  if (peer !== undefined) items.push(peer);
  return items;
}

interface RuleEntry {
  readonly priority: number;
  readonly src?: string;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly iif?: string;
  readonly fwmark?: string;
  readonly fwmask?: string;
  readonly table?: string;
  readonly goto?: number;
  readonly action?: string;
  readonly protocol?: string;
}

function ruleItems(text: string, family: 4 | 6): NetItem[] {
  return read<RuleEntry>(text)
    .filter(({ protocol }) => protocol === String(ROUTE_PROTOCOL))
    .map((entry) => rule(family, entry.priority, ruleContent(entry)));
}

/** Actions and route types have numbers in listings. */
const [BLACKHOLE, UNREACHABLE] = ['6', '7'];

function ruleContent({ src, dst, dstlen, iif, fwmark, fwmask, ...rest }: RuleEntry): string {
  const words: string[] = [];
  if (src !== undefined && src !== 'all') words.push(`from ${src}`);
  if (iif !== undefined) words.push(`iif ${iif}`);
  if (fwmark !== undefined) words.push(`fwmark ${fwmark}/${fwmask ?? ''}`);
  if (dst !== undefined) words.push(`to ${dst}/${dstlen ?? ''}`);
  if (rest.goto !== undefined) words.push(`goto ${rest.goto}`);
  else if (rest.action === UNREACHABLE) words.push('unreachable');
  else if (rest.action === BLACKHOLE) words.push('blackhole');
  else if (rest.table !== undefined) words.push(`lookup ${rest.table}`);
  return words.join(' ');
}

interface RouteEntry {
  readonly type?: string;
  readonly dst: string;
  readonly dev?: string;
  readonly table?: string;
  readonly metric?: number;
  readonly gateway?: string;
  readonly via?: { readonly host: string };
}

function routeItems(text: string): NetItem[] {
  return read<RouteEntry>(text).map(({ type, dst, dev, table, metric, gateway, via }) => {
    const prefix = prefixOf(dst);
    const number = Number(table ?? 254);
    if (metric === LAST_METRIC) return lastResort(number, prefix);
    if (type === BLACKHOLE || dev === undefined) return route(number, prefix, { blackhole: true });
    const hop = gateway ?? via?.host;
    return route(number, prefix, { device: dev, ...(hop === undefined ? {} : { gateway: hop }) });
  });
}

function prefixOf(dst: string): string {
  if (dst.includes('/')) return dst;
  if (dst === 'default') return '0.0.0.0/0';
  return dst.includes(':') ? `${dst}/128` : `${dst}/32`;
}

interface NeighbourEntry {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
}

function neighbourItems(text: string): NetItem[] {
  return read<NeighbourEntry>(text).flatMap(({ dst, dev, lladdr }) =>
    lladdr === undefined ? [] : neighbour(dst, dev, lladdr),
  );
}

interface ForwardingEntry {
  readonly mac: string;
  readonly ifname: string;
  readonly dst?: string;
}

function forwardingItems(text: string): NetItem[] {
  return read<ForwardingEntry>(text).flatMap(({ mac, ifname, dst }) =>
    dst === undefined ? [] : forwarding(mac, ifname, dst),
  );
}

interface ChainEntry {
  readonly chain?: { readonly table: string; readonly name: string };
}

function ingressItems(text: string): NetItem[] {
  const { nftables } = JSON.parse(text || '{"nftables":[]}') as {
    readonly nftables: readonly ChainEntry[];
  };
  return nftables.flatMap(({ chain }) =>
    chain?.table === TABLE_NAME ? takeAllFrames(chain.name) : [],
  );
}

interface AddressEntry {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local?: string; readonly prefixlen: number }[];
}

function unmarkedItems(listing: KernelListing, wanted: ReadonlyMap<string, NetItem>): NetItem[] {
  const ids = [
    ...read<AddressEntry>(listing.addresses).flatMap(({ ifname, addr_info: all }) =>
      all.map(({ local, prefixlen }) => `address ${local ?? ''}/${prefixlen} ${ifname}`),
    ),
    ...listing.proxies
      .flatMap((text) => read<NeighbourEntry>(text))
      .map(({ dst, dev }) => `proxy ${dst} ${dev}`),
  ];
  const settings = listing.sysctls.flatMap((setting) => {
    const equals = setting.indexOf('=');
    const item = wanted.get(`sysctl ${setting.slice(0, equals)}`);
    return item?.content === setting.slice(equals + 1) ? item : [];
  });
  return [...ids.flatMap((id) => wanted.get(id) ?? []), ...settings];
}

function read<T>(text: string): T[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as T[]);
}
