/** What one Felix session has sent so far, for the status. */
import type { Delta } from '../model/delta.js';

const PROBLEMS_KEPT = 20;

/** Counts of one session; a new session starts a new one. */
export class FelixCounters {
  received = 0;
  applied = 0;
  sequenceGaps = 0;
  unknown = 0;
  readonly ignored = new Map<string, number>();
  private readonly recent: string[] = [];

  /** Notes the effect of one frame. */
  note(delta: Delta): void {
    if (delta.type === 'unknown') this.unknown++;
    if (delta.type !== 'ignored') return;
    this.ignored.set(delta.payload, (this.ignored.get(delta.payload) ?? 0) + 1);
  }

  /** Keeps a problem's text; the oldest go first. */
  problem(text: string): void {
    this.recent.push(text);
    if (this.recent.length > PROBLEMS_KEPT) this.recent.shift();
  }

  /** Problems kept, newest last. */
  get problems(): readonly string[] {
    return this.recent;
  }
}
