/** The corner cases of Calico's policy as real frames: told to a driver, executed by the kernel behind soft-xpu. */
import { expect } from 'chai';
import { describeProbe, type Probe } from '../../../src/lab/verdicts/probe.js';
import { CORNER_CASES } from '../../support/corner-cases/all.js';
import type { CornerCase, Expectation } from '../../support/corner-cases/case.js';
import { PATH_CASES } from '../../support/corner-cases/paths.js';
import type { World } from '../../support/felix/world.js';
import { isLong } from '../../support/random-policy/run.js';
import { needs } from '../../support/root.js';
import { beyondFrames } from './beyond-frames.js';
import { KernelWorlds } from './kernel-worlds.js';
import { remains } from './remains.js';

/** What a pod does to its host, and forged packets: always whole. */
const ALWAYS = new Set([35, 39, 40, 41]);
/** Each other number once; the long run takes every case. */
const SHOWN = CORNER_CASES.filter(
  ({ corner }, index) =>
    isLong ||
    ALWAYS.has(corner) ||
    CORNER_CASES.findIndex((other) => other.corner === corner) === index,
);
const PATHS = isLong ? PATH_CASES.filter(({ isOracleOnly }) => isOracleOnly !== true) : [];

describe('corner cases of Calico policy, real frames', function () {
  this.timeout(30_000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter'));
  let worlds: KernelWorlds;
  before(async () => (worlds = await KernelWorlds.open()));
  after(async () => {
    await worlds?.close();
    expect(remains()).to.deep.equal([]);
  });

  /** Each expectation by what came of it; a packet that no frame can show must at least not pass where it may not. */
  async function show({ world, then, expect: expected }: Omit<CornerCase, 'corner' | 'title'>) {
    await worlds.change(world);
    if (then !== undefined) await worlds.tell(then);
    const probes = expected.map(([probe, allowed]): Probe => ({ ...probe, allowed }));
    const verdicts = await worlds.judge(probes);
    return expected.flatMap((one, index): string[] => {
      const { allow, exit, path } = verdicts[index]!;
      const arrives = allow && exit === one[0].to;
      return isRight(one, arrives, world) ? [] : [`${describeProbe(one[0])}: ${path.join('; ')}`];
    });
  }

  for (const { corner, title, ...one } of SHOWN) {
    it(`corner ${corner}: ${title}`, async () => {
      expect(await show(one)).to.deep.equal([]);
    });
  }

  for (const { title, ...one } of PATHS) {
    it(title, async () => {
      expect(await show(one)).to.deep.equal([]);
    });
  }
});

function isRight([probe, allowed]: Expectation, arrives: boolean, world: World): boolean {
  return arrives === allowed || (allowed && beyondFrames(probe, world) !== undefined);
}
