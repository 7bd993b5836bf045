import { expect } from 'chai';
import { OracleEngine } from '../../src/lab/verdicts/oracle-engine.js';
import { describeProbe } from '../../src/lab/verdicts/probe.js';
import { PATH_CASES } from '../support/corner-cases/paths.js';
import { framesOf } from '../support/felix/wire.js';
import { session } from '../support/felix/world.js';

describe('oracle: who holds an address, and which ports ask in which order', () => {
  for (const { title, world, then = [], expect: expected } of PATH_CASES) {
    it(title, async () => {
      const engine = new OracleEngine();
      await engine.startSession();
      await engine.advance(framesOf([...session(world), ...then]));
      const verdicts = await engine.judge(expected.map(([probe]) => probe));
      for (const [index, [probe, allowed]] of expected.entries()) {
        const { allow, exit, path } = verdicts[index]!;
        const arrives = allow && exit === probe.to;
        expect(arrives, `${describeProbe(probe)}: ${path.join('; ')}`).to.equal(allowed);
      }
    });
  }
});
