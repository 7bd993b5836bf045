/**
 * Lists of states, each told in many ways: backwards, reordered within what Felix guarantees, with nothing in between, message
 * by message, squashed, with restarts. What stands on the XPU depends on the last state alone.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { readSource } from '../../src/lab/replay/source.js';
import { Chance, seedOfRun } from '../support/chance.js';
import { recordingNamed } from '../support/recordings.js';
import { routesThrough } from './routes.js';
import { statesOf, type StateList } from './states.js';
import { walk } from './walk.js';

const LONG = process.env['CALICO_XPU_LONG'] === '1';
const SEED = seedOfRun();

/** Recordings whose steps make a list. */
const RECORDINGS = LONG
  ? [
      ...['hello', 'matches', 'tiers', 'host-endpoints', 'overlay', 'kubernetes', 'wireguard'],
      ...['vxlan-hep', 'host-fuzz-3'],
    ].map((name) => `head/${name}`)
  : ['head/host-endpoints', 'head/overlay', 'v3.28.5/overlay', 'v3.31.7/hello'];

const STORIES = path.join(import.meta.dirname, 'stories');

const SOURCES: [string, StateList][] = [
  ...readdirSync(STORIES).map((file) => [file, path.join(STORIES, file)] as const),
  ...RECORDINGS.map((name) => [name, recordingNamed(name).folder] as const),
].map(([name, file]) => [name, statesOf(readSource(file))]);

const TARGETS = [
  { name: 'native', xpu: {} },
  { name: 'plain', xpu: { level: 'plain' as const } },
];

describe(`the same state by every way, seed ${SEED}`, function () {
  this.timeout(120_000);

  for (const [name, list] of SOURCES) {
    for (const target of TARGETS) {
      it(`${name}, ${target.name}`, async () => {
        const chance = new Chance(SEED);
        expect(list.states.length).to.be.greaterThan(1);
        const wanted = new Map<unknown, { plan: string; xpu: string }>();
        for (const route of routesThrough(list.states, chance)) {
          const end = route.visits.at(-1)!;
          if (!wanted.has(end)) {
            const straight = {
              ...route,
              visits: [end],
              within: 'as told',
              restarts: false,
            } as const;
            wanted.set(end, await walk(straight, list, target.xpu, chance));
          }
          const { plan, xpu, problems, idleWrites } = await walk(route, list, target.xpu, chance);
          expect(plan, `${route.name}: plan`).to.equal(wanted.get(end)!.plan);
          expect(xpu, `${route.name}: XPU`).to.equal(wanted.get(end)!.xpu);
          expect([...problems], `${route.name}: contradictions`).to.deep.equal([]);
          expect(idleWrites, `${route.name}: writes without a change`).to.equal(0);
        }
        expect(new Set([...wanted.values()].map(({ plan }) => plan)).size).to.be.greaterThan(1);
      });
    }
  }
});
