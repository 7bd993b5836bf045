/** Membership of IP sets: whole replacements and deltas (felix-protocol: coalescing). */
import type { Delta } from '../model/delta.js';
import type { FoldTarget, MutableIpSet } from './tables.js';

type SetDelta<T extends Delta['type']> = Extract<Delta, { type: T }>;

/** A whole membership: replaces whatever the id held before, a type change included. */
export function foldSet(target: FoldTarget, delta: SetDelta<'ip-set'>): void {
  const { tables, dirty } = target;
  const known = tables.ipSets.get(delta.id);
  const members = new Set(delta.members);
  if (known?.type === delta.setType && sameMembers(known.members, members)) return;
  tables.ipSets.set(delta.id, { id: delta.id, type: delta.setType, members });
  dirty.markSet(delta.id);
}

/**
 * Additions and removals as one step: a delta may take a covering prefix away and add those it hid, so a member named
 * in both lists ends up present.
 */
export function foldSetDelta(target: FoldTarget, delta: SetDelta<'ip-set-delta'>): void {
  const { id } = delta;
  const set = target.tables.ipSets.get(id);
  if (set === undefined) {
    target.report({ code: 'unknown-set', delta: delta.type, subject: id });
    return;
  }
  const absent = delta.removed.filter((member) => !removeMember(target, set, member));
  const present = delta.added.filter((member) => !addMember(target, set, member));
  report(target, id, 'absent-member', absent.length);
  report(target, id, 'present-member', present.length);
}

function removeMember(
  { dirty }: FoldTarget,
  { id, members }: MutableIpSet,
  member: string,
): boolean {
  if (!members.delete(member)) return false;
  dirty.memberRemoved(id, member);
  return true;
}

function addMember({ dirty }: FoldTarget, { id, members }: MutableIpSet, member: string): boolean {
  if (members.has(member)) return false;
  members.add(member);
  dirty.memberAdded(id, member);
  return true;
}

function report(
  target: FoldTarget,
  subject: string,
  code: 'absent-member' | 'present-member',
  count: number,
): void {
  if (count > 0) target.report({ code, delta: 'ip-set-delta', subject, count });
}

/** Removal of a set; whoever still names it meets a missing referent, which denies. */
export function foldSetRemove(target: FoldTarget, delta: SetDelta<'ip-set-remove'>): void {
  if (target.tables.ipSets.delete(delta.id)) target.dirty.markSet(delta.id);
  else target.report({ code: 'absent-object', delta: delta.type, subject: delta.id });
}

function sameMembers(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const member of a) if (!b.has(member)) return false;
  return true;
}
