/** The import rules notice what they forbid: small trees of files with one breach each, cruised for real. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { importBreaches, tableFaults } from '../../scripts/imports/breaches.js';
import { withModules } from '../../scripts/imports/document.js';
import { MODULES } from '../../scripts/imports/table.js';
import type { Module } from '../../scripts/imports/table.js';

type Tree = Record<string, string>;

/** Files that break no rule: the entry reaches them all. */
const SOUND: Tree = {
  'src/main.ts': "import './cli/run.js';",
  'src/cli/run.ts': "import '../agent/agent.js'; import 'node:fs';",
  'src/agent/agent.ts':
    "import '../desired/store.js'; import '../translators/t.js'; import './status-server.js';",
  'src/agent/status-server.ts': "import 'node:http';",
  'src/desired/store.ts': "import '../base/a.js'; export interface State { a: 1 }",
  'src/translators/t.ts':
    "import type { State } from '../desired/store.js'; export type T = State;",
  'src/base/a.ts': "import { createHash } from 'node:crypto'; export const a = createHash;",
};

describe('import rules', function () {
  this.timeout(20_000);
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'calico-xpu-imports-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  async function breachesOf(change: Tree): Promise<string[]> {
    for (const [file, text] of Object.entries({ ...SOUND, ...change })) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    const manifest = {
      type: 'module',
      dependencies: { yargs: '1' },
      devDependencies: { chai: '1' },
    };
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
    for (const name of ['yargs', 'chai']) {
      const home = path.join(folder, 'node_modules', name);
      mkdirSync(home, { recursive: true });
      writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name, main: 'index.js' }));
      writeFileSync(path.join(home, 'index.js'), '');
    }
    return (await importBreaches(folder)).map((breach) => breach.split('. ')[0] ?? '');
  }

  it('say nothing of a sound tree', async () => {
    expect(await breachesOf({})).to.deep.equal([]);
  });

  const cases: [what: string, change: Tree, breach: string][] = [
    [
      'a module that is not in the row',
      {
        'src/desired/store.ts': "import '../base/a.js'; import '../oracle/o.js';",
        'src/oracle/o.ts': '',
      },
      'src/desired/store.ts -> src/oracle/o.ts: desired-imports',
    ],
    [
      'an import that hides in a call',
      { 'src/base/a.ts': "export const a = () => import('../model/m.js');", 'src/model/m.ts': '' },
      'src/base/a.ts -> src/model/m.ts: base-imports',
    ],
    [
      'code where only types are allowed',
      { 'src/translators/t.ts': "import { State } from '../desired/store.js'; new State();" },
      'src/translators/t.ts -> src/desired/store.ts: translators-imports-types-of-desired',
    ],
    [
      'I/O in a file that is not named',
      {
        'src/agent/agent.ts': `${SOUND['src/agent/agent.ts']} import { readFile } from 'node:fs/promises'; readFile;`,
      },
      'src/agent/agent.ts -> fs/promises: agent-io',
    ],
    [
      'I/O without the node: prefix',
      { 'src/base/a.ts': "import net from 'net'; export const a = net;" },
      'src/base/a.ts -> net: base-io',
    ],
    [
      'a package that is not in the row',
      { 'src/base/a.ts': "import yargs from 'yargs'; export const a = yargs;" },
      'src/base/a.ts -> node_modules/yargs/index.js: base-packages',
    ],
    [
      'a package for development in what ships',
      { 'src/cli/run.ts': `${SOUND['src/cli/run.ts']} import 'chai';` },
      'src/cli/run.ts -> node_modules/chai/index.js: no-undeclared-packages',
    ],
    [
      'tests in what ships',
      { 'src/cli/run.ts': `${SOUND['src/cli/run.ts']} import '../../test/t.js';`, 'test/t.ts': '' },
      'src/cli/run.ts -> test/t.ts: product-is-not-test',
    ],
    [
      'a cycle, of types too',
      {
        'src/base/a.ts': "import type { B } from './b.js'; export type A = B;",
        'src/base/b.ts': "import type { A } from './a.js'; export type B = A;",
      },
      'src/base/a.ts -> src/base/b.ts: no-cycles',
    ],
    ['an orphan', { 'src/model/m.ts': '' }, 'src/model/m.ts -> src/model/m.ts: no-orphans'],
  ];
  for (const [what, change, breach] of cases) {
    it(`notice ${what}`, async () => {
      expect(await breachesOf(change)).to.include(breach);
    });
  }
});

describe('import table', () => {
  const module = (name: string, rank: number, imports: string[]): Module => ({
    name,
    rank,
    imports,
    duty: 'x',
  });

  it('has no faults of its own', () => {
    expect(tableFaults(MODULES)).to.deep.equal([]);
  });

  it('may not point up, sideways or nowhere', () => {
    const table = [module('a', 0, ['b']), module('b', 1, ['c', 'a/part']), module('c', 1, ['zzz'])];
    expect(tableFaults(table)).to.deep.equal([
      'table: a imports b, which is not a module of lower rank',
      'table: b imports c, which is not a module of lower rank',
      'table: c imports zzz, which is not a module of lower rank',
    ]);
  });

  it('is written between the markers, and only there', () => {
    const begin =
      '<!-- modules: written by `npm run architecture` from scripts/imports/table.ts -->';
    const text = `# A\n${begin}\nold\n<!-- end of modules -->\nrest\n`;
    const written = withModules(text);
    expect(written)
      .to.match(/^# A\n/)
      .and.match(/rest\n$/);
    expect(written).to.contain('| `src/base` | 0 |').and.not.to.contain('old');
    expect(withModules(written)).to.equal(written);
    expect(() => withModules('# A\n')).to.throw('no place for the modules');
  });
});
