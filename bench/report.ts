/** The table of a bench run. */
import { cpus } from 'node:os';

/** Takes one figure. */
export type Report = (name: string, value: number, unit: string) => void;

/** Collects figures and prints them as they come. */
export class Table {
  private readonly rows: string[] = [];

  /** Adds one figure. */
  readonly report: Report = (name, value, unit) => {
    const row = `${name.padEnd(64)} ${format(value).padStart(12)} ${unit}`;
    this.rows.push(row);
    console.log(row);
  };

  /** The whole table with where and when it was made. */
  text(now: Date): string {
    const [cpu] = cpus();
    const head = [
      `Measured ${now.toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpu?.model ?? '?'}.`,
      'A shared, busy machine: trust ratios within one run, not single figures.',
      '',
    ];
    return [...head, ...this.rows, ''].join('\n');
  }
}

/** Middle value; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function format(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
