/** Random policy through a whole node: driver, gRPC, soft-xpu, kernel; what frames do is what the oracle says. */
import { expect } from 'chai';
import { needs } from '../../support/root.js';
import { REGRESSIONS } from '../../support/random-policy/regressions.js';
import { judgeByOracle } from './judging.js';
import { KernelWorlds } from './kernel-worlds.js';
import { remains } from './remains.js';
import { SECONDS, SHRINK_SECONDS, tryRandomWorlds } from './random-run.js';

for (const level of ['native', 'plain'] as const) {
  const words = {
    native: 'what the oracle says',
    plain: 'nothing wider than what the oracle says, and narrower only for a reason',
  };
  describe(`random policy, real frames, ${level} target: the kernel does ${words[level]}`, function () {
    this.timeout((SECONDS[level] + SHRINK_SECONDS + 60) * 1000);
    before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter'));
    let worlds: KernelWorlds;
    before(async () => {
      worlds = await KernelWorlds.open(level);
      await worlds.change({});
    });
    after(async () => {
      await worlds?.close();
      expect(remains()).to.deep.equal([]);
    });

    it('holds for random worlds and packets at their edges', async () => {
      const { seed, worlds: count, frames, ...of } = await tryRandomWorlds(worlds);
      const narrower = level === 'plain' ? `, ${of.narrower} narrower for a reason` : '';
      console.log(
        `      ${frames} packets at ${count} worlds, ${of.arrived} arrived, ${of.beyond} beyond frames${narrower}, seed ${seed}`,
      );
      expect(frames).to.be.at.least(300);
      expect(of.arrived).to.be.greaterThan(0);
      expect(of.beyond / frames).to.be.lessThan(0.2);
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
}
