/** Writes the modules into ARCHITECTURE.md, or with `--check` fails when what stands there is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { withModules } from './imports/document.js';

const FILE = 'ARCHITECTURE.md';
const now = readFileSync(FILE, 'utf8');
const wanted = withModules(now);
if (process.argv.includes('--check')) {
  if (now !== wanted) {
    console.log(`${FILE} does not show the import table: run \`npm run architecture\``);
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, wanted);
}
