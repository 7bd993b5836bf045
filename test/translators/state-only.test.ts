/** The plan depends on the wanted state alone: whatever the order, the splits, the repeats and the detours. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { DesiredState, IpSet } from '../../src/desired/state.js';
import type { Delta } from '../../src/model/delta.js';
import { config, delta, overlayDelta } from './support/arbitraries.js';
import { NATIVE, PLAIN, Player, SETTINGS } from './support/play.js';

const isLong = process.env['CALICO_XPU_LONG'] === '1';
const SECONDS_MAX = isLong ? Number(process.env['CALICO_XPU_LONG_SECONDS'] ?? 600) : 2;
const SEED = process.env['CALICO_XPU_SEED'];

/** What happens behind a change. */
const AFTERWARDS = fc.constantFrom('nothing', 'flush', 'flush', 'repeat', 'restart');

/** Changes of everything, and of the overlay alone, where more of them meet each other. */
const CHANGES = {
  everything: delta,
  overlay: fc.oneof({ weight: 9, arbitrary: overlayDelta }, config),
};

describe('the plan depends on the state alone', () => {
  for (const [target, what] of [
    [NATIVE, 'everything'],
    [PLAIN, 'everything'],
    [NATIVE, 'overlay'],
  ] as const) {
    const delta = CHANGES[what];
    const step = fc.record({ delta, then: AFTERWARDS });

    it(`${target.level}, ${what}: incremental = full, over random changes`, function () {
      this.timeout(SECONDS_MAX * 4000 + 20_000);
      const property = fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const player = new Player(SETTINGS, target).session({ type: 'in-sync' });
        for (const { delta: change, then } of steps) {
          player.fold(change);
          if (then === 'repeat') player.fold(change);
          if (then === 'restart') restart(player);
          if (then !== 'nothing') player.flush();
        }
        player.flush();
        player.check();
      });
      fc.assert(property, timeBox());
    });

    it(`${target.level}, ${what}: the same state by another way gives the same plan`, function () {
      this.timeout(SECONDS_MAX * 4000 + 20_000);
      const property = fc.property(
        fc.array(delta, { maxLength: 25 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (deltas, random) => {
          const first = new Player(SETTINGS, target).session(...deltas, { type: 'in-sync' });
          first.flush();
          const again = new Player(SETTINGS, target).session({ type: 'in-sync' });
          if (first.store.state === undefined) return;
          const told = tell(first.store.state);
          for (const changes of shuffle(told, () => random.next().value as number)) {
            again.fold(...changes);
            again.flush();
          }
          again.flush();
          expect(again.dump()).to.equal(first.dump());
        },
      );
      fc.assert(property, timeBox());
    });
  }
});

/** A failure prints its seed; `CALICO_XPU_SEED` repeats it. */
function timeBox() {
  return {
    interruptAfterTimeLimit: SECONDS_MAX * 1000,
    numRuns: isLong ? Number.MAX_SAFE_INTEGER : 2000,
    ...(SEED === undefined ? {} : { seed: Number(SEED) }),
  };
}

/** Felix restarts and tells the whole state again. */
function restart(player: Player): void {
  const { state } = player.store;
  if (state !== undefined) player.session(...tell(state).flat(), { type: 'in-sync' });
}

/** Deltas that tell a state, in groups whose inner order matters: a set comes empty and is filled by two deltas. */
function tell(state: DesiredState): Delta[][] {
  const values = <T>(map: ReadonlyMap<unknown, T>): T[] => [...map.values()];
  const single: Delta[] = [
    { type: 'config', values: state.config },
    ...values(state.policies).map((policy): Delta => ({ type: 'policy', policy })),
    ...values(state.profiles).map((profile): Delta => ({ type: 'profile', profile })),
    ...values(state.workloads).map((endpoint): Delta => ({ type: 'workload', endpoint })),
    ...values(state.hostEndpoints).map((endpoint): Delta => ({ type: 'host-endpoint', endpoint })),
    ...values(state.vteps).map((vtep): Delta => ({ type: 'vtep', vtep })),
    ...values(state.routes).map((route): Delta => ({ type: 'route', route })),
    ...values(state.pools).map((pool): Delta => ({ type: 'pool', pool })),
    ...[...state.wireguard].map(([key, peer]): Delta => {
      return { type: 'wireguard', family: key.startsWith('4/') ? 4 : 6, peer };
    }),
    ...(state.encapsulation === undefined
      ? []
      : [{ type: 'encapsulation', encapsulation: state.encapsulation } as const]),
    ...values(state.hosts).map((metadata): Delta => ({
      type: 'host-metadata',
      scope: 'all',
      metadata,
    })),
  ];
  return [...single.map((delta) => [delta]), ...values(state.ipSets).map(fill)];
}

function fill({ id, type, members }: IpSet): Delta[] {
  const texts = [...members];
  const half = texts.length >> 1;
  return [
    { type: 'ip-set', id, setType: type, members: [] },
    { type: 'ip-set-delta', id, added: texts.slice(0, half), removed: [] },
    { type: 'ip-set-delta', id, added: texts.slice(half), removed: [] },
  ];
}

function shuffle<T>(values: readonly T[], random: () => number): T[] {
  const keyed = values.map((value) => ({ value, at: random() }));
  return keyed.sort((a, b) => a.at - b.at).map(({ value }) => value);
}
