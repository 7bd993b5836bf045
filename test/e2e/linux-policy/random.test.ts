/** Random policy through a whole node: driver, gRPC, soft-xpu, kernel; what frames do is what the oracle says. */
import { expect } from 'chai';
import { needs } from '../../support/root.js';
import { REGRESSIONS } from '../../support/random-policy/regressions.js';
import { judgeByOracle } from './judging.js';
import { KernelWorlds } from './kernel-worlds.js';
import { SECONDS, SHRINK_SECONDS, tryRandomWorlds } from './random-run.js';

describe('random policy, real frames: the kernel behind soft-xpu does what the oracle says', function () {
  this.timeout((SECONDS + SHRINK_SECONDS + 60) * 1000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'nsenter'));
  let worlds: KernelWorlds;
  before(async () => (worlds = await KernelWorlds.open()));
  after(() => worlds?.close());

  it('holds for random worlds and packets at their edges', async () => {
    const { seed, worlds: count, frames, arrived, beyond } = await tryRandomWorlds(worlds);
    console.log(
      `      ${frames} packets at ${count} worlds, ${arrived} arrived, ${beyond} beyond frames, seed ${seed}`,
    );
    expect(frames).to.be.at.least(600);
    expect(arrived / frames).to.be.greaterThan(0.1);
    expect(beyond / frames).to.be.lessThan(0.1);
    expect(worlds.driverOutput()).to.equal('');
  });

  for (const { title, ...trial } of REGRESSIONS) {
    it(`found before: ${title}`, async () => {
      await worlds.change(trial.world);
      if (trial.then !== undefined) await worlds.tell(trial.then);
      const { wrong } = await judgeByOracle(worlds, trial);
      expect(wrong.map(({ text }) => text)).to.deep.equal([]);
    });
  }
});
