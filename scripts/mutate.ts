/**
 * `npm run mutate [-- WORD...]`: tries deliberately wrong compilers, each in a private copy of the work tree, and tells which
 * test notices. Words choose those whose name or file contains one of them; a run of all writes docs/mutations.md. Exit code 1
 * if one is not noticed, does not fit the source any more, or could not be tried.
 */
import { writeFileSync } from 'node:fs';
import { mutationsPage, type Outcome } from './mutate/document.js';
import { MUTATIONS } from './mutate/mutations.js';
import type { Mutation } from './mutate/mutation.js';
import { tryMutation, tryOut } from './mutate/trial.js';
import { removeAbandoned, WorkCopy } from './work-copy.js';

const PAGE = 'docs/mutations.md';
const COPIES = 2;

const words = process.argv.slice(2);
const chosen = MUTATIONS.filter(
  ({ name, file }) =>
    words.length === 0 || words.some((word) => name.includes(word) || file.includes(word)),
);
const stop = new AbortController();
const copies: WorkCopy[] = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    stop.abort();
    removeCopies();
    process.exit(1);
  });
}

removeAbandoned();
try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  removeCopies();
}

async function run(): Promise<boolean> {
  for (let count = Math.min(COPIES, chosen.length); count > 0; count--) {
    copies.push(WorkCopy.of(process.cwd()));
  }
  const [first] = copies;
  if (first === undefined) throw new Error(`no mutation has ${words.join(' or ')} in its name`);
  const { caughtBy } = await tryOut(first, stop.signal);
  if (caughtBy !== undefined) {
    console.log(`without any mutation this fails: ${caughtBy.test}`);
    return false;
  }
  const outcomes = new Map<Mutation, Outcome>();
  const failed: string[] = [];
  const queue = [...chosen];
  await Promise.all(copies.map((copy) => work(copy, queue, outcomes, failed)));
  return tell(
    chosen.flatMap((mutation) => outcomes.get(mutation) ?? []),
    failed,
  );
}

/** One lane: takes mutations until none is left. */
async function work(
  copy: WorkCopy,
  queue: Mutation[],
  outcomes: Map<Mutation, Outcome>,
  failed: string[],
): Promise<void> {
  for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
    try {
      const trial = await tryMutation(mutation, copy, stop.signal);
      outcomes.set(mutation, { mutation, trial });
      const { caughtBy, seconds } = trial;
      const verdict = caughtBy === undefined ? 'SURVIVED' : 'caught  ';
      console.log(`${verdict} ${seconds.toFixed(0).padStart(4)} s  ${mutation.name}`);
      if (caughtBy !== undefined) console.log(`                 by ${caughtBy.test}`);
    } catch (error) {
      failed.push(`${mutation.name}: ${error instanceof Error ? error.message : String(error)}`);
      console.log(`NOT TRIED        ${failed.at(-1)}`);
    }
  }
}

function tell(outcomes: readonly Outcome[], failed: readonly string[]): boolean {
  const survivors = outcomes.filter(({ trial }) => trial.caughtBy === undefined);
  if (words.length === 0 && failed.length === 0) {
    writeFileSync(PAGE, mutationsPage(outcomes, new Date()));
  }
  console.log(
    `${outcomes.length - survivors.length} caught, ${survivors.length} survived, ${failed.length} not tried`,
  );
  return survivors.length === 0 && failed.length === 0;
}

function removeCopies(): void {
  for (const copy of copies) copy.remove();
}
