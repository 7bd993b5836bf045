/** What one Felix session has sent so far, for the status. */
import type { Delta } from '../model/delta.js';

/** Counts of one session; a new session starts a new one. */
export class FelixCounters {
  received = 0;
  applied = 0;
  sequenceGaps = 0;
  unknown = 0;
  readonly ignored = new Map<string, number>();

  /** Notes the effect of one frame. */
  note(delta: Delta): void {
    if (delta.type === 'unknown') this.unknown++;
    if (delta.type !== 'ignored') return;
    this.ignored.set(delta.payload, (this.ignored.get(delta.payload) ?? 0) + 1);
  }
}
