/** Runs steps side by side, as many as there are lanes, each as soon as what it waits for has ended. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
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

async function runStep(step: Step, limits: Limits): Promise<Result> {
  const start = performance.now();
  const child = spawn(process.execPath, step.node, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const timer = setTimeout(() => {
    output += `\nended after ${limits.stepSecondsMax} s: still running\n`;
    endGroup(child);
  }, limits.stepSecondsMax * 1000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  clearTimeout(timer);
  const counts = countsOf({ code, output, counts: step.counts === true });
  return { step, counts, output, seconds: (performance.now() - start) / 1000 };
}

/** Ends a step and everything it started: it leads a process group of its own. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group ended in between.
  }
}
