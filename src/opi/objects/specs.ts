/**
 * OPI's nouns: the spec of every object kind we write, as plain immutable values. Addresses are canonical text, MACs
 * lower-case `aa:bb:cc:dd:ee:ff`, references are keys. Field semantics: `opi-proto/`.
 */
import type { Family } from '../../base/ip.js';
import type { ObjectKey, ObjectKind } from './key.js';
import type { PolicyRuleSpec, SecurityRuleSpec } from './match.js';

/** Host interface of the XPU. `vf` false = the node's own interface (the host port). */
export interface InterfaceSpec {
  readonly ifname: string;
  readonly vf: boolean;
  readonly mac?: string;
  readonly adminUp: boolean;
}

/** Reference to a SecurityPolicy. */
export type SecurityPolicyRef = ObjectKey<'securityPolicy'>;

/** The SecurityPolicy lists of one level. `egress` is what a vNIC's owner sends, `ingress` what it receives. */
export interface PolicyListsSpec {
  readonly ingressV4: readonly SecurityPolicyRef[];
  readonly ingressV6: readonly SecurityPolicyRef[];
  readonly egressV4: readonly SecurityPolicyRef[];
  readonly egressV6: readonly SecurityPolicyRef[];
}

/** A routing domain; `vni` is its VXLAN id on the fabric. */
export interface VpcSpec {
  readonly vni?: number;
  readonly v4RouteTable?: ObjectKey<'routeTable'>;
  readonly v6RouteTable?: ObjectKey<'routeTable'>;
  /** Inherited by every vNIC of the Vpc; absent = no list is filled. */
  readonly policies?: PolicyListsSpec;
}

/** A subnet: the virtual router its vNICs see. */
export interface SubnetSpec {
  readonly vpc: ObjectKey<'vpc'>;
  readonly v4Prefix?: string;
  readonly v6Prefix?: string;
  readonly v4RouterIp?: string;
  readonly v6RouterIp?: string;
  readonly routerMac?: string;
  /** Inherited by every vNIC of the Subnet; absent = no list is filled. */
  readonly policies?: PolicyListsSpec;
}

/** A table of routes of one family. */
export interface RouteTableSpec {
  readonly family: Family;
}

/** Where a route leads: the Mapping table decides (an address without a Mapping is dropped), a tunnel, or a next hop. */
export type RouteVia =
  | { readonly evalMapping: true }
  | { readonly tunnel: ObjectKey<'tunnel'>; readonly overlayMac?: string }
  | { readonly nextHop: ObjectKey<'nextHop'> };

/** One route. A prefix occurs once per table. */
export interface RouteSpec {
  readonly table: ObjectKey<'routeTable'>;
  readonly prefix: string;
  readonly via: RouteVia;
}

/** A port. Never leave a list empty on a pod's vNIC. */
export interface VnicSpec extends PolicyListsSpec {
  readonly subnet: ObjectKey<'subnet'>;
  readonly hostInterface: ObjectKey<'interface'>;
  readonly mac?: string;
  /** Drop packets whose source is no local Mapping of this vNIC. */
  readonly sourceGuard: boolean;
}

/** An address of the overlay and where it is. */
export interface MappingSpec {
  readonly vpc: ObjectKey<'vpc'>;
  readonly ip: string;
  readonly subnet: ObjectKey<'subnet'>;
  readonly destination: ObjectKey<'vnic'> | ObjectKey<'tunnel'>;
  readonly mac?: string;
}

/** A next hop on the underlay. */
export interface NextHopSpec {
  readonly ip: string;
  readonly vpc?: ObjectKey<'vpc'>;
}

/** A VXLAN tunnel to one remote node, one family of outer addresses. */
export interface TunnelSpec {
  readonly vpc: ObjectKey<'vpc'>;
  readonly localIp: string;
  readonly remoteIp: string;
  readonly vni: number;
  readonly remoteMac?: string;
}

/** An ordered, stateful list of rules of one family (network/cloud). No match = `defaultAction`. */
export interface SecurityPolicySpec {
  readonly family: Family;
  readonly defaultAction: 'ALLOW' | 'DENY';
  readonly format: 'FLATTENED' | 'COMPACT';
  readonly rules: readonly SecurityRuleSpec[];
}

/** Form of an AddressGroup's members: prefix texts, or `ip,proto:port` with a protocol number. */
export type MemberType = 'PREFIX' | 'IP_PORT';

/** A named set of addresses. Its members are no part of the spec: see `MemberSet` and the member calls. */
export interface AddressGroupSpec {
  readonly memberType: MemberType;
}

/** Rules shared by every port that names the policy. */
export interface NetworkPolicySpec {
  readonly ingressRules: readonly PolicyRuleSpec[];
  readonly egressRules: readonly PolicyRuleSpec[];
}

/** Which port a binding speaks of. */
export type PortRefSpec =
  { readonly vnic: ObjectKey<'vnic'> } | { readonly port: 'UPLINK' } | { readonly port: 'TUNNEL' };

/** Stages of a port's path in their order. */
export type StageKind = 'UNTRACKED' | 'PRE_DNAT' | 'FORWARD' | 'HOST' | 'WORKLOAD';

/** `FROM_PORT`: the packet comes in from the port's owner; `TO_PORT`: it goes out to the owner. */
export type Direction = 'FROM_PORT' | 'TO_PORT';

/** Which rule list of a NetworkPolicy a stage uses. */
export type RuleListName = 'INGRESS' | 'EGRESS';

/** One tier of a stage. */
export interface TierSpec {
  readonly tierId: string;
  readonly policies: readonly ObjectKey<'networkPolicy'>[];
  readonly defaultAction: 'DENY' | 'PASS';
}

/** One stage of one direction. Profiles are asked after the tiers (HOST, WORKLOAD only), then deny. */
export interface StageSpec {
  readonly kind: StageKind;
  readonly direction: Direction;
  readonly ruleList: RuleListName;
  readonly tiers: readonly TierSpec[];
  readonly profiles: readonly ObjectKey<'networkPolicy'>[];
}

/** A failsafe: protocol, port of this host, and the remote side's prefix (absent = any, both families). */
export interface FailsafeSpec {
  readonly direction: 'INBOUND' | 'OUTBOUND';
  readonly protocol: number;
  readonly port: number;
  readonly prefix?: string;
}

/** What becomes of an allowed packet from a vNIC to the host port. */
export type ToHostAction = 'DROP' | 'ACCEPT' | 'RETURN';

/** The whole policy of one port; one Update replaces it atomically. */
export interface PolicyBindingSpec {
  readonly port: PortRefSpec;
  readonly stages: readonly StageSpec[];
  readonly failsafes: readonly FailsafeSpec[];
  /** vNIC ports: prefixes the owner may send from. fe80::/10 and :: (for ND) are implied for IPv6. */
  readonly allowedSources: readonly string[];
  /** vNIC ports only. */
  readonly toHostAction: ToHostAction;
  /** WORKLOAD is not asked for packets that the host port sent. */
  readonly fromHostBypass: boolean;
  /** What tracked packets without a valid connection state meet at the first stage that is there. */
  readonly invalidAction: 'DROP' | 'CONTINUE';
  readonly establishedPolicy: 'KEEP' | 'REEVALUATE';
  /** vNIC ports: deny everything both ways, established flows too (an endpoint that is not active). */
  readonly disabled: boolean;
  /** UDP ports of encapsulation that a vNIC's owner may not send to, and whether protocol 4 is refused. */
  readonly deniedEncapsulation: { readonly vxlanPort?: number; readonly ipip: boolean };
}

/** Spec of each kind. */
export interface SpecByKind {
  interface: InterfaceSpec;
  vpc: VpcSpec;
  subnet: SubnetSpec;
  routeTable: RouteTableSpec;
  route: RouteSpec;
  vnic: VnicSpec;
  mapping: MappingSpec;
  nextHop: NextHopSpec;
  tunnel: TunnelSpec;
  securityPolicy: SecurityPolicySpec;
  addressGroup: AddressGroupSpec;
  networkPolicy: NetworkPolicySpec;
  policyBinding: PolicyBindingSpec;
}

/** An object as wanted or as found. */
export interface OpiObject<K extends ObjectKind = ObjectKind> {
  readonly key: ObjectKey<K>;
  readonly spec: SpecByKind[K];
}

/** Union of the objects of every kind, for exhaustive switches on `key.kind`. */
export type AnyObject = { [K in ObjectKind]: OpiObject<K> }[ObjectKind];
