/** Holds this repository against its own style rules, and prints the figures that are only a compass. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect } from 'chai';
import { figures } from './figures.js';
import { FILE_RULES, breachesOf, deadFiles, fileLinksOf, titlesOf } from './rules.js';
import {
  isThere,
  moduleFolders,
  ownDocuments,
  ownSources,
  readOwn,
  shellScripts,
} from './sources.js';

describe('the repository', () => {
  const files = ownSources();

  after(() => console.log(figures(files).join('\n')));

  for (const rule of FILE_RULES) {
    it(`has no ${rule.forbids}`, () => {
      expect(breachesOf(rule, files)).to.deep.equal([]);
    });
  }

  it('has no dead files', () => {
    expect(deadFiles(files)).to.deep.equal([]);
  });

  it('names every folder of src/ in ARCHITECTURE.md', () => {
    const architecture = readOwn('ARCHITECTURE.md');
    const unnamed = moduleFolders().filter((folder) => !architecture.includes(folder));
    expect(unnamed).to.deep.equal([]);
  });

  it('gives every markdown file exactly one title', () => {
    const bad = ownDocuments().filter((file) => titlesOf(readOwn(file)).length !== 1);
    expect(bad).to.deep.equal([]);
  });

  it('has no dead links between its documents', () => {
    const dead = ownDocuments().flatMap((file) =>
      fileLinksOf(readOwn(file))
        .filter((target) => !isThere(path.posix.join(path.posix.dirname(file), target)))
        .map((target) => `${file}: ${target}`),
    );
    expect(dead).to.deep.equal([]);
  });

  it('has shell scripts that their shells can read', () => {
    const scripts = shellScripts();
    expect(scripts).to.not.be.empty;
    for (const { file, shell } of scripts) {
      const { stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
      expect(stderr, file).to.equal('');
    }
  });
});
