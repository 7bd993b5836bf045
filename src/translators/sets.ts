/**
 * Canonical membership of every IP set, kept beside Felix's texts. Two texts may mean one member (`10.0.0.1` and
 * `10.0.0.1/32`): it goes when the last of them goes.
 */
import type { DesiredState, DirtySet, IpSet, MemberChange } from '../desired/state.js';
import type { IpSetId } from '../model/ids.js';
import type { IpSetType } from '../model/policy.js';
import { canonicalMember } from './members.js';
import type { CanonicalChange, SetView } from './policy/lowering.js';
import type { SetHealth } from './policy/set-uses.js';

/** What an update changed. */
export interface SetChanges {
  /** New, gone or of another type. */
  readonly sets: ReadonlySet<IpSetId>;
  /** Sets that stayed, by canonical net change. */
  readonly members: ReadonlyMap<IpSetId, CanonicalChange>;
  /** Sets whose presence, type or count of malformed members changed: rules that use them must be checked again. */
  readonly health: ReadonlySet<IpSetId>;
}

/** All sets of the state in canonical form. */
export class SetTable {
  private readonly sets = new Map<IpSetId, CanonicalSet>();

  /** A live view of a set. */
  get(id: IpSetId): (SetView & SetHealth) | undefined {
    return this.sets.get(id);
  }

  /** Follows the state; work proportional to the change, or to the set where it was replaced whole. */
  update(state: DesiredState, dirty: Pick<DirtySet, 'ipSets' | 'members'>): SetChanges {
    const changes = new ChangeCollector();
    for (const id of dirty.ipSets) this.compare(id, state.ipSets.get(id), changes);
    for (const [id, change] of dirty.members) {
      const set = this.sets.get(id);
      if (set !== undefined) changes.follow(id, set, () => set.apply(change));
    }
    return changes;
  }

  private compare(id: IpSetId, wanted: IpSet | undefined, changes: ChangeCollector): void {
    const known = this.sets.get(id);
    if (wanted === undefined) {
      if (!this.sets.delete(id)) return;
      changes.appearedOrGone(id);
    } else if (known?.type === wanted.type) {
      changes.follow(id, known, () => known.replace(wanted.members));
    } else {
      const set = new CanonicalSet(wanted.type);
      set.replace(wanted.members);
      this.sets.set(id, set);
      changes.appearedOrGone(id);
    }
  }
}

class ChangeCollector implements SetChanges {
  readonly sets = new Set<IpSetId>();
  readonly members = new Map<IpSetId, CanonicalChange>();
  readonly health = new Set<IpSetId>();

  appearedOrGone(id: IpSetId): void {
    this.sets.add(id);
    this.health.add(id);
  }

  follow(id: IpSetId, set: CanonicalSet, change: () => CanonicalChange): void {
    const badBefore = set.badMembers;
    const { added, removed } = change();
    if (added.length > 0 || removed.length > 0) this.members.set(id, { added, removed });
    if (set.badMembers !== badBefore) this.health.add(id);
  }
}

/** One set; `members` keeps its identity for as long as the set keeps its type. */
class CanonicalSet implements SetView, SetHealth {
  readonly type: IpSetType;
  readonly members = new Set<string>();
  badMembers = 0;
  /** Members that more than one text stands for, by the count of texts beyond the first. */
  private readonly extraTexts = new Map<string, number>();

  constructor(type: IpSetType) {
    this.type = type;
  }

  /** Takes a net change of texts; additions first, so that a member respelled in one step never goes. */
  apply(change: MemberChange): CanonicalChange {
    const before = new Map<string, boolean>();
    for (const text of change.added) this.count(text, 1, before);
    for (const text of change.removed) this.count(text, -1, before);
    const added: string[] = [];
    const removed: string[] = [];
    for (const [member, was] of before) {
      const is = this.members.has(member);
      if (is !== was) (is ? added : removed).push(member);
    }
    return { added, removed };
  }

  /** Takes a whole membership; tells the difference. */
  replace(texts: ReadonlySet<string>): CanonicalChange {
    this.badMembers = 0;
    this.extraTexts.clear();
    const wanted = new Set<string>();
    for (const text of texts) {
      const member = canonicalMember(this.type, text);
      if (member === undefined) this.badMembers++;
      else if (wanted.has(member)) this.addExtra(member, 1);
      else wanted.add(member);
    }
    const added = [...wanted].filter((member) => !this.members.has(member));
    const removed = [...this.members].filter((member) => !wanted.has(member));
    for (const member of removed) this.members.delete(member);
    for (const member of added) this.members.add(member);
    return { added, removed };
  }

  private count(text: string, step: 1 | -1, before: Map<string, boolean>): void {
    const member = canonicalMember(this.type, text);
    if (member === undefined) {
      this.badMembers += step;
      return;
    }
    const present = this.members.has(member);
    if (!before.has(member)) before.set(member, present);
    if (step === 1 && !present) this.members.add(member);
    else if (step === -1 && !this.extraTexts.has(member)) this.members.delete(member);
    else this.addExtra(member, step);
  }

  private addExtra(member: string, step: 1 | -1): void {
    const extra = (this.extraTexts.get(member) ?? 0) + step;
    if (extra === 0) this.extraTexts.delete(member);
    else this.extraTexts.set(member, extra);
  }
}
