/** Every stream of real Felix through store and translator: stable, whole, and the same by every route. */
import { expect } from 'chai';
import { allRecordings, copiedRecordings } from '../support/recordings.js';
import { NATIVE, PLAIN, Player, recordedFrames, SETTINGS } from './support/play.js';

describe('translation of recordings', () => {
  const targets = [
    ...allRecordings().map((recording) => ({ ...recording, target: NATIVE })),
    ...copiedRecordings().map((recording) => ({ ...recording, target: PLAIN })),
  ];
  for (const { name, streams, steps, target } of targets) {
    const title = `${name}, ${target.level}`;
    it(`${title}: incremental = full after every step, no dangling reference`, function () {
      this.timeout(60_000);
      const player = new Player(SETTINGS, target);
      streams.forEach((file, stream) => {
        const stops = new Set(steps.map(({ frames }) => frames[stream] ?? 0));
        player.session();
        recordedFrames(file).forEach((deltas, index) => {
          player.fold(...deltas);
          if (target === NATIVE) player.flush();
          if (!stops.has(index + 1)) return;
          player.flush();
          player.check();
        });
        player.flush();
        player.check();
      });
      expect(player.store.problems.counts().size).to.equal(0);
      expect(player.objects.size).to.be.greaterThan(0);
    });

    it(`${title}: a session that says the same again changes nothing`, function () {
      this.timeout(60_000);
      const player = new Player(SETTINGS, target);
      const last = recordedFrames(streams.at(-1)!);
      for (let round = 0; round < 2; round++) {
        player.session(...last.flat());
        const delta = player.flush();
        const { upserts, removals, members } = delta!;
        const changes = upserts.length + removals.length + members.length;
        expect(changes === 0, `round ${round}: ${changes} changes`).to.equal(round === 1);
      }
    });
  }
});
