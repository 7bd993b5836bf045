/** What a transaction did to the membership of one group, computed only for those who ask. */
import type { MemberSet } from './members.js';

/** Members that came and that went; none is in both. Texts are canonical. */
export interface MemberDelta {
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/** Collects the changes of one group in the order in which they were made. */
export class GroupDelta {
  private readonly added = new Set<string>();
  private readonly removed = new Set<string>();
  /** The first membership that another one took the place of, as it was then; undefined for a new group. */
  private replaced: { readonly before: MemberSet | undefined } | undefined;
  private after: MemberSet | undefined;

  /** Notes effective changes of the membership that the group has. */
  change(added: Iterable<string>, removed: Iterable<string>): void {
    if (this.replaced !== undefined) return; // The last membership tells.
    for (const text of added) if (!this.removed.delete(text)) this.added.add(text);
    for (const text of removed) if (!this.added.delete(text)) this.removed.add(text);
  }

  /** Notes that a membership took the place of another; undefined where there is no group. */
  replace(before: MemberSet | undefined, after: MemberSet | undefined): void {
    this.replaced ??= { before };
    this.after = after;
  }

  /** From before the transaction to after it. Costs as much as both memberships if one replaced the other. */
  net(): MemberDelta {
    if (this.replaced === undefined) return { added: this.added, removed: this.removed };
    const { before } = this.replaced;
    const { after } = this;
    const was = (text: string): boolean =>
      this.removed.has(text) || (before?.has(text) === true && !this.added.has(text));
    const added = new Set<string>();
    for (const text of after?.texts() ?? []) if (!was(text)) added.add(text);
    const removed = new Set<string>();
    for (const text of [...(before?.texts() ?? []), ...this.removed]) {
      if (was(text) && after?.has(text) !== true) removed.add(text);
    }
    return { added, removed };
  }
}
