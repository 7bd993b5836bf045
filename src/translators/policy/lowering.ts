/**
 * What both lowerings (native, plain) satisfy: from port programs to OPI objects, incrementally. A lowering keeps what
 * it emitted; its output is a function of the view alone, never of the order of changes.
 */
import type { Cidr, IpAddress } from '../../base/ip.js';
import type { IpSetId } from '../../model/ids.js';
import type { IpSetType } from '../../model/policy.js';
import type { ObjectKey } from '../../opi/objects/key.js';
import type { Origin, PlanEntry } from '../../opi/objects/plan.js';
import type { VnicSpec } from '../../opi/objects/specs.js';
import type { Degradation } from '../degradation.js';
import type { NormalRule, PortProgram, RuleList } from './program.js';

/** One port with what identifies it on the XPU. */
export interface PolicyPort {
  readonly program: PortProgram;
  /** vNIC ports only. */
  readonly vnic?: ObjectKey<'vnic'>;
  /** vNIC ports: the addresses of its local Mappings, sorted. Empty for uplink and tunnel. */
  readonly addresses: readonly IpAddress[];
  /** Who the port's policy objects are for. */
  readonly origins: readonly Origin[];
}

/** An IP set as translators see it. */
export interface SetView {
  readonly type: IpSetType;
  /**
   * Canonical members: `addr/len`, or `ip,proto:port` with a protocol number. Live: the same object changes in place
   * while the set keeps its type.
   */
  readonly members: ReadonlySet<string>;
}

/** Policy or profile, both directions. */
export interface RuleSource {
  readonly kind: RuleList['kind'];
  readonly name: string;
  readonly ingress: readonly NormalRule[];
  readonly egress: readonly NormalRule[];
}

/** Names a `RuleSource`: its kind and name. */
export type SourceKey = `${RuleList['kind']}:${string}`;

/** Key of a list's source. */
export function sourceKey(list: Pick<RuleList, 'kind' | 'name'>): SourceKey {
  return `${list.kind}:${list.name}`;
}

/** Everything a lowering may look at: the state of now. */
export interface PolicyView {
  /** Subjects of all ports: endpoint keys of vNICs, `uplink` and `tunnel` where a host endpoint is bound to them. */
  subjects(): Iterable<string>;
  /** A port with its program, made on demand; `undefined` if there is none. */
  port(subject: string): PolicyPort | undefined;
  /** Every enforced policy and every profile. */
  sources(): Iterable<RuleSource>;
  source(key: SourceKey): RuleSource | undefined;
  /** A set; `undefined` if it is unknown. Never undefined for a set that a rule names. */
  set(id: IpSetId): SetView | undefined;
  /** The host port. */
  readonly hostVnic: ObjectKey<'vnic'>;
  /** Addresses of the host port's local Mappings, sorted. */
  readonly hostAddresses: readonly IpAddress[];
  /**
   * Destinations that leave by a tunnel. None = no packet comes through a tunnel either. Only lowerings whose lists
   * stand for stages of other ports look at it; a change counts as a change of the host port's addresses.
   */
  readonly tunnelDestinations: readonly Cidr[];
}

/** What changed in the view since the last update. Keys that are no longer in the view were removed. */
export interface PolicyChange {
  /**
   * Ports that are new, gone or have another structure (stages, lists named, addresses, settings). For a lowering with
   * `sensitivity: 'content'` also those that use a changed list or set.
   */
  readonly ports: ReadonlySet<string>;
  /** Policies and profiles that are new, gone or have other rules. */
  readonly sources: ReadonlySet<SourceKey>;
  /** Sets that are new, gone or of another type. */
  readonly sets: ReadonlySet<IpSetId>;
  /** Canonical net change of sets that stayed; disjoint from `sets`. */
  readonly members: ReadonlyMap<IpSetId, CanonicalChange>;
  /** The host port's addresses changed. */
  readonly host: boolean;
}

/** Net change of a set's canonical members. */
export interface CanonicalChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** The four policy lists of a Vnic. */
export type VnicLists = Pick<VnicSpec, 'ingressV4' | 'ingressV6' | 'egressV4' | 'egressV6'>;

/** What an update changed. Every object of a unit replaces what the unit held before; an empty unit is gone. */
export interface PolicyOutput {
  /**
   * Objects by unit (a text of the lowering's own, such as `portUnit`): whole content of each changed unit.
   * An object belongs to one unit alone.
   */
  readonly units: ReadonlyMap<string, readonly PlanEntry[]>;
  /** Ids of Vnics whose lists changed; ask `lists`. */
  readonly vnics: ReadonlySet<string>;
}

/** Unit of the objects that are one port's own; an endpoint is up when they are acknowledged. */
export function portUnit(subject: string): string {
  return `port:${subject}`;
}

/** A lowering. */
export interface PolicyLowering {
  /** Whether a port must be named in `PolicyChange.ports` when only the rules or sets that it uses changed. */
  readonly sensitivity: 'structure' | 'content';
  update(view: PolicyView, change: PolicyChange): PolicyOutput;
  /**
   * Lists of a Vnic (a pod's, or the host port's); `undefined` = none of its own: a pod keeps the deny-all lists, the
   * host port has none.
   */
  lists(vnic: ObjectKey<'vnic'>): VnicLists | undefined;
  /**
   * What a Vnic gets in place of its `lists` while the XPU refuses one of them: lists that deny all that those deny and
   * change with no policy. `undefined` = the deny-all lists.
   */
  closedLists(vnic: ObjectKey<'vnic'>): VnicLists | undefined;
  /** Key of the group a set became, for telling member changes; `undefined` where sets are no objects. */
  group(id: IpSetId): ObjectKey<'addressGroup'> | undefined;
  /** Every narrowing this lowering made. */
  degradations(): readonly Degradation[];
}
