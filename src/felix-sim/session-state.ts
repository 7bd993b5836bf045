/** What a session has said so far, as the messages that would say it again in one go. */
import type { ToDataplane } from '../gen/felix/types.js';
import { SUBJECT_KINDS, subjectOf, type SubjectKind } from './payload.js';

type Update = ToDataplane & { readonly payload: string };

/** Folds a session's messages; `messages()` is the shortest session with the same end. */
export class SessionState {
  private readonly objects = new Map<SubjectKind, Map<string, Update>>();
  private readonly members = new Map<string, Set<string>>();
  private synced = false;

  /** True once the session said InSync. */
  get inSync(): boolean {
    return this.synced;
  }

  /** Adds one message. */
  apply(message: ToDataplane): void {
    if (message.payload === 'in_sync') this.synced = true;
    if (message.payload === 'ipset_delta_update') this.applyDelta(message.ipset_delta_update);
    const subject = subjectOf(message);
    if (subject === undefined || message.payload === undefined) return;
    const objects = this.objects.get(subject.kind) ?? new Map<string, Update>();
    this.objects.set(subject.kind, objects);
    if (subject.removes) {
      objects.delete(subject.key);
      if (subject.kind === 'ipset') this.members.delete(subject.key);
      return;
    }
    objects.set(subject.key, message);
    if (message.payload === 'ipset_update') {
      this.members.set(subject.key, new Set(message.ipset_update.members));
    }
  }

  /** Present members of a set; `undefined` for an unknown one. */
  membersOf(setId: string): ReadonlySet<string> | undefined {
    return this.members.get(setId);
  }

  /** True if the object is there now. */
  has(kind: SubjectKind, key: string): boolean {
    return this.objects.get(kind)?.has(key) ?? false;
  }

  /** One session that says the same: Felix's order of kinds, keys sorted, InSync last, sequence numbers from 0. */
  messages(): ToDataplane[] {
    const updates = SUBJECT_KINDS.flatMap((kind) =>
      [...(this.objects.get(kind) ?? [])]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, message]) => (kind === 'ipset' ? this.wholeSet(key, message) : message)),
    );
    const session: ToDataplane[] = [
      ...updates,
      { sequence_number: 0, payload: 'in_sync', in_sync: {} },
    ];
    return session.map((message, index) => changed(message, { sequence_number: index }));
  }

  private applyDelta(delta: {
    readonly id: string;
    readonly added_members: readonly string[];
    readonly removed_members: readonly string[];
  }): void {
    const members = this.members.get(delta.id);
    for (const member of delta.added_members) members?.add(member);
    for (const member of delta.removed_members) members?.delete(member);
  }

  private wholeSet(setId: string, message: Update): ToDataplane {
    if (message.payload !== 'ipset_update') return message;
    const members = [...(this.members.get(setId) ?? [])].sort();
    return changed(message, { ipset_update: changed(message.ipset_update, { members }) });
  }
}

/** A copy with other members. Decoded messages keep their defaults, and which payload they have, in their prototype. */
function changed<T extends object>(message: T, members: Partial<T>): T {
  const copy = Object.create(Object.getPrototypeOf(message) as object) as T;
  return Object.assign(copy, message, members);
}
