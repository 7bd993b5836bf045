/**
 * The test command. Runs every step, prints one line for each and the whole output of those that failed, and ends in
 * one plain line for all of them: `N passed, N failed[, N skipped]`. Exit code 1 on any failure.
 *
 * `--quick` leaves out the slow suites; `--all` adds every mode and the long properties and keeps a dated copy of the
 * report; names of steps (`lint`, `test/driver`) run those alone, and what they wait for.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { plainLine, sumOf } from './outcome.js';
import { runSteps } from './schedule.js';
import type { Result } from './schedule.js';
import { allSteps, quickSteps } from './steps.js';
import type { Step } from './steps.js';

const REPORT = 'docs/test-all.txt';

const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const all = options.includes('--all');
if (all) process.env.CALICO_XPU_LONG = '1';

const lines: string[] = [];
const start = performance.now();
const results = await runSteps(
  selected(),
  { lanes: Math.min(4, os.availableParallelism()), stepSecondsMax: all ? 7200 : 480 },
  report,
);
const total = sumOf(results.map((result) => result.counts));
say(`${((performance.now() - start) / 1000).toFixed(0)} s in all`);
if (all) writeFileSync(REPORT, [heading(), ...lines, plainLine(total), ''].join('\n'));
console.log(plainLine(total));
process.exitCode = total.failed === 0 ? 0 : 1;

function selected(): Step[] {
  const steps = options.includes('--quick') ? quickSteps() : allSteps();
  if (names.length === 0) return steps;
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) throw new Error(`no such step: ${unknown.join(', ')}`);
  const chosen = steps.filter((step) => names.includes(step.name));
  const needed = chosen.flatMap((step) => step.after ?? []);
  return steps.filter((step) => chosen.includes(step) || needed.includes(step.name));
}

function report({ step, counts, output, seconds }: Result): void {
  const failed = counts.failed > 0;
  const tally = step.counts === true ? `  ${plainLine(counts)}` : '';
  say(`${failed ? 'FAILED' : 'ok    '} ${seconds.toFixed(1).padStart(6)} s  ${step.name}${tally}`);
  if (failed || step.show === true) say(indent(output));
  else if (counts.skipped > 0) say(indent(skippedTitles(output)));
}

/** The lines of mocha's report that name skipped tests, reasons included. */
function skippedTitles(output: string): string {
  return output
    .split('\n')
    .filter((line) => /^\s+- /.test(line))
    .join('\n');
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '    | ');
}

function say(line: string): void {
  lines.push(line);
  console.log(line);
}

function heading(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `npm run test:all, ${date}, Node ${process.version}, ${os.availableParallelism()} cores\n`;
}
