/** SecurityPolicies in use, and by which ports. An object is planned as long as some port names it. */
import type { Origin, PlanEntry } from '../../../opi/objects/plan.js';
import type { OpiObject } from '../../../opi/objects/specs.js';

/** A list object; its id stands for its content. */
export type ListObject = OpiObject<'securityPolicy'>;

/** What one port uses, and who its objects are for. */
export interface ListUse {
  readonly objects: readonly ListObject[];
  readonly origins: readonly Origin[];
}

interface Row {
  readonly object: ListObject;
  readonly users: Map<string, readonly Origin[]>;
}

/** Table of shared lists. */
export class ListTable {
  private readonly rows = new Map<string, Row>();
  private readonly uses = new Map<string, ListUse>();
  private readonly touched = new Set<string>();

  /** Replaces what a port uses; `undefined` = the port is gone. */
  set(subject: string, use: ListUse | undefined): void {
    for (const object of this.uses.get(subject)?.objects ?? []) {
      this.rows.get(object.key.id)?.users.delete(subject);
      this.touched.add(object.key.id);
    }
    if (use === undefined) this.uses.delete(subject);
    else this.uses.set(subject, use);
    for (const object of use?.objects ?? []) this.add(object, subject, use?.origins ?? []);
  }

  /** Whole content of every unit touched since the last call; one unit per list. Lists without a user are forgotten. */
  take(): Map<string, readonly PlanEntry[]> {
    const units = new Map<string, readonly PlanEntry[]>();
    for (const id of this.touched) {
      const row = this.rows.get(id);
      const used = row !== undefined && row.users.size > 0;
      units.set(`list:${id}`, used ? [entryOf(row)] : []);
      if (!used) this.rows.delete(id);
    }
    this.touched.clear();
    return units;
  }

  private add(object: ListObject, subject: string, origins: readonly Origin[]): void {
    const { id } = object.key;
    let row = this.rows.get(id);
    if (row === undefined) {
      row = { object, users: new Map() };
      this.rows.set(id, row);
    }
    row.users.set(subject, origins);
    this.touched.add(id);
  }
}

function entryOf({ object, users }: Row): PlanEntry {
  return { object, origins: [...new Set([...users.values()].flat())].sort() };
}
