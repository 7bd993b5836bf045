/**
 * Every recording of real Felix, played by felix-sim at our driver and a soft-xpu, each a process of its own: on every kind of
 * XPU, to the end, and again at the same standing XPU, where nothing is left to write. What stands there afterwards depends on
 * the state alone, not on the way to it.
 *
 * The normal run takes a part; CALICO_XPU_LONG=1 takes all recordings at hand on every kind of XPU.
 */
import { expect } from 'chai';
import type { ReplayReport } from '../../src/lab/replay/report.js';
import { allRecordings, copiedRecordings, type Recording } from '../support/recordings.js';
import { ALL_TRAITS, dumpOf, Scene, traitsText, writesOf, type XpuTraits } from './programs.js';

const LONG = process.env['CALICO_XPU_LONG'] === '1';
/** Replays at once. */
const LANES = 2;

/** Normal run: each of these on one kind of XPU, so that every trait of an XPU and old and new streams have their turn. */
const SUBSET = [
  ['head/host-fuzz-3', 'native strict'],
  ['head/extras', 'native reference'],
  ['v3.26.5/host-endpoints', 'plain strict'],
  ['v3.28.5/overlay', 'plain flattened reference'],
] as const;

interface Play {
  readonly recording: Recording;
  readonly traits: XpuTraits;
}

describe('recordings, end to end', function () {
  this.timeout(LONG ? 3_600_000 : 120_000);

  for (const plays of LONG ? everything() : subset()) {
    it(titleOf(plays), async () => {
      const waiting = [...plays];
      const problems: string[] = [];
      const lane = async (): Promise<void> => {
        for (let play = waiting.shift(); play !== undefined; play = waiting.shift())
          await check(play).catch((error: unknown) => problems.push(String(error)));
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      if (problems.length > 0) throw new Error(problems.join('\n'));
    });
  }
});

/** One test for each recording. */
function everything(): Play[][] {
  return allRecordings().map((recording) =>
    ALL_TRAITS.filter((traits) => isPlayed(recording, traits)).map((traits) => ({
      recording,
      traits,
    })),
  );
}

/**
 * FLATTENED rules are the longest lists: they are played in strict mode alone. The lists of many-policies on a plain XPU have
 * millions of rules, which take minutes as COMPACT ones and most of an hour as FLATTENED ones.
 */
function isPlayed({ scenario }: Recording, { target, flattened, mode }: XpuTraits): boolean {
  if (target === 'plain' && scenario === 'many-policies') return !flattened && mode === 'strict';
  return !flattened || mode === 'strict';
}

/** One test for two recordings, which run at once. */
function subset(): Play[][] {
  const plays = SUBSET.map(([name, text]) => ({
    recording: found(copiedRecordings(), ({ name: other }) => other === name),
    traits: found(ALL_TRAITS, (traits) => traitsText(traits) === text),
  }));
  return Array.from({ length: Math.ceil(plays.length / LANES) }, (_, index) =>
    plays.slice(index * LANES, (index + 1) * LANES),
  );
}

function titleOf(plays: readonly Play[]): string {
  const texts = plays.map(({ recording, traits }) => `${recording.name} on ${traitsText(traits)}`);
  return LONG ? `${plays[0]?.recording.name} on every kind of XPU` : texts.join(', ');
}

function found<T>(list: readonly T[], matches: (item: T) => boolean): T {
  const item = list.find(matches);
  if (item === undefined) throw new Error('the subset names something that is not there');
  return item;
}

/** One standing XPU: the start twice, everything, the final state alone. Then an empty one: the final state alone. */
async function check({ recording, traits }: Play): Promise<void> {
  const scene = new Scene();
  const where = `${recording.name} on ${traitsText(traits)}`;
  const play = (address: string, ...more: string[]): Promise<ReplayReport> =>
    scene.replay(recording.folder, [...placeArguments(address, traits), ...more]);
  // As lists of network/cloud its policies have millions of rules: minutes for each replay.
  const brief = recording.scenario === 'many-policies' && traits.target === 'plain';
  try {
    const { address } = await scene.xpu(traits);
    if (!brief) {
      const until = ['--until', recording.steps[0]?.step ?? 'start'];
      expect(writesOf(await play(address, ...until)), where).to.be.greaterThan(0);
      expect(writesOf(await play(address, ...until)), `${where}: start`).to.equal(0);
    }
    await play(address);
    const again = await play(address, '--final');
    expect(again.steps, where).to.deep.equal([{ name: 'final', writes: 0 }]);
    if (brief) return;
    const dump = await dumpOf(address);
    const { address: empty } = await scene.xpu(traits);
    await play(empty, '--final');
    expect((await dumpOf(empty)).split('\n'), where).to.deep.equal(dump.split('\n'));
  } finally {
    await scene.end();
  }
}

function placeArguments(address: string, { target, flattened }: XpuTraits): string[] {
  return ['--xpu', address, '--target', target, ...(flattened ? ['--flattened'] : [])];
}
