/** Addresses that entries are checked by: local Mappings and the ends of tunnels. */
import { FAMILIES, parseIp, type Family } from '../../../base/ip.js';
import type { MappingSpec, SubnetSpec, TunnelSpec } from '../../../opi/objects/specs.js';
import { domainZone } from '../names.js';
import { ADDRESSES } from './layout.js';
import { PartBuilder, type Part } from './part.js';

/** A Mapping that holds an address. */
export interface Holder {
  readonly id: string;
  readonly spec: MappingSpec;
  /** Number of the routing domain it is in. */
  readonly domain: number;
}

/**
 * An address with everybody who holds it. In a domain the first by id counts, and where the domain is not told the first
 * of all.
 */
export function mappedAddressPart(ip: string, holders: readonly Holder[]): Part | undefined {
  const part = new PartBuilder();
  const family = familyOf(ip);
  const [first, ...others] = [...holders].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (first === undefined) return undefined;
  const domains = new Map([...others.reverse(), first].map((holder) => [holder.domain, holder]));
  for (const [domain, { spec }] of domains) {
    if (spec.destination.kind === 'vnic') part.claim(ADDRESSES.localOf(domain, family), ip);
  }
  if (first.spec.destination.kind !== 'vnic') return part;
  part.claim(ADDRESSES.local(family), ip);
  const zone = domainZone(first.domain);
  if (zone !== 0) part.claim(ADDRESSES.zone(family), ip, `${zone}`);
  return part;
}

/** The virtual router of a Subnet. */
export function gatewayPart({ v4RouterIp, v6RouterIp }: SubnetSpec): Part {
  const part = new PartBuilder();
  for (const ip of [v4RouterIp, v6RouterIp]) {
    if (ip !== undefined) part.claim(ADDRESSES.gateway(familyOf(ip)), ip);
  }
  return part;
}

/** The ends of a tunnel. Tunnels share ends; of several local ends to one remote the first by the tunnel's id is used. */
export function tunnelEndsPart({ localIp, remoteIp }: TunnelSpec): Part {
  const family = familyOf(localIp);
  return new PartBuilder()
    .claim(ADDRESSES.tunnelEnd(family), localIp)
    .claim(ADDRESSES.tunnelPeer(family), `${localIp} . ${remoteIp}`)
    .claim(ADDRESSES.tunnelSource(family), remoteIp, localIp);
}

/** What a routing domain has for itself. */
export function domainPart(domain: number): Part {
  const part = new PartBuilder();
  for (const family of FAMILIES) {
    part.set(ADDRESSES.localOf(domain, family), `type ipv${family}_addr`);
  }
  return part;
}

/** Family of a canonical address text. */
export function familyOf(ip: string): Family {
  return parseIp(ip)?.family ?? 4;
}
