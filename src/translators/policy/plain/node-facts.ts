/** What every list of a node needs to know: whose addresses are whose, per family. */
import { hostCidr, parseCidr, type Cidr, type Family, type IpAddress } from '../../../base/ip.js';
import type { AddressSet } from './box.js';
import { netsOf } from './rule-boxes.js';

/** Addresses of the node's surroundings. */
export interface NodeAddresses {
  /** Local Mappings of the host port. */
  readonly host: readonly IpAddress[];
  /** Local Mappings of all vNICs. */
  readonly pods: readonly IpAddress[];
  /** Destinations that leave by a tunnel. None = no packet comes through a tunnel either. */
  readonly tunnel: readonly Cidr[];
}

/** The same as address sets of one family. */
export interface FamilyFacts {
  readonly family: Family;
  readonly host: AddressSet;
  readonly pods: AddressSet;
  /** Tunnel destinations that are no local pod's and not the host's. */
  readonly tunnel: AddressSet;
  /** Destinations that lead from a vNIC to the host port: host, link-local (gateways too), multicast. */
  readonly toHost: AddressSet;
  /** The same and the limited broadcast, which some data planes hand to the router and others to the wire. */
  readonly maybeToHost: AddressSet;
  /** Destinations that leave by the uplink. */
  readonly outside: AddressSet;
  /** Sources that come from the uplink or a tunnel; the data plane drops local ones there. */
  readonly foreign: AddressSet;
  /** True if packets come and go through tunnels. */
  readonly tunnelled: boolean;
}

const LINK_LOCAL_AND_MULTICAST = ['169.254.0.0/16', '224.0.0.0/4', 'fe80::/10', 'ff00::/8'].map(
  (text) => parseCidr(text) as Cidr,
);

const LIMITED_BROADCAST = parseCidr('255.255.255.255/32') as Cidr;

/** Facts of one family; sets equal to those of `before` are the same objects. */
export function familyFacts(
  addresses: NodeAddresses,
  family: Family,
  before?: FamilyFacts,
): FamilyFacts {
  const host = netsOf(addresses.host.map(hostCidr), family);
  const pods = netsOf(addresses.pods.map(hostCidr), family).minus(host);
  const near = netsOf(LINK_LOCAL_AND_MULTICAST, family);
  const toHost = host.or(near.minus(pods));
  const local = toHost.or(pods);
  const tunnel = netsOf(addresses.tunnel, family).minus(local);
  const facts: FamilyFacts = {
    family,
    host,
    pods,
    tunnel,
    toHost,
    maybeToHost: toHost.or(netsOf([LIMITED_BROADCAST], family)),
    outside: local.or(tunnel).complement(),
    foreign: host.or(pods).complement(),
    tunnelled: addresses.tunnel.length > 0,
  };
  return before === undefined ? facts : keepEqual(facts, before);
}

/** Keeps the objects of sets that did not change, so that lists made from them stay known by identity. */
function keepEqual(facts: FamilyFacts, before: FamilyFacts): FamilyFacts {
  const kept = (name: 'host' | 'pods' | 'tunnel' | 'toHost' | 'outside' | 'foreign'): AddressSet =>
    before[name].equals(facts[name]) ? before[name] : facts[name];
  return {
    ...facts,
    host: kept('host'),
    pods: kept('pods'),
    tunnel: kept('tunnel'),
    toHost: kept('toHost'),
    outside: kept('outside'),
    foreign: kept('foreign'),
  };
}
