/** Shows that each style rule notices what it forbids, and leaves alone what it does not. */
import { expect } from 'chai';
import { quantile } from './figures.js';
import { measure } from './measure.js';
import {
  FILE_RULES,
  FUNCTION_LINES_MAX,
  breachesOf,
  deadFiles,
  fileLinksOf,
  titlesOf,
} from './rules.js';

const HEAD = '/** Duty. */\n';

/** Breaches in one file, of the rule whose text contains `word`. */
function breaches(word: string, text: string, path = 'src/base/x.ts'): string[] {
  const rule = FILE_RULES.find(({ forbids }) => forbids.includes(word));
  if (rule === undefined) throw new Error(`no rule about ${word}`);
  return breachesOf(rule, [measure(path, text)]);
}

describe('style rules', () => {
  it('count the lines of a file, and hold for src/ alone', () => {
    const long = HEAD + '\n'.repeat(400);
    expect(breaches('files over', long)).to.deep.equal(['src/base/x.ts:1 401 lines']);
    expect(breaches('files over', HEAD + '\n'.repeat(399))).to.be.empty;
    expect(breaches('files over', long, 'test/x.test.ts')).to.be.empty;
  });

  it('count the lines of a function from its first to its last', () => {
    const body = (lines: number): string => `function f() {\n${'  g();\n'.repeat(lines - 2)}}\n`;
    expect(breaches('functions', body(FUNCTION_LINES_MAX))).to.be.empty;
    expect(breaches('functions', HEAD + body(FUNCTION_LINES_MAX + 1))).to.deep.equal([
      'src/base/x.ts:2 f has 71 lines',
    ]);
  });

  it('count methods, constructors and arrow functions, but not what registers tests', () => {
    const block = `{\n${'  g();\n'.repeat(80)}}`;
    expect(breaches('functions', `class A { constructor() ${block} m() ${block} }`)).have.length(2);
    expect(breaches('functions', `const f = () => ${block};`)).to.have.length(1);
    expect(breaches('functions', `describe('x', () => ${block});`, 'test/a.test.ts')).to.be.empty;
    expect(breaches('functions', `it('x', () => ${block});`, 'test/a.test.ts')).to.have.length(1);
    const suite = `function contract() ${block.replace('{', "{ it('x', () => g());")}`;
    expect(breaches('functions', suite, 'test/a.test.ts')).to.be.empty;
  });

  it('find any as a type, not as a word', () => {
    expect(breaches('type any', 'let a: any;')).to.deep.equal(['src/base/x.ts:1 any']);
    expect(breaches('type any', 'f(x as any); type T = any[];')).to.have.length(2);
    expect(breaches('type any', "// any\nconst any = 'any';")).to.be.empty;
  });

  it('find promises of later work', () => {
    for (const word of ['TO' + 'DO', 'FIX' + 'ME', 'HA' + 'CK']) {
      expect(breaches('promise', `// ${word}: later`)).to.have.length(1);
    }
    expect(breaches('promise', 'const hackney = 1;')).to.be.empty;
  });

  it('want a comment on each export, apart from the head of the file', () => {
    const names = (text: string): string[] =>
      breaches('exports', text).map((b) => b.split(' ')[1]!);
    expect(names('/** Head. */\nexport const a = 1;')).to.deep.equal(['a']);
    expect(names('/** Head. */\n/** Doc. */\nexport const a = 1;')).to.be.empty;
    expect(names(`${HEAD}import './y.js';\n// plain\nexport type T = 1;`)).to.deep.equal(['T']);
    expect(names(`${HEAD}const z = 1;\n/** */\nexport class C {}`)).to.deep.equal(['C']);
    expect(names(`${HEAD}const inner = 1;\nexport { b } from './b.js';`)).to.be.empty;
  });

  it('let overloads share one comment', () => {
    const overloads = `${HEAD}let q;\n/** Doc. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;\nexport function f(a: number) { return a; }`;
    expect(breaches('exports', overloads)).to.be.empty;
  });

  it('want a head on each file', () => {
    expect(breaches('duty', 'const a = 1;')).to.have.length(1);
    expect(breaches('duty', HEAD)).to.be.empty;
    expect(breaches('duty', `#!/usr/bin/env node\n${HEAD}`)).to.be.empty;
  });

  it('find tests left out or singled out', () => {
    const partial = (text: string): string[] => breaches('left out', text, 'test/a.test.ts');
    expect(partial("it.only('a', f); describe.skip('b', f); xit('c', f); it('d');")).have.length(4);
    expect(partial("it('a', f); before(function () { this.skip(); }); list.skip(3);")).to.be.empty;
  });
});

describe('dead files', () => {
  const file = (path: string, text = ''): ReturnType<typeof measure> => measure(path, text);

  it('are those that nothing imports or starts', () => {
    const files = [
      file('src/main.ts', "await import('./cli/run.js');"),
      file(
        'src/cli/run.ts',
        "import type { A } from '../base/a.js'; new URL('./worker.js', base);",
      ),
      file('src/cli/worker.ts'),
      file('src/base/a.ts'),
      file('src/base/dead.ts', "import './a.js';"),
      file('test/a.test.ts'),
      file('test/support/unused.ts'),
    ];
    expect(deadFiles(files)).to.deep.equal(['src/base/dead.ts', 'test/support/unused.ts']);
  });
});

describe('titles', () => {
  it('are first-level headings outside of code blocks', () => {
    expect(titlesOf('# A\n## B\n```\n# comment\n```\n#not\n')).to.deep.equal(['# A']);
    expect(titlesOf('# A\n# B\n')).to.have.length(2);
    expect(titlesOf('text\n')).to.be.empty;
  });
});

describe('links', () => {
  it('are those to files, without anchors', () => {
    const text = '[a](b.md) [c](d/e.md#f) [g](https://h.i) [j](#k) ![l](m.png "n")';
    expect(fileLinksOf(text)).to.deep.equal(['b.md', 'd/e.md', 'm.png']);
  });
});

describe('quantile', () => {
  it('is the smallest value that covers the share', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).to.equal(2);
    expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9)).to.equal(9);
    expect(quantile([7], 0.5)).to.equal(7);
    expect(quantile([], 0.5)).to.equal(0);
  });
});
