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
const SLOW: readonly string[] = [
  'e2e',
  'e2e/linux-policy',
  'lab/nodes',
  'soft-xpu/linux',
  'e2e/linux',
  'contract',
  'lab/verdicts-linux',
  'scenarios',
  'properties',
];

/** Folders whose tests are steps of their own, apart from those of their folders. */
const SPLIT: readonly string[] = ['e2e', 'lab', 'soft-xpu'];

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
  return foldersIn('test')
    .filter((folder) => !DATA.includes(folder))
    .flatMap((folder) => [folder, ...(SPLIT.includes(folder) ? partsOf(folder) : [])])
    .filter((folder) => testFiles(folder).length > 0)
    .sort();
}

function partsOf(folder: string): string[] {
  return foldersIn(`test/${folder}`).map((part) => `${folder}/${part}`);
}

function foldersIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function testFiles(folder: string): string[] {
  const recursive = !SPLIT.includes(folder);
  return readdirSync(`test/${folder}`, { recursive, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  );
}

function suite(folder: string): Step {
  return {
    name: `test/${folder}`,
    node: [MOCHA, `test/${folder}/${SPLIT.includes(folder) ? '' : '**/'}*.test.ts`],
    after: ['build'],
    counts: true,
    ...(folder === 'tidy' ? { show: true } : {}),
  };
}
