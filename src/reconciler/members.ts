/** How one group's acknowledged membership differs from the wanted one, without a second copy of either. */
import type { MemberDelta } from '../opi/objects/plan.js';

/** Memberships up to this size are read again after a write of unknown outcome. */
const REREAD_MEMBERS_MAX = 50_000;

/** Members to add and to remove. */
export interface MemberPiece {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The wanted membership is a live view that translators own. Only differences are kept here:
 *
 *     acknowledged = wanted - adds + removes        (nothing in flight)
 *
 * While a piece is in flight, changes that are told meanwhile gather in `adds` and `removes` again. `stale` means that
 * the difference is not known: the group was found on the XPU, got another membership, or the outcome of writing it
 * whole is unknown. Then the XPU is asked for its members and both are compared.
 */
export class Membership {
  /** Live view of what is wanted. */
  readonly wanted: ReadonlySet<string>;
  /** The difference is not known. */
  stale = true;
  private adds = new Set<string>();
  private removes = new Set<string>();
  private flight: MemberPiece | 'whole' | undefined;

  constructor(wanted: ReadonlySet<string>) {
    this.wanted = wanted;
  }

  /** True if the XPU acknowledged exactly what is wanted. */
  get settled(): boolean {
    return !this.stale && this.flight === undefined && this.size === 0;
  }

  /** Number of members that differ. */
  get size(): number {
    return this.adds.size + this.removes.size;
  }

  /** Folds in a change of the wanted membership. Telling a change twice is harmless. */
  note(delta: MemberDelta): void {
    if (this.stale) return;
    for (const member of delta.added) {
      if (!this.removes.delete(member)) this.adds.add(member);
    }
    for (const member of delta.removed) {
      if (!this.adds.delete(member)) this.removes.add(member);
    }
  }

  /** Hands out the difference to be written. It counts as in flight until `confirm` or `giveBack`. */
  take(): MemberPiece {
    const piece = { added: [...this.adds], removed: [...this.removes] };
    this.flight = piece;
    this.clear();
    return piece;
  }

  /** The whole wanted membership is about to be written, as it is now. It counts as in flight like a piece. */
  startWhole(): void {
    this.flight = 'whole';
    this.stale = false;
    this.clear();
  }

  /**
   * The wanted membership as it was when what is in flight was handed out, however the live view changed since. Members
   * may come twice. Valid while something is in flight; may be read slowly.
   */
  *captured(): Generator<string> {
    for (const member of this.wanted) if (!this.adds.has(member)) yield member;
    yield* this.removes;
  }

  /** What was in flight is acknowledged. */
  confirm(): void {
    this.flight = undefined;
  }

  /**
   * What was in flight is not acknowledged. `uncertain`: it may have been applied all the same. Then the membership is
   * read again; a large one is not, its difference is written once more, which changes nothing if it was there already.
   */
  giveBack(uncertain: boolean): void {
    const { flight } = this;
    this.flight = undefined;
    if (flight === undefined) return;
    if (flight === 'whole') return this.mistrust();
    if (!uncertain) return this.compose(flight);
    if (this.wanted.size <= REREAD_MEMBERS_MAX) return this.mistrust();
    for (const member of flight.added) if (!this.removes.has(member)) this.adds.add(member);
    for (const member of flight.removed) if (!this.adds.has(member)) this.removes.add(member);
  }

  /** The difference is no longer known. */
  mistrust(): void {
    this.stale = true;
    this.flight = undefined;
    this.clear();
  }

  /** Compares with what the XPU holds. */
  compare(held: ReadonlySet<string>): void {
    this.clear();
    for (const member of this.wanted) if (!held.has(member)) this.adds.add(member);
    for (const member of held) if (!this.wanted.has(member)) this.removes.add(member);
    this.stale = false;
  }

  private compose(flight: MemberPiece): void {
    for (const member of flight.added) if (!this.removes.delete(member)) this.adds.add(member);
    for (const member of flight.removed) if (!this.adds.delete(member)) this.removes.add(member);
  }

  private clear(): void {
    this.adds = new Set();
    this.removes = new Set();
  }
}
