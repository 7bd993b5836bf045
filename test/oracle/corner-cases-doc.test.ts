/** docs/corner-cases.md tells where each of the 70 corner cases is tested; it must not lie. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { CORNER_CASES } from '../support/corner-cases/all.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const COUNT = 70;
/** Corner cases of more than a first packet, as frames. */
const FLOWS = 'test/e2e/linux-policy/flows.test.ts';
/** What decides these comes with services and policers. */
const LATER = new Set([67, 70]);

/** Rows of the table that real packets show. */
function shownByKernel(): number[] {
  const text = readFileSync(path.join(ROOT, 'docs/corner-cases.md'), 'utf8');
  return [...text.matchAll(/^\| (\d+) \| [^|]* \| [^|]*\bkernel\b[^|]* \|/gm)].map(([, number]) =>
    Number(number),
  );
}

/** Files of each row of the table. */
function documented(): Map<number, string[]> {
  const text = readFileSync(path.join(ROOT, 'docs/corner-cases.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) \|.*\| ([^|]*) \|$/gm)];
  return new Map(
    rows.map(([, number, where]) => [
      Number(number),
      [...(where ?? '').matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? ''),
    ]),
  );
}

/** Tests whose names begin with `corner N:`, by number. */
function tested(): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  const files = readdirSync(path.join(ROOT, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.test.ts'))) {
    const text = readFileSync(path.join(ROOT, 'test', file), 'utf8');
    for (const [, numbers] of text.matchAll(/['`]corner ([\d, ]+):/g)) {
      for (const number of (numbers ?? '').split(',').map(Number)) {
        found.set(number, (found.get(number) ?? new Set()).add(`test/${file}`));
      }
    }
  }
  return found;
}

describe('docs/corner-cases.md', () => {
  const rows = documented();

  it('has a row for each of the 70', () => {
    expect([...rows.keys()]).to.deep.equal(Array.from({ length: COUNT }, (_, index) => index + 1));
  });

  it('names files that exist, and no row is empty but those of later work', () => {
    for (const [number, files] of rows) {
      for (const file of files) expect(existsSync(path.join(ROOT, file)), file).to.equal(true);
      expect(files.length > 0, `corner ${number}`).to.equal(!LATER.has(number));
    }
  });

  it('says of exactly those that are sent as frames that the kernel shows them', () => {
    const flows = [...tested()].filter(([, files]) => files.has(FLOWS)).map(([number]) => number);
    const shown = new Set([...CORNER_CASES.map(({ corner }) => corner), ...flows]);
    expect(shownByKernel()).to.deep.equal([...shown].sort((a, b) => a - b));
  });

  it('names only files that have a test of the corner case', () => {
    const tests = tested();
    const asPackets = new Set(CORNER_CASES.map(({ corner }) => corner));
    for (const [number, files] of rows) {
      const named = files.filter((file) => file.endsWith('.test.ts'));
      expect([...(tests.get(number) ?? [])], `corner ${number}`).to.include.members(named);
      const data = files.some((file) => file.startsWith('test/support/corner-cases/'));
      expect(data, `corner ${number} as packets`).to.equal(asPackets.has(number));
    }
  });
});
