/**
 * How a driver ends: quickly, with whatever it was doing, and never by taking away what is in force. And who may write when a
 * driver outlives its Felix.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.js';
import { readSource } from '../../src/lab/replay/source.js';
import { recordingNamed } from '../support/recordings.js';
import { applied, Felix, nodeEnvironment } from './felix.js';
import { debugging, dumpOf, inScene, type Scene } from './programs.js';

const FOLDER = recordingNamed('head/hello').folder;
const FRAMES = readSource(FOLDER).streams[0]?.frames ?? [];
const START = readSource(FOLDER, 'start').streams[0]?.frames ?? [];
const GONE_MS_MAX = 4_000;

interface Place {
  readonly address: string;
  readonly stateDir: string;
  felix(environment?: Readonly<Record<string, string>>): Promise<Felix>;
}

async function place(scene: Scene): Promise<Place> {
  const { address } = await scene.xpu();
  const stateDir = scene.path('state');
  return {
    address,
    stateDir,
    felix: (more = {}) =>
      Felix.start({ stateDir, environment: { ...nodeEnvironment(stateDir, address), ...more } }),
  };
}

async function goneAfterMs(felix: Felix, how: () => void): Promise<number> {
  const begin = systemClock.monotonic();
  how();
  await felix.driver.ended;
  return systemClock.monotonic() - begin;
}

/** Changing calls that the XPU has seen. */
function writesSeen(address: string): Promise<number> {
  return debugging(address, async (debug) =>
    Object.entries((await debug.stats()).calls)
      .filter(([path]) => /\/(Create|Update|Delete|Apply|Upload)/.test(path))
      .reduce((sum, [, count]) => sum + count, 0),
  );
}

describe('the end of a driver', function () {
  this.timeout(120_000);

  const ways: [string, (felix: Felix) => void][] = [
    ['SIGTERM', (felix) => felix.driver.kill('SIGTERM')],
    ['end of Felix without a signal', (felix) => felix.driver.closePipes()],
  ];
  for (const [name, end] of ways) {
    it(
      `${name}: gone in time, nothing flushed, at rest and with calls under way`,
      inScene(async (scene) => {
        const { address, stateDir, felix } = await place(scene);
        const first = await felix();
        await first.play(START);
        await applied(stateDir, START.length);
        const dump = await dumpOf(address);
        expect(await goneAfterMs(first, () => end(first))).to.be.lessThan(GONE_MS_MAX);
        expect(await first.driver.ended).to.deep.equal({ code: 0, signal: null });
        expect(await dumpOf(address)).to.equal(dump);

        await debugging(address, (debug) =>
          debug.injectFailure({ method: '*', skip: 5, count: -1, code: 0, delayMs: 3_600_000 }),
        );
        const second = await felix();
        await second.play(FRAMES);
        await delay(500);
        expect(await goneAfterMs(second, () => end(second))).to.be.lessThan(GONE_MS_MAX);
        expect(await dumpOf(address)).to.equal(dump);
      }),
    );
  }

  it(
    'a hostile length ends the driver, telling offset, length and sequence number',
    inScene(async (scene) => {
      const { address, stateDir, felix } = await place(scene);
      const driver = await felix();
      await driver.play(START);
      await applied(stateDir, START.length);
      const dump = await dumpOf(address);
      driver.driver.toDriver.write(Buffer.alloc(8, 0xff));
      const { code } = await driver.driver.ended;
      expect(code).to.equal(1);
      const offset = START.reduce((sum, { body }) => sum + 8 + body.length, 0);
      expect(driver.output).to.contain(String(offset)).and.contain('18446744073709551615');
      expect(await dumpOf(address)).to.equal(dump);
    }),
  );

  it(
    'a left-over driver that still runs is the only one to write',
    inScene(async (scene) => {
      const { address, felix } = await place(scene);
      const old = scene.path('old-state');
      const leftOver = await felix({ FELIX_XPUSTATEDIR: old });
      await leftOver.play(START);
      await applied(old, START.length);
      leftOver.driver.kill('SIGSTOP');
      try {
        leftOver.driver.closePipes();
        const own = scene.path('new-state');
        const successor = await felix({ FELIX_XPUSTATEDIR: own });
        const writes = await writesSeen(address);
        await successor.play(FRAMES);
        await delay(1_500);
        expect(await writesSeen(address), 'writes while the other may write').to.equal(writes);
        // It wakes, sees that its Felix is gone, and goes.
        leftOver.driver.kill('SIGCONT');
        expect(await leftOver.driver.ended).to.deep.equal({ code: 0, signal: null });
        await applied(own, FRAMES.length);
        expect(await writesSeen(address)).to.be.greaterThan(writes);
        await successor.stop();
      } finally {
        leftOver.driver.kill('SIGKILL');
      }
    }),
  );
});
