/**
 * `npm run bench [-- NAME...]`: all benches, or those named; `--save` also writes docs/bench.txt. Figures, not tests: nothing
 * here fails for being slow.
 */
import { writeFileSync } from 'node:fs';
import { run as compile } from './compile.js';
import { run as decode } from './decode.js';
import { run as linux } from './linux.js';
import { run as pipeline } from './pipeline.js';
import { Table, type Report } from './report.js';

/** The pipeline first: it tells the memory of this process, which the others would have filled. */
const BENCHES: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  pipeline,
  decode,
  compile,
  linux,
};

const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith('--'));
const table = new Table();
for (const [name, run] of Object.entries(BENCHES)) {
  if (wanted.length === 0 || wanted.includes(name)) await run(table.report);
}
if (args.includes('--save')) writeFileSync('docs/bench.txt', table.text(new Date()));
process.exit(0);
