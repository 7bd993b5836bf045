/** Time-boxed property runs over random policy: how long, which seed, and what was found. */
import fc from 'fast-check';
import type { Probe, ProbePacket } from '../../../src/lab/verdicts/probe.js';
import type { Message } from '../felix/wire.js';
import type { World } from '../felix/world.js';
import { aim, probeOf, targetsOf } from './probes.js';
import { world } from './worlds.js';

/** Set for the long run: its properties run `CALICO_XPU_LONG_SECONDS` (default 600) each. */
export const isLong = process.env['CALICO_XPU_LONG'] === '1';

/** Packets that are sent at each world. */
const SHOTS = 60;

/** A world and packets at it. */
export interface Trial {
  readonly world: World;
  /** Messages after InSync, before the packets. */
  readonly then?: readonly Message[];
  readonly probes: readonly Probe[];
}

/** How much was tried. */
export interface Tally {
  readonly seed: number;
  readonly stacks: number;
  readonly pairs: number;
}

/** Packets come first because they shrink first: one packet is tried on smaller worlds in no time. */
const trial: fc.Arbitrary<Trial> = fc
  .tuple(fc.array(aim, { minLength: 1, maxLength: SHOTS, size: 'max' }), world)
  .map(([aims, one]) => {
    const targets = targetsOf(one);
    return { world: one, probes: aims.map((shot) => probeOf(shot, targets)) };
  });

/**
 * Tries random worlds for `seconds` (or the long time) and fails with the smallest counterexample found. The seed is
 * `CALICO_XPU_SEED` or a fresh one; a failure prints it.
 */
export async function tryRandomPolicy(
  seconds: number,
  holds: (one: Trial) => Promise<void>,
): Promise<Tally> {
  const duration = isLong ? Number(process.env['CALICO_XPU_LONG_SECONDS'] ?? 600) : seconds;
  const seed = Number(process.env['CALICO_XPU_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  let stacks = 0;
  let pairs = 0;
  await fc.assert(
    fc.asyncProperty(trial, async (one) => {
      await holds(one);
      stacks += 1;
      pairs += one.probes.length;
    }),
    {
      seed,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: duration * 1000,
      markInterruptAsFailure: false,
      reporter: (details) => report(details, seed),
    },
  );
  return { seed, stacks, pairs };
}

/** One line for the test's output. */
export function tallyText({ seed, stacks, pairs }: Tally): string {
  return `${pairs} pairs of stack and packet, ${stacks} stacks, seed ${seed}`;
}

function report(details: fc.RunDetails<[Trial]>, seed: number): void {
  if (!details.failed || details.counterexample === null) return;
  const [{ world: smallest, probes }] = details.counterexample;
  const packets: { from: string; to: string; packet: ProbePacket }[] = probes.map(
    ({ from, to, packet }) => ({ from, to, packet }),
  );
  throw new Error(
    [
      `seed ${seed}, path ${details.counterexamplePath ?? ''}, shrunk ${details.numShrinks} times`,
      `world: ${JSON.stringify(smallest)}`,
      `packets: ${JSON.stringify(packets)}`,
      details.errorInstance instanceof Error ? details.errorInstance.message : '',
    ].join('\n'),
    { cause: details.errorInstance },
  );
}
