/**
 * The intermediate program between Calico and OPI: normalised rules in tiers and stages, one program per port. Both
 * lowerings (native, plain) start here; nothing after this point reads a Felix field.
 */
import type { Cidr, Family } from '../../base/ip.js';
import type { IpSetId, PolicyId, ProfileName } from '../../model/ids.js';
import type { IcmpMatch, PortRange } from '../../model/policy.js';
import type { Direction, FailsafeSpec, StageKind, ToHostAction } from '../../opi/objects/specs.js';

/** Where a rule came from: enough to name it to a person. */
export interface RuleOrigin {
  readonly source:
    | { readonly kind: 'policy'; readonly id: PolicyId; readonly tier: string }
    | { readonly kind: 'profile'; readonly name: ProfileName };
  readonly direction: 'ingress' | 'egress';
  /** 0-based index in the list Felix sent. */
  readonly index: number;
}

/** One side of a normalised rule; empty lists are no condition. Prefixes are sorted and without repeats. */
export interface NormalSide {
  /** OR. Holds prefixes of the rule's families only. */
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  /** AND. */
  readonly ipSets: readonly IpSetId[];
  readonly notIpSets: readonly IpSetId[];
  /** OR with `namedPorts`. Merged, sorted, disjoint. */
  readonly ports: readonly PortRange[];
  readonly namedPorts: readonly IpSetId[];
  readonly notPorts: readonly PortRange[];
  readonly notNamedPorts: readonly IpSetId[];
}

/** A rule after the family filter; `unknown` actions have become `deny`. */
export interface NormalRule {
  readonly origin: RuleOrigin;
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
  /** Families the rule exists for, ascending, never empty. */
  readonly families: readonly Family[];
  readonly protocol?: number;
  readonly notProtocol?: number;
  readonly source: NormalSide;
  readonly destination: NormalSide;
  readonly destinationIpPortSets: readonly IpSetId[];
  /** ICMP packets of that type (and code). */
  readonly icmp?: IcmpMatch;
  /** ICMP packets of another type (or code); other protocols never match. */
  readonly notIcmp?: IcmpMatch;
}

/**
 * Rules of one policy or profile in one direction. Every set a rule names is there and of the right type: a rule whose
 * set is not has become a deny of everything from its place on.
 */
export interface RuleList {
  readonly kind: 'policy' | 'profile';
  /** Policy key or profile name. With `kind` it names the list of either direction, for sharing and messages. */
  readonly name: string;
  /** Felix named the policy or profile and never sent it: `rules` is one deny of everything. */
  readonly missing: boolean;
  readonly rules: readonly NormalRule[];
}

/** One tier that is there: at least one enforced policy in this direction. */
export interface TierProgram {
  readonly name: string;
  readonly policies: readonly RuleList[];
  readonly defaultAction: 'deny' | 'pass';
}

/** One stage of one direction of a port. */
export interface StageProgram {
  readonly kind: StageKind;
  readonly direction: Direction;
  readonly tiers: readonly TierProgram[];
  /** HOST and WORKLOAD only; after them: deny. */
  readonly profiles: readonly RuleList[];
}

/** Everything that decides about the packets of one port. */
export interface PortProgram {
  /** Endpoint key of a vNIC's owner, `uplink` or `tunnel`. */
  readonly subject: string;
  readonly port: 'vnic' | 'uplink' | 'tunnel';
  /** In path order; a stage that is not there is left out. */
  readonly stages: readonly StageProgram[];
  /** Uplink, and vNICs that a `*` host endpoint covers (PRE_DNAT). */
  readonly failsafes: readonly FailsafeSpec[];
  /** vNICs: prefixes the owner may send from. */
  readonly allowedSources: readonly Cidr[];
  readonly toHostAction: ToHostAction;
  readonly fromHostBypass: boolean;
  readonly invalidAction: 'DROP' | 'CONTINUE';
  /** The endpoint is not active: nothing passes, established flows neither. */
  readonly disabled: boolean;
  readonly deniedEncapsulation: { readonly vxlanPort?: number; readonly ipip: boolean };
}
