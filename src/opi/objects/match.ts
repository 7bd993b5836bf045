/** Packet matches of the extension's NetworkPolicy and of network/cloud's SecurityPolicy, as plain values. */
import type { Family } from '../../base/ip.js';
import type { ObjectKey } from './key.js';

/** Inclusive range of ports. */
export interface PortRangeSpec {
  readonly low: number;
  readonly high: number;
}

/** ICMP type 0..255, with a code 0..255 or for every code. */
export interface IcmpSpec {
  readonly type: number;
  readonly code?: number;
}

/** Reference to an AddressGroup. */
export type GroupRef = ObjectKey<'addressGroup'>;

/**
 * One side of a NetworkPolicy rule. Empty lists are no condition. Prefix texts are canonical (`base/ip`), sorted and
 * without repeats; a positive prefix list matches only the families it holds.
 */
export interface EndpointMatch {
  /** OR. */
  readonly prefixes: readonly string[];
  readonly notPrefixes: readonly string[];
  /** AND: the address is in every group. */
  readonly groups: readonly GroupRef[];
  /** The address is in none of them. */
  readonly notGroups: readonly GroupRef[];
  /** OR with `namedPortGroups`. */
  readonly ports: readonly PortRangeSpec[];
  /** (address, protocol, port) is a member of one of these IP_PORT groups. */
  readonly namedPortGroups: readonly GroupRef[];
  readonly notPorts: readonly PortRangeSpec[];
  readonly notNamedPortGroups: readonly GroupRef[];
}

/** Everything a NetworkPolicy rule tests; all conditions are ANDed. */
export interface RuleMatch {
  /** Absent = both. */
  readonly family?: Family;
  /** IP protocol number 0..255; absent = any. */
  readonly protocol?: number;
  readonly notProtocol?: number;
  readonly source: EndpointMatch;
  readonly destination: EndpointMatch;
  /** (destination address, protocol, destination port) is a member of every one of these IP_PORT groups. */
  readonly ipPortGroups: readonly GroupRef[];
  /** Matches ICMP (v4) and ICMPv6 (v6) packets only. */
  readonly icmp?: IcmpSpec;
  /** Matches ICMP packets of another type (or code) only. */
  readonly notIcmp?: IcmpSpec;
}

/** A side without conditions. */
export const ANY_ENDPOINT: EndpointMatch = {
  prefixes: [],
  notPrefixes: [],
  groups: [],
  notGroups: [],
  ports: [],
  namedPortGroups: [],
  notPorts: [],
  notNamedPortGroups: [],
};

/** A match without conditions. */
export const MATCH_ALL: RuleMatch = {
  source: ANY_ENDPOINT,
  destination: ANY_ENDPOINT,
  ipPortGroups: [],
};

/** What a NetworkPolicy rule does: PASS ends the tier, LOG is noted and evaluation goes on. */
export type RuleActionSpec = 'ALLOW' | 'DENY' | 'PASS' | 'LOG';

/** One NetworkPolicy rule. */
export interface PolicyRuleSpec {
  /** Unique within its list; names the Calico rule it came from. 1..128 printable ASCII characters. */
  readonly ruleId: string;
  readonly action: RuleActionSpec;
  readonly match: RuleMatch;
}

/** Addresses of one side of a SecurityPolicy rule: a prefix text, or an inclusive range of address texts. */
export type IpEntrySpec =
  { readonly prefix: string } | { readonly low: string; readonly high: string };

/** One rule of a SecurityPolicy (network/cloud). Conditions ANDed; an empty list is no condition. */
export interface SecurityRuleSpec {
  readonly ruleName: string;
  /** 0..65534; lower wins. */
  readonly priority: number;
  readonly action: 'ALLOW' | 'DENY';
  readonly terminating: boolean;
  /** IP protocol number; absent = any. */
  readonly protocol?: number;
  /** FLATTENED policies: at most one entry per list. */
  readonly source: readonly IpEntrySpec[];
  readonly destination: readonly IpEntrySpec[];
  readonly sourcePorts: readonly PortRangeSpec[];
  readonly destinationPorts: readonly PortRangeSpec[];
  readonly icmp: readonly IcmpSpec[];
}
