/** A matrix of probes for people, and as data. Pure. */
import { isMismatch, type Cell } from './matrix.js';

/** One probe as data. */
export interface ProbeReport {
  readonly from: string;
  readonly to: string;
  readonly family: number;
  readonly service: string;
  readonly passes: boolean;
  /** What `why` says. */
  readonly expected: boolean;
  readonly detail: string;
  readonly by: string;
  readonly ms: number;
}

/** A whole matrix as data: the fixed form of `lab matrix --json`. */
export interface MatrixReport {
  readonly lab: string;
  readonly probes: readonly ProbeReport[];
  readonly passed: number;
  readonly mismatches: number;
}

/** Rows send, columns receive; a cell has one sign for each service. */
export function matrixText(cells: readonly Cell[]): string {
  const names = [...new Set(cells.flatMap(({ from, to }) => [from.name, to.name]))].sort(byPlace);
  const services = [...new Set(cells.map(({ service }) => service.label))];
  const width = Math.max(services.length, String(names.length).length);
  const nameWidth = Math.max(...names.map((name) => name.length));
  const columns = names.map((_, index) => String(index + 1).padEnd(width)).join(' ');
  const rows = names.map((from, index) => {
    const signs = names.map((to) =>
      (from === to
        ? '-'.repeat(services.length)
        : services.map((label) => sign(cellsOf(cells, { from, to, label }))).join('')
      ).padEnd(width),
    );
    return `${String(index + 1).padStart(3)} ${from.padEnd(nameWidth)}  ${signs.join(' ')}`;
  });
  return [
    `one sign for each of: ${services.join(', ')}`,
    '* passes   . is stopped   4 6 passes in that family alone   ! contradicts why   - nothing to ask',
    '',
    `    ${'from \\ to'.padEnd(nameWidth)}  ${columns}`.trimEnd(),
    ...rows.map((row) => row.trimEnd()),
  ].join('\n');
}

/** Contradictions that are shown; `--json` has them all. */
const MISMATCHES_SHOWN = 20;

/** What packets did that `why` does not say, one line each, the first ones. */
export function mismatchLines(cells: readonly Cell[]): string[] {
  const mismatches = cells.filter(isMismatch);
  const more = mismatches.length - MISMATCHES_SHOWN;
  return [
    ...mismatches.slice(0, MISMATCHES_SHOWN).map(mismatchLine),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}

function mismatchLine({ from, to, family, service, outcome, prediction }: Cell): string {
  const did = outcome.passes ? 'passes' : 'does not pass';
  const should = prediction.passes ? 'it should pass' : 'it should be stopped';
  const what = `${from.name} > ${to.name} ${service.label} IPv${family}`;
  return `${what} ${did} (${outcome.detail}), ${should}: ${prediction.by}`;
}

/** As data. */
export function matrixReport(lab: string, cells: readonly Cell[]): MatrixReport {
  return {
    lab,
    probes: cells.map(({ from, to, family, service, outcome, prediction }) => ({
      from: from.name,
      to: to.name,
      family,
      service: service.label,
      passes: outcome.passes,
      expected: prediction.passes,
      detail: outcome.detail,
      by: prediction.by,
      ms: outcome.ms,
    })),
    passed: cells.filter(({ outcome }) => outcome.passes).length,
    mismatches: cells.filter(isMismatch).length,
  };
}

function cellsOf(
  cells: readonly Cell[],
  { from, to, label }: { readonly from: string; readonly to: string; readonly label: string },
): Cell[] {
  return cells.filter(
    (cell) => cell.from.name === from && cell.to.name === to && cell.service.label === label,
  );
}

function sign(cells: readonly Cell[]): string {
  if (cells.length === 0) return '-';
  if (cells.some(isMismatch)) return '!';
  const passing = cells.filter(({ outcome }) => outcome.passes);
  if (passing.length === cells.length) return '*';
  return passing.length === 0 ? '.' : String(passing[0]?.family ?? '.');
}

/** Pods, which have a namespace, before nodes. */
function byPlace(a: string, b: string): number {
  const [podA, podB] = [a.includes('/'), b.includes('/')];
  if (podA !== podB) return podA ? -1 : 1;
  return a < b ? -1 : 1;
}
