/** Counting tests: no way for a step to end badly and look well. */
import { expect } from 'chai';
import { countsOf, plainLine, sumOf } from '../../scripts/tests/outcome.js';

describe('counts of a step', () => {
  const suite = (code: number | null, output: string): string =>
    plainLine(countsOf({ code, output, counts: true }));

  it('are those of its last plain line', () => {
    expect(suite(0, 'x\n1 passed, 0 failed\n\n12 passed, 0 failed, 3 skipped\n')).to.equal(
      '12 passed, 0 failed, 3 skipped',
    );
    expect(suite(2, '5 passed, 2 failed\n')).to.equal('5 passed, 2 failed');
  });

  it('hold a failure when the step ended badly or told nothing', () => {
    expect(suite(1, '5 passed, 0 failed\n')).to.equal('5 passed, 1 failed');
    expect(suite(null, '5 passed, 0 failed\n')).to.equal('5 passed, 1 failed');
    expect(suite(0, 'all is well\n')).to.equal('0 passed, 1 failed');
    expect(suite(0, '0 passed, 0 failed\n')).to.equal('0 passed, 1 failed');
    expect(suite(0, '0 passed, 0 failed, 4 skipped\n')).to.equal('0 passed, 1 failed, 4 skipped');
    expect(suite(0, 'about 5 passed, 0 failed today\n')).to.equal('0 passed, 1 failed');
  });

  it('are one test for a step that does not count', () => {
    expect(countsOf({ code: 0, output: '', counts: false }).passed).to.equal(1);
    expect(countsOf({ code: 1, output: '9 passed, 0 failed', counts: false }).failed).to.equal(1);
    expect(countsOf({ code: null, output: '', counts: false }).failed).to.equal(1);
  });

  it('add up', () => {
    const one = { passed: 1, failed: 2, skipped: 3 };
    expect(sumOf([one, one, { ...one, skipped: 0 }])).to.deep.equal({
      passed: 3,
      failed: 6,
      skipped: 6,
    });
    expect(plainLine(sumOf([]))).to.equal('0 passed, 0 failed');
  });
});
