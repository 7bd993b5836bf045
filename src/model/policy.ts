/** Calico's rules, policies, profiles and IP sets, decoded and parsed but not yet interpreted. */
import type { IpSetId, PolicyId, PolicyKey, ProfileName } from './ids.js';

/** What a rule does. `unknown` is any action text we do not know: it must fail closed. */
export type RuleAction = 'allow' | 'deny' | 'pass' | 'log' | 'unknown';

/** IANA number, or a name that is not one of Calico's six (`tcp udp icmp icmpv6 sctp udplite`). */
export type Protocol =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'unknown'; readonly name: string };

/** Inclusive range of ports, 0..65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** ICMP type, with a code or for every code. */
export interface IcmpMatch {
  readonly type: number;
  readonly code?: number;
}

/** One side (source or destination) of a rule; felix-protocol: rule match. Every list empty = no condition. */
export interface RuleSide {
  /** Prefix texts as Felix sent them, OR. May mix families. */
  readonly nets: readonly string[];
  readonly notNets: readonly string[];
  /** AND of all. */
  readonly ipSets: readonly IpSetId[];
  readonly notIpSets: readonly IpSetId[];
  /** OR with `namedPorts`. */
  readonly ports: readonly PortRange[];
  readonly namedPorts: readonly IpSetId[];
  readonly notPorts: readonly PortRange[];
  readonly notNamedPorts: readonly IpSetId[];
}

/** One rule. Conditions are ANDed; an absent one matches everything. */
export interface Rule {
  readonly action: RuleAction;
  /** The action text on the wire, for messages about `unknown`. */
  readonly actionText: string;
  /** Absent = both families. */
  readonly family?: 4 | 6;
  readonly protocol?: Protocol;
  readonly notProtocol?: Protocol;
  readonly source: RuleSide;
  readonly destination: RuleSide;
  /** (destination address, protocol, destination port) sets, AND. */
  readonly destinationIpPortSets: readonly IpSetId[];
  readonly icmp?: IcmpMatch;
  readonly notIcmp?: IcmpMatch;
  /** Set when the rule has an L7 part, which no L3/L4 data plane evaluates. */
  readonly hasHttpMatch: boolean;
  /** Felix's rule hash: informative, not unique across namespaces. */
  readonly ruleId: string;
}

/** Rules of one policy or profile, in order. `inbound` is towards the endpoint. */
export interface RuleSet {
  readonly inbound: readonly Rule[];
  readonly outbound: readonly Rule[];
}

/** One policy. */
export interface Policy extends RuleSet {
  readonly id: PolicyId;
  readonly key: PolicyKey;
  /** Tier the policy lies in. */
  readonly tier: string;
  readonly staged: boolean;
  readonly untracked: boolean;
  readonly preDnat: boolean;
  readonly selector: string;
}

/** One profile. */
export interface Profile extends RuleSet {
  readonly name: ProfileName;
}

/** Member form of an IP set: addresses or prefixes, or `ip,proto:port`. */
export type IpSetType = 'net' | 'ip-port';

/** A reference to a policy out of an endpoint's tier list. */
export interface PolicyRef {
  readonly id: PolicyId;
  readonly key: PolicyKey;
  readonly staged: boolean;
}

/** One tier as an endpoint lists it; the list order is the evaluation order. */
export interface Tier {
  readonly name: string;
  readonly ingress: readonly PolicyRef[];
  readonly egress: readonly PolicyRef[];
  /** Empty on the wire before v3.29. `deny` unless the wire says Pass. */
  readonly defaultAction: 'deny' | 'pass';
}
