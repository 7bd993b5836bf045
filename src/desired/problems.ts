/** What a stream can get wrong without being fatal: counted and told, never thrown. */
import type { DeltaType } from '../model/delta.js';

/**
 * - `unknown-set`: a member change for a set that was never sent; the change is dropped.
 * - `absent-member`: a delta removed a member that is not there.
 * - `present-member`: a delta added a member that is there.
 * - `absent-object`: a removal of something that is not there.
 * - `repeated-in-sync`: a second InSync in one session.
 */
export type StateProblemCode =
  'unknown-set' | 'absent-member' | 'present-member' | 'absent-object' | 'repeated-in-sync';

/** One oddity of the stream. The state stays well defined: what could be applied was applied. */
export interface StateProblem {
  readonly code: StateProblemCode;
  readonly delta: DeltaType;
  /** Key of the object spoken of. */
  readonly subject: string;
  /** How many at once, where a delta holds several; absent = one. */
  readonly count?: number;
}

/** Count of every problem seen, by code; bounded because the codes are. */
export class ProblemCounter {
  private readonly byCode = new Map<StateProblemCode, number>();

  add(problem: StateProblem): void {
    this.byCode.set(problem.code, this.count(problem.code) + (problem.count ?? 1));
  }

  count(code: StateProblemCode): number {
    return this.byCode.get(code) ?? 0;
  }

  /** All counts that are not zero. */
  counts(): ReadonlyMap<StateProblemCode, number> {
    return this.byCode;
  }
}
