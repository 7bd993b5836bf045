/** What a step and a whole run came to, in counts of tests. */

/** Tests of a step or a run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** How one step ended. */
export interface Ending {
  /** Exit code; null when a signal ended it, time-out included. */
  readonly code: number | null;
  readonly output: string;
  /** Whether the output must end in a line of counts. */
  readonly counts: boolean;
}

const PLAIN_LINE = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm;

/** The counts of one step. A step that ends badly has at least one failure, whatever it printed. */
export function countsOf(ending: Ending): Counts {
  if (!ending.counts) return ending.code === 0 ? ONE_PASSED : ONE_FAILED;
  const line = [...ending.output.matchAll(PLAIN_LINE)].at(-1);
  if (line === undefined) return ONE_FAILED;
  const [passed, failed, skipped] = [line[1], line[2], line[3]].map((text) => Number(text ?? 0));
  const counts = { passed: passed ?? 0, failed: failed ?? 0, skipped: skipped ?? 0 };
  const bad = ending.code !== 0 || counts.passed === 0;
  return bad && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** Sum over the steps of a run. */
export function sumOf(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, counts) => ({
      passed: sum.passed + counts.passed,
      failed: sum.failed + counts.failed,
      skipped: sum.skipped + counts.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** The plain line: `N passed, N failed`, and `, N skipped` when there are any. */
export function plainLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const ONE_PASSED: Counts = { passed: 1, failed: 0, skipped: 0 };
const ONE_FAILED: Counts = { passed: 0, failed: 1, skipped: 0 };
