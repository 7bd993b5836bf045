/** Items that the kernel refused, with its words, and the objects whose change led there. Pure. */
import type { KeyText } from '../../../opi/objects/key.js';

/** Something that is not in force. */
export interface Refusal {
  /** Item it is about. */
  readonly id: string;
  /** What was tried, and the kernel's words. */
  readonly complaint: string;
  /** Objects that want the item, and those whose change made it what it is, or took it away. */
  readonly objects: ReadonlySet<KeyText>;
}

/** See the file head. An item is refused until it is confirmed, or needs no step any more. */
export class Refusals {
  private readonly complaints = new Map<string, string>();
  private readonly causes = new Map<string, Set<KeyText>>();
  /** Refused items that are being tried again. */
  private readonly tried = new Set<string>();

  /** A change of objects moved an item. */
  blame(id: string, objects: Iterable<KeyText>): void {
    let causes = this.causes.get(id);
    if (causes === undefined) this.causes.set(id, (causes = new Set()));
    for (const object of objects) causes.add(object);
  }

  /** A step about the item is on its way. */
  try(id: string): void {
    if (this.complaints.has(id)) this.tried.add(id);
  }

  /** The kernel refused it. True if it says something new. */
  refuse(id: string, complaint: string): boolean {
    this.tried.delete(id);
    const isNew = this.complaints.get(id) !== complaint;
    this.complaints.set(id, complaint);
    return isNew;
  }

  /** The item is as it is wanted. */
  settle(id: string): void {
    this.tried.delete(id);
    this.complaints.delete(id);
    this.causes.delete(id);
  }

  /** True if it was refused, and is not being tried again. */
  isRefused(id: string): boolean {
    return this.complaints.has(id) && !this.tried.has(id);
  }

  /** Everything that is refused. `owners` gives the objects that want an item. */
  *list(owners: (id: string) => Iterable<KeyText>): Generator<Refusal> {
    for (const [id, complaint] of this.complaints) {
      const objects = new Set([...owners(id), ...(this.causes.get(id) ?? [])]);
      yield { id, complaint, objects };
    }
  }
}
