/** Worlds and packets on which random runs found the judges to differ, as small as they could be made. */
import type { Trial } from './run.js';

/** A failure that was found once; the title says what was wrong. */
export interface Regression extends Trial {
  readonly title: string;
}

/** Every one of them. */
export const REGRESSIONS: readonly Regression[] = [];
