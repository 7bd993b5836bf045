/**
 * The plan as it is now, in units that are replaced whole (one endpoint, one policy, ...), and what changed in it since
 * the last flush. Comparing before telling keeps repeats away from the reconciler.
 */
import { isDeepStrictEqual } from 'node:util';
import { compareText } from '../model/ids.js';
import { keyText, type KeyText, type ObjectKey } from '../opi/objects/key.js';
import type { PlanEntry } from '../opi/objects/plan.js';

interface Slot {
  readonly entry: PlanEntry;
  readonly unit: string;
}

/** Upserts and removals, sorted by key. */
export interface PlanChanges {
  readonly upserts: readonly PlanEntry[];
  readonly removals: readonly ObjectKey[];
}

/** All planned objects. Every object belongs to one unit; it may move to another within a flush. */
export class PlanTable {
  private readonly slots = new Map<KeyText, Slot>();
  private readonly units = new Map<string, readonly PlanEntry[]>();
  /** Entries touched since the last `take`, as they were then. */
  private readonly before = new Map<KeyText, PlanEntry | undefined>();

  /** Replaces the whole content of a unit. */
  setUnit(unit: string, entries: readonly PlanEntry[]): void {
    const old = this.units.get(unit) ?? [];
    if (entries.length === 0) this.units.delete(unit);
    else this.units.set(unit, entries);
    for (const { object } of old) this.vacate(keyText(object.key), unit);
    for (const entry of entries) {
      const key = keyText(entry.object.key);
      this.remember(key);
      this.slots.set(key, { entry, unit });
    }
  }

  /** Objects of a unit. */
  unit(unit: string): readonly PlanEntry[] {
    return this.units.get(unit) ?? [];
  }

  /** One planned object. */
  get(key: ObjectKey): PlanEntry | undefined {
    return this.slots.get(keyText(key))?.entry;
  }

  /** All entries, in no order. */
  *entries(): Iterable<PlanEntry> {
    for (const { entry } of this.slots.values()) yield entry;
  }

  /** True if the object was in the plan at the last `take` and still is. */
  stayed(key: ObjectKey): boolean {
    const text = keyText(key);
    if (!this.slots.has(text)) return false;
    return !this.before.has(text) || this.before.get(text) !== undefined;
  }

  /** Changes since the last call, and forgets them. */
  take(): PlanChanges {
    const upserts: PlanEntry[] = [];
    const removals: ObjectKey[] = [];
    for (const [text, before] of [...this.before].sort(([a], [b]) => compareText(a, b))) {
      const now = this.slots.get(text)?.entry;
      if (now === undefined) {
        if (before !== undefined) removals.push(before.object.key);
      } else if (before === undefined || !sameEntry(before, now)) {
        upserts.push(now);
      }
    }
    this.before.clear();
    return { upserts, removals };
  }

  private vacate(key: KeyText, unit: string): void {
    if (this.slots.get(key)?.unit !== unit) return;
    this.remember(key);
    this.slots.delete(key);
  }

  private remember(key: KeyText): void {
    if (!this.before.has(key)) this.before.set(key, this.slots.get(key)?.entry);
  }
}

/** Members are live views and told by their own deltas. */
function sameEntry(a: PlanEntry, b: PlanEntry): boolean {
  return (
    isDeepStrictEqual(a.object.spec, b.object.spec) &&
    isDeepStrictEqual(a.origins, b.origins) &&
    isDeepStrictEqual(a.closed?.spec, b.closed?.spec)
  );
}
