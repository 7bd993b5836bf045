/** Whether the suites notice what is in a copy, and which test does. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runNode } from '../child.js';
import type { WorkCopy } from '../work-copy.js';
import { mutate, type Mutation } from './mutation.js';
import { SUITES, type Suite } from './suites.js';

/** The first test that failed. */
export interface Catch {
  readonly suite: string;
  readonly test: string;
}

/** What became of one trial. */
export interface Trial {
  /** `undefined`: every suite passed. */
  readonly caughtBy: Catch | undefined;
  readonly seconds: number;
}

/** The tests did not run, or did not end: that tells nothing about the compiler. */
export class TrialError extends Error {}

const SUITE_SECONDS_MAX = 600;
const MOCHA = 'node_modules/mocha/bin/mocha.js';

/** Runs the suites in the copy until one fails. Throws TrialError if one gives no report. */
export async function tryOut(copy: WorkCopy, signal: AbortSignal): Promise<Trial> {
  const start = performance.now();
  for (const suite of SUITES) {
    const test = await firstFailure(suite, copy, signal);
    const seconds = (performance.now() - start) / 1000;
    if (test !== undefined) return { caughtBy: { suite: suite.name, test }, seconds };
  }
  return { caughtBy: undefined, seconds: (performance.now() - start) / 1000 };
}

/** The same with a mutation in the copy, which is as before afterwards. Throws MutationError if it does not fit. */
export async function tryMutation(
  mutation: Mutation,
  copy: WorkCopy,
  signal: AbortSignal,
): Promise<Trial> {
  const file = path.join(copy.folder, mutation.file);
  const source = readFileSync(file, 'utf8');
  writeFileSync(file, mutate(mutation, source));
  try {
    return await tryOut(copy, signal);
  } finally {
    writeFileSync(file, source);
  }
}

async function firstFailure(
  suite: Suite,
  copy: WorkCopy,
  signal: AbortSignal,
): Promise<string | undefined> {
  const report = copy.scratch('report.json');
  rmSync(report, { force: true });
  const reporter = ['--reporter', 'json', '--reporter-option', `output=${report}`];
  const { files, except = [], env = {} } = suite;
  const ignored = except.flatMap((file) => ['--ignore', file]);
  const { output } = await runNode([MOCHA, '--bail', ...reporter, ...ignored, ...files], {
    cwd: copy.folder,
    env,
    secondsMax: SUITE_SECONDS_MAX,
    signal,
  });
  if (!existsSync(report)) {
    throw new TrialError(`"${suite.name}" gave no report:\n${output.slice(-2000)}`);
  }
  const { stats, failures } = JSON.parse(readFileSync(report, 'utf8')) as MochaReport;
  if (stats.tests === 0) throw new TrialError(`"${suite.name}" has no tests`);
  return failures[0]?.fullTitle;
}

/** What we read of mocha's JSON report. */
interface MochaReport {
  readonly stats: { readonly tests: number };
  readonly failures: readonly { readonly fullTitle: string }[];
}
