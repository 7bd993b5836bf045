/** What the commands print that hold an engine's verdicts against Felix's; other programs read it. */
import type { EngineName, VerdictEngine } from '../lab/verdicts/engine.js';
import { stepLines } from '../lab/verdicts/format.js';
import type { Recording } from '../lab/verdicts/recording.js';
import { isClean, runVerdicts, type StepResult } from '../lab/verdicts/run.js';
import type { TextSink } from './command.js';

/** A recording and what judges it. */
export interface VerdictRun {
  readonly recording: Recording;
  readonly engine: VerdictEngine;
  readonly name: EngineName;
}

/** Plays the recording and prints lines as steps end, or one JSON object at the end. 0 if all verdicts agree, else 1. */
export async function reportVerdicts(
  run: VerdictRun,
  { json, stdout }: { readonly json: boolean; readonly stdout: TextSink },
): Promise<number> {
  const results: StepResult[] = [];
  for await (const result of runVerdicts(run.recording, run.engine, run.name)) {
    results.push(result);
    if (!json) stdout.write(`${stepLines(result, run.name).join('\n')}\n`);
  }
  if (json) stdout.write(`${JSON.stringify(summary(run, results))}\n`);
  return results.every(isClean) ? 0 : 1;
}

function summary({ recording, name }: VerdictRun, steps: readonly StepResult[]) {
  const sum = (figure: (step: StepResult) => number): number =>
    steps.reduce((total, step) => total + figure(step), 0);
  return {
    recording: recording.folder,
    calico: recording.calico,
    engine: name,
    agreed: sum(({ agreed }) => agreed),
    narrower: sum(({ narrower }) => narrower),
    total: sum(({ total }) => total),
    steps,
  };
}
