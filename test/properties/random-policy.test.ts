import { expect } from 'chai';
import { REGRESSIONS } from '../support/random-policy/regressions.js';
import { isLong, tallyText, tryRandomPolicy } from '../support/random-policy/run.js';
import { allAgree } from './agreement.js';

const SECONDS = 45;

describe('random policy: oracle = native; plain is never wider, and narrower only for a reason', () => {
  it('holds for random stacks and packets at their edges', async function () {
    this.timeout(isLong ? 0 : (SECONDS + 60) * 1000);
    const tally = await tryRandomPolicy(SECONDS, allAgree);
    console.log(`      ${tallyText(tally)}`);
    expect(tally.pairs).to.be.greaterThan(500);
  });

  for (const { title, ...trial } of REGRESSIONS) {
    it(`found before: ${title}`, () => allAgree(trial));
  }
});
