/** Addresses that entries are checked by: local Mappings and the ends of tunnels. */
import { parseIp, type Family } from '../../../base/ip.js';
import type { MappingSpec, TunnelSpec } from '../../../opi/objects/specs.js';
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

/** An address with everybody who holds it; where the domain is not told, the first by id counts. */
export function mappedAddressPart(ip: string, holders: readonly Holder[]): Part | undefined {
  const [first] = [...holders].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (first?.spec.destination.kind !== 'vnic') return undefined;
  const part = new PartBuilder();
  const family = familyOf(ip);
  part.claim(ADDRESSES.local(family), ip);
  const zone = domainZone(first.domain);
  if (zone !== 0) part.claim(ADDRESSES.zone(family), ip, `${zone}`);
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

/** Family of a canonical address text. */
export function familyOf(ip: string): Family {
  return parseIp(ip)?.family ?? 4;
}
