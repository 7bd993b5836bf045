/** A plain target may be narrower than Calico where it says why; a native one says exactly the same. */
import { expect } from 'chai';
import { describeProbe } from '../../src/lab/verdicts/probe.js';
import { CORNER_CASES } from '../support/corner-cases/all.js';
import { framesOf } from '../support/felix/wire.js';
import { session } from '../support/felix/world.js';
import { NATIVE, PLAIN } from './support/play.js';
import { XpuEngine } from './support/xpu-engine.js';

for (const target of [NATIVE, PLAIN]) {
  describe(`translator, ${target.level} target: corner cases of Calico policy`, () => {
    for (const { corner, title, world, then = [], expect: expected } of CORNER_CASES) {
      it(`corner ${corner}: ${title}`, async () => {
        const engine = new XpuEngine(target);
        await engine.startSession();
        await engine.advance(framesOf(session(world)));
        if (then.length > 0) await engine.advance(framesOf(then));
        const verdicts = await engine.judge(expected.map(([probe]) => probe));
        for (const [index, [probe, allowed]] of expected.entries()) {
          const { allow, exit, path, reasons } = verdicts[index]!;
          const arrives = allow && exit === probe.to;
          if (target === PLAIN && allowed && !arrives && reasons.length > 0) continue;
          expect(arrives, `${describeProbe(probe)}: ${path.join('; ')}`).to.equal(allowed);
        }
      });
    }
  });
}
