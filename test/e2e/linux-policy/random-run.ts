/** Random worlds shown to one soft-xpu after the other, time-boxed; a world that fails is made as small as time allows. */
import fc from 'fast-check';
import type { Probe } from '../../../src/lab/verdicts/probe.js';
import type { World } from '../../support/felix/world.js';
import { aim, probeOf, targetsOf } from '../../support/random-policy/probes.js';
import { isLong } from '../../support/random-policy/run.js';
import { world } from '../../support/random-policy/worlds.js';
import { seedOfRun } from '../../support/chance.js';
import { judgeByOracle, type Wrong } from './judging.js';
import type { KernelWorlds } from './kernel-worlds.js';

/** How long worlds are drawn: two minutes are what a long run may take in all. */
export const SECONDS = isLong ? { native: 75, plain: 30 } : { native: 9, plain: 4 };
/** How long a failure is made smaller. */
export const SHRINK_SECONDS = 60;

/** Packets at each world. */
const SHOTS = 300;

/** How much was tried. */
export interface Tally {
  readonly seed: number;
  worlds: number;
  frames: number;
  arrived: number;
  beyond: number;
  narrower: number;
}

/** A world, and the seed of the packets at it. */
const drawn = fc.record({ aims: fc.noShrink(fc.nat()), world });

type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

/**
 * Draws worlds until the time is over, each told as a change of the one before. Throws with the smallest world on which
 * kernel and oracle differ about a packet.
 */
export async function tryRandomWorlds(worlds: KernelWorlds): Promise<Tally> {
  const tally: Tally = {
    seed: seedOfRun(),
    worlds: 0,
    frames: 0,
    arrived: 0,
    beyond: 0,
    narrower: 0,
  };
  let before: World | undefined;
  let wrong: readonly Wrong[] = [];
  const details = await check(
    SECONDS[worlds.level],
    { seed: tally.seed, endOnFailure: true },
    async (one) => {
      await worlds.change(one.world);
      const probes = probesAt(one);
      const judged = await judgeByOracle(worlds, { world: one.world, probes });
      tally.worlds += 1;
      tally.frames += probes.length;
      tally.arrived += judged.arrived;
      tally.beyond += judged.beyond;
      tally.narrower += judged.narrower;
      wrong = judged.wrong;
      if (wrong.length > 0) return false;
      before = one.world;
      return true;
    },
  );
  const [first] = wrong;
  if (first === undefined) {
    if (!details.failed) return tally;
    throw new Error(`seed ${tally.seed}`, { cause: details.errorInstance });
  }
  const texts = wrong.slice(0, 5).map(({ text }) => text);
  throw new Error([`seed ${tally.seed}`, ...texts, await smallest()].join('\n'));

  /** The failure by a new Felix, made smaller; or the two worlds between which it lies. */
  async function smallest(): Promise<string> {
    let least: Drawn | undefined;
    const options = { seed: tally.seed, path: details.counterexamplePath ?? '' };
    await check(SHRINK_SECONDS, options, async (one) => {
      await worlds.restart(one.world);
      const { wrong: still } = await judgeByOracle(worlds, {
        world: one.world,
        probes: [first!.probe],
      });
      if (still.length > 0) least = one;
      return still.length === 0;
    });
    if (least !== undefined) return `smallest world: ${JSON.stringify(least.world)}`;
    const whole = details.counterexample?.[0].world;
    return `only as a change from ${JSON.stringify(before)}\nto ${JSON.stringify(whole)}`;
  }
}

/** Resolves when the last world is judged: an interrupt ends the check, not the run that is under way. */
async function check(
  seconds: number,
  options: fc.Parameters<[Drawn]>,
  holds: (one: Drawn) => Promise<boolean>,
): Promise<fc.RunDetails<[Drawn]>> {
  let running: Promise<unknown> = Promise.resolve();
  const property = fc.asyncProperty(drawn, (one) => {
    const run = holds(one);
    running = run;
    return run;
  });
  const details = await fc.check(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false,
    ...options,
  });
  await running.catch(() => undefined);
  return details;
}

function probesAt({ aims, world: one }: Drawn): Probe[] {
  const targets = targetsOf(one);
  return fc.sample(aim, { seed: aims, numRuns: SHOTS }).map((shot) => probeOf(shot, targets));
}
