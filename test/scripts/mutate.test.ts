/** Deliberately wrong compilers as data: each fits the source of now. Whether tests notice them, `npm run mutate` tells. */
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { mutationsPage } from '../../scripts/mutate/document.js';
import { mutate, MutationError, type Mutation } from '../../scripts/mutate/mutation.js';
import { MUTATIONS } from '../../scripts/mutate/mutations.js';
import { WorkCopy } from '../../scripts/work-copy.js';

const MUTATION: Mutation = {
  name: 'pass is allow',
  why: 'opens | closes',
  file: 'src/a.ts',
  find: "'pass'",
  replace: "'allow'",
};

describe('mutations', () => {
  it('replace their text where it stands', () => {
    expect(mutate(MUTATION, "x = 'pass';\n")).to.equal("x = 'allow';\n");
    expect(mutate({ ...MUTATION, replace: '$&' }, "x = 'pass';")).to.equal('x = $&;');
  });

  it('are refused where their text is gone, stands twice, or stays the same', () => {
    expect(() => mutate(MUTATION, 'x')).to.throw(MutationError, /occurs 0 times in src\/a\.ts/);
    expect(() => mutate(MUTATION, "'pass' 'pass'")).to.throw(MutationError, /occurs 2 times/);
    const same = { ...MUTATION, replace: MUTATION.find };
    expect(() => mutate(same, "'pass'")).to.throw(MutationError, /changes nothing/);
  });

  it('all fit the source, under names of their own', () => {
    expect(MUTATIONS.length).to.be.greaterThan(20);
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).to.equal(MUTATIONS.length);
    for (const mutation of MUTATIONS) mutate(mutation, readFileSync(mutation.file, 'utf8'));
  });

  it('are told in a table, survivors too', () => {
    const trial = { seconds: 1, caughtBy: { suite: 'corner cases', test: 'corner 9' } };
    const outcomes = [
      { mutation: MUTATION, trial },
      { mutation: MUTATION, trial: { seconds: 2, caughtBy: undefined } },
    ];
    const page = mutationsPage(outcomes, new Date('2026-07-01T10:00:00Z'));
    expect(page).to.match(/^2026-07-01, .*\*\*1 of 2 caught\.\*\*$/m);
    expect(page).to.contain('- 1 by: corner cases\n');
    expect(page).to.contain('| 1 | pass is allow | opens \\| closes | `a.ts` | corner 9 |\n');
    expect(page).to.contain('| 2 | pass is allow | opens \\| closes | `a.ts` | **survived** |\n');
  });
});

describe('a copy of the work tree', () => {
  it('holds the sources, shares the dependencies and leaves nothing behind', () => {
    const copy = WorkCopy.of(process.cwd());
    const source = `${copy.folder}/src/main.ts`;
    expect(readFileSync(source)).to.deep.equal(readFileSync('src/main.ts'));
    expect(existsSync(`${copy.folder}/node_modules/mocha/package.json`)).to.equal(true);
    expect(existsSync(`${copy.folder}/.git`)).to.equal(false);
    copy.remove();
    expect([existsSync(copy.folder), existsSync('node_modules/mocha')]).to.deep.equal([
      false,
      true,
    ]);
  });
});
