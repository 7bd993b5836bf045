/** Runs steps side by side, as many as there are lanes, each as soon as what it waits for has ended. */
import { runNode } from '../child.js';
import { countsOf } from './outcome.js';
import type { Counts } from './outcome.js';
import type { Step } from './steps.js';

/** A finished step. */
export interface Result {
  readonly step: Step;
  readonly counts: Counts;
  readonly output: string;
  readonly seconds: number;
}

/** Bounds of a run. */
export interface Limits {
  /** Steps running at once. */
  readonly lanes: number;
  /** A step that runs longer is ended, with all it started, and has failed. */
  readonly stepSecondsMax: number;
}

/** Runs all `steps`; `onEnd` hears of each as it finishes. */
export async function runSteps(
  steps: readonly Step[],
  limits: Limits,
  onEnd: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...steps];
  const running = new Set<Promise<void>>();
  while (waiting.length > 0 || running.size > 0) {
    const next = running.size < limits.lanes ? waiting.findIndex((s) => isReady(s, results)) : -1;
    if (next < 0) {
      if (running.size === 0) throw new Error('a step waits for one that is not in the run');
      await Promise.race(running);
      continue;
    }
    const [step] = waiting.splice(next, 1) as [Step];
    const lane: Promise<void> = runStep(step, limits).then((result) => {
      results.push(result);
      onEnd(result);
      running.delete(lane);
    });
    running.add(lane);
  }
  return results;
}

function isReady(step: Step, results: readonly Result[]): boolean {
  return (step.after ?? []).every((name) => results.some((result) => result.step.name === name));
}

async function runStep(step: Step, { stepSecondsMax }: Limits): Promise<Result> {
  const start = performance.now();
  const { code, output } = await runNode(step.node, { secondsMax: stepSecondsMax });
  const counts = countsOf({ code, output, counts: step.counts === true });
  return { step, counts, output, seconds: (performance.now() - start) / 1000 };
}
