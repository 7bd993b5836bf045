/** The figures that steer but never fail a run: sizes, shares and ratios of the sources. */
import type { Measures } from './measure.js';

/** One line per figure, with the aim beside it where there is one. */
export function figures(files: readonly Measures[]): string[] {
  const src = files.filter(({ path }) => path.startsWith('src/'));
  const tests = files.filter(({ path }) => path.startsWith('test/'));
  const lengths = src.map(({ lines }) => lines);
  const functions = src.flatMap((file) => file.functions.map(({ lines }) => lines));
  const documented = total(src.map((file) => file.documented.length));
  const exported = documented + total(src.map((file) => file.undocumented.length));
  return [
    `files:     ${src.length}, ${total(lengths)} lines; median ${quantile(lengths, 0.5)} (aim 120), longest ${quantile(lengths, 1)}`,
    `functions: ${functions.length}; median ${quantile(functions, 0.5)} (aim 10), p90 ${quantile(functions, 0.9)} (aim 30), longest ${quantile(functions, 1)}`,
    `exports:   ${exported}, ${percent(documented, exported)} documented`,
    `comments:  ${percent(total(src.map((file) => file.commentLines)), total(lengths))} of the lines`,
    `tests:     ${ratio(total(tests.map(({ lines }) => lines)), total(lengths))} lines per line of source (aim 1.5)`,
  ];
}

/** Smallest value with at least the share `q` of all values at or below it; 0 of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : Math.round((100 * part) / whole)}%`;
}

function ratio(part: number, whole: number): string {
  return whole === 0 ? '0' : (part / whole).toFixed(2);
}
