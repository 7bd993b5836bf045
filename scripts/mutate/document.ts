/** The table of deliberately wrong compilers, as docs/mutations.md. */
import { cpus } from 'node:os';
import type { Mutation } from './mutation.js';
import { SEED } from './suites.js';
import type { Trial } from './trial.js';

/** A mutation and what became of it. */
export interface Outcome {
  readonly mutation: Mutation;
  readonly trial: Trial;
}

/** The page. */
export function mutationsPage(outcomes: readonly Outcome[], now: Date): string {
  const caught = outcomes.filter(({ trial }) => trial.caughtBy !== undefined).length;
  return [
    '# Deliberately wrong compilers',
    '',
    'Written by `npm run mutate`: each row is one change to the real source that makes it mean something else than Calico,',
    'and the first test that fails on it. The tests run in a private copy, the quickest suites first, up to the first failure.',
    '',
    `${now.toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores, seed ${SEED}: ` +
      `**${caught} of ${outcomes.length} caught.**`,
    '',
    ...suiteCounts(outcomes),
    '',
    '| | The wrong compiler | What it would mean | Source | Caught by |',
    '|---|---|---|---|---|',
    ...outcomes.map(row),
    '',
  ].join('\n');
}

function suiteCounts(outcomes: readonly Outcome[]): string[] {
  const counts = new Map<string, number>();
  for (const { trial } of outcomes) {
    const suite = trial.caughtBy?.suite;
    if (suite !== undefined) counts.set(suite, (counts.get(suite) ?? 0) + 1);
  }
  return [...counts].map(([suite, count]) => `- ${count} by: ${suite}`);
}

function row({ mutation, trial }: Outcome, index: number): string {
  const { name, why, file } = mutation;
  const by = trial.caughtBy === undefined ? '**survived**' : trial.caughtBy.test;
  const source = file.replace(/^src\//, '');
  const cells = [String(index + 1), name, why, `\`${source}\``, by];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
