/**
 * `npm run coverage [-- FOLDER...]`: which lines of `src/` the tests (of these folders of `test/`) reach, the processes they start
 * included. Runs compiled code in a private copy: what tsx makes on the fly has too few lines to tell them apart.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { removeAbandoned, WorkCopy } from './work-copy.js';

const TSC = 'node_modules/typescript/bin/tsc';
const REPORTS = path.resolve('coverage');

/** Compiled files stand beside their sources, where the tests look for data. */
const BESIDE_SOURCES = {
  extends: './tsconfig.json',
  compilerOptions: { noEmit: false, sourceMap: true, rootDir: '.', outDir: '.' },
  exclude: ['node_modules'],
};

const folders = process.argv.slice(2);
const tests = (folders.length === 0 ? ['**'] : folders.map((folder) => `${folder}/**`)).map(
  (glob) => `test/${glob}/*.test.js`,
);

removeAbandoned();
const copy = WorkCopy.of(process.cwd());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    copy.remove();
    process.exit(1);
  });
}
try {
  node('--import', 'tsx', 'scripts/build.ts');
  writeFileSync(path.join(copy.folder, 'tsconfig.here.json'), JSON.stringify(BESIDE_SOURCES));
  node(TSC, '-p', 'tsconfig.here.json');
  process.exitCode = node(...c8(), ...mocha(), ...tests);
  const never = neverLoaded();
  if (never.length > 0) console.log(`\nNever loaded:\n${never.join('\n')}`);
} finally {
  copy.remove();
}

function node(...args: string[]): number {
  const { status } = spawnSync(process.execPath, args, { cwd: copy.folder, stdio: 'inherit' });
  return status ?? 1;
}

function c8(): string[] {
  const reporters = ['text', 'html', 'json-summary'].flatMap((name) => ['--reporter', name]);
  const filter = ['--exclude-after-remap', '--include', 'src/**/*.ts', '--exclude', 'src/gen/**'];
  const data = ['--temp-directory', copy.scratch('coverage')];
  return ['node_modules/c8/bin/c8.js', ...reporters, '--reports-dir', REPORTS, ...filter, ...data];
}

/** The options of .mocharc.json that matter for compiled code; running it is slower, too. */
function mocha(): string[] {
  const options = ['--no-config', '--timeout', '30000', '--reporter', 'dot'];
  return [process.execPath, 'node_modules/mocha/bin/mocha.js', ...options];
}

/** Files with code that no test loaded: they are not in the table. */
function neverLoaded(): string[] {
  const summary = readFileSync(path.join(REPORTS, 'coverage-summary.json'), 'utf8');
  const loaded = new Set(
    Object.keys(JSON.parse(summary) as object).map((file) => path.relative(copy.folder, file)),
  );
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .map((file) => path.join('src', file))
    .filter((file) => file.endsWith('.ts') && !file.startsWith('src/gen/') && !loaded.has(file))
    .filter(hasCode);
}

/** False for files of types alone. */
function hasCode(file: string): boolean {
  const compiled = readFileSync(path.join(copy.folder, file.replace(/\.ts$/, '.js')), 'utf8');
  return compiled.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '').trim() !== 'export {};';
}
