/** The steps of a test run, as data: the checks, then one step of mocha per folder of `test/`. */
import { readdirSync } from 'node:fs';

/** One command of a test run. */
export interface Step {
  readonly name: string;
  /** Program and arguments, run by the Node that runs us. */
  readonly node: readonly string[];
  /** Steps that must have ended before, well or badly: the compiler writes its output in spite of type errors. */
  readonly after?: readonly string[];
  /** Its report ends in `N passed, N failed`; other steps count as one test each. */
  readonly counts?: true;
  /** Its output is worth reading when all is well, too. */
  readonly show?: true;
}

const TSX = ['--import', 'tsx'];
const MOCHA = 'node_modules/mocha/bin/mocha.js';

/** What the tests of a folder need: some start `bin/calico-xpu.js`, which runs the built code. */
const CHECKS: readonly Step[] = [
  { name: 'build', node: [...TSX, 'scripts/build.ts'] },
  { name: 'types', node: ['node_modules/typescript/bin/tsc', '--noEmit'] },
  { name: 'lint', node: ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.'] },
  {
    name: 'format',
    node: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  },
  { name: 'imports', node: [...TSX, 'scripts/imports/check.ts'] },
  { name: 'architecture', node: [...TSX, 'scripts/architecture.ts', '--check'] },
  { name: 'generated', node: [...TSX, 'scripts/generate.ts', '--check'] },
];

/** Folders of `test/` that start many processes or walk every recording: longest first, not in the quick run. */
const SLOW: readonly string[] = ['e2e', 'scenarios', 'contract', 'properties'];

/** Folders of `test/` that hold data, not tests. */
const DATA: readonly string[] = ['recordings'];

/** All steps in the order in which they should start. */
export function allSteps(): Step[] {
  const folders = testFolders();
  const slow = SLOW.filter((folder) => folders.includes(folder));
  const rest = folders.filter((folder) => !SLOW.includes(folder));
  return [...CHECKS, ...[...slow, ...rest].map(suite)];
}

/** The steps of the run that takes about a minute. */
export function quickSteps(): Step[] {
  const slow = SLOW.map((folder) => `test/${folder}`);
  return allSteps().filter((step) => !slow.includes(step.name));
}

function testFolders(): string[] {
  return readdirSync('test', { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !DATA.includes(entry.name))
    .map((entry) => entry.name)
    .filter((folder) => testFiles(folder).length > 0)
    .sort();
}

function testFiles(folder: string): string[] {
  return readdirSync(`test/${folder}`, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  );
}

function suite(folder: string): Step {
  return {
    name: `test/${folder}`,
    node: [MOCHA, `test/${folder}/**/*.test.ts`],
    after: ['build'],
    counts: true,
    ...(folder === 'tidy' ? { show: true } : {}),
  };
}
