/** Which keys changed since the last flush, and the net change of every set's membership. */
import type {
  HostEndpointKey,
  IpSetId,
  PolicyKey,
  ProfileName,
  WorkloadKey,
} from '../model/ids.js';
import type { DirtySet, MemberChange } from './state.js';

interface MutableMemberChange extends MemberChange {
  readonly added: Set<string>;
  readonly removed: Set<string>;
}

/** The writable form of `DirtySet`. */
export class DirtyMarks implements DirtySet {
  config = false;
  readonly ipSets = new Set<IpSetId>();
  readonly members = new Map<IpSetId, MutableMemberChange>();
  readonly policies = new Set<PolicyKey>();
  readonly profiles = new Set<ProfileName>();
  readonly workloads = new Set<WorkloadKey>();
  readonly hostEndpoints = new Set<HostEndpointKey>();
  readonly hosts = new Set<string>();
  readonly pools = new Set<string>();
  readonly routes = new Set<string>();
  readonly vteps = new Set<string>();
  encapsulation = false;
  readonly wireguard = new Set<string>();

  /** The set is new, gone, of another type or replaced: compare it whole. */
  markSet(id: IpSetId): void {
    this.ipSets.add(id);
    this.members.delete(id);
  }

  /** `member` has become present; the caller knows that it was absent. */
  memberAdded(id: IpSetId, member: string): void {
    if (this.ipSets.has(id)) return;
    const change = this.memberChange(id);
    if (!change.removed.delete(member)) change.added.add(member);
  }

  /** `member` has become absent; the caller knows that it was present. */
  memberRemoved(id: IpSetId, member: string): void {
    if (this.ipSets.has(id)) return;
    const change = this.memberChange(id);
    if (!change.added.delete(member)) change.removed.add(member);
  }

  /** Drops set changes that cancelled out. */
  settle(): void {
    for (const [id, { added, removed }] of this.members) {
      if (added.size === 0 && removed.size === 0) this.members.delete(id);
    }
  }

  /** True if nothing is marked; call `settle` first. */
  get isEmpty(): boolean {
    return !this.config && !this.encapsulation && this.keyed().every((keys) => keys.size === 0);
  }

  private keyed(): readonly { readonly size: number }[] {
    return [
      this.ipSets,
      this.members,
      this.policies,
      this.profiles,
      this.workloads,
      this.hostEndpoints,
      this.hosts,
      this.pools,
      this.routes,
      this.vteps,
      this.wireguard,
    ];
  }

  private memberChange(id: IpSetId): MutableMemberChange {
    let change = this.members.get(id);
    if (change === undefined) {
      change = { added: new Set(), removed: new Set() };
      this.members.set(id, change);
    }
    return change;
  }
}
