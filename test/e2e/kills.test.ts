/**
 * Whoever is killed, wherever: the XPU ends as if nothing had happened. Drivers are killed at a random point of the stream and
 * a random call to the XPU, then a new one takes over what it finds; the XPU is killed at a random call of a living driver and
 * comes back empty. The state in the end is compared, by id and spec, with that of an undisturbed replay.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { TimedFrame } from '../../src/felix-sim/player.js';
import { readSource } from '../../src/lab/replay/source.js';
import type { XpuProcess } from '../../src/lab/xpu-process.js';
import { recordingNamed } from '../support/recordings.js';
import { Chance, seedOfRun } from '../support/chance.js';
import { applied, eventually, Felix, nodeEnvironment } from './felix.js';
import {
  ALL_TRAITS,
  debugging,
  dumpOf,
  NATIVE,
  Scene,
  traitsText,
  type XpuTraits,
} from './programs.js';

const LONG = process.env['CALICO_XPU_LONG'] === '1';
const DRIVER_KILLS = LONG ? 12 : 5;
const XPU_KILLS = LONG ? 6 : 3;
const SEED = seedOfRun();
const PLAIN_REFERENCE: XpuTraits = { target: 'plain', flattened: false, mode: 'reference' };
/** A call that waits this long waits until somebody is killed. */
const FOREVER_MS = 3_600_000;

const NAMES = [
  'head/hello',
  'head/host-fuzz-3',
  'head/tiers',
  'head/vxlan-hep',
  'v3.26.5/host-endpoints',
];

/** The long run takes every recording here on every kind of XPU. */
const STORIES = LONG
  ? NAMES.flatMap((name) => ALL_TRAITS.map((traits) => ({ name, traits })))
  : [
      { name: 'head/hello', traits: NATIVE },
      { name: 'head/host-fuzz-3', traits: PLAIN_REFERENCE },
    ];

describe(`SIGKILL, seed ${SEED}`, function () {
  this.timeout(LONG ? 600_000 : 120_000);

  STORIES.forEach(({ name, traits }, index) => {
    const title = `${name} on ${traitsText(traits)}`;
    const stage = (): Stage => new Stage(name, traits, new Chance(SEED + index));

    it(`${title}: the driver, ${DRIVER_KILLS} times`, () =>
      stage().run(async (on) => {
        for (let kill = 0; kill < DRIVER_KILLS; kill++) await on.killedDriver();
        const felix = await on.felix();
        await felix.play(on.frames);
        await applied(on.stateDir, on.frames.length);
        expect(await dumpOf(on.address), 'state').to.equal(await on.undisturbed());
        await felix.stop();
      }));

    it(`${title}: the XPU, ${XPU_KILLS} times`, () =>
      stage().run(async (on) => {
        const felix = await on.felix();
        let played = 0;
        for (let kill = 0; kill < XPU_KILLS; kill++) {
          const until = played + on.chance.below(on.frames.length - played + 1);
          await on.holdCalls();
          await felix.play(on.frames.slice(played, until));
          played = until;
          await delay(on.chance.below(400));
          await on.restartXpu();
        }
        await felix.play(on.frames.slice(played));
        await applied(on.stateDir, on.frames.length);
        const wanted = await on.undisturbed();
        // The XPU may have died after it acknowledged everything: the driver looks every other second.
        await eventually(
          () => dumpOf(on.address),
          (dump) => dump === wanted,
        );
        await felix.stop();
      }));
  });
});

/** One XPU, one state folder, one recording. */
class Stage {
  readonly chance: Chance;
  readonly frames: readonly TimedFrame[];
  readonly stateDir: string;
  private readonly scene = new Scene();
  private readonly traits: XpuTraits;
  private readonly calls: number;
  private xpu: XpuProcess | undefined;

  constructor(name: string, traits: XpuTraits, chance: Chance) {
    const [stream] = readSource(recordingNamed(name).folder).streams;
    this.frames = stream?.frames ?? [];
    this.traits = traits;
    this.chance = chance;
    this.stateDir = this.scene.path('state');
    // About as many as a whole replay takes, so that some kills come after the last one.
    this.calls = this.frames.length;
  }

  /** Runs one test. */
  async run(test: (stage: Stage) => Promise<void>): Promise<void> {
    try {
      this.xpu = await this.scene.xpu(this.traits);
      await test(this);
    } finally {
      await this.scene.end();
    }
  }

  get address(): string {
    if (this.xpu === undefined) throw new Error('no XPU');
    return this.xpu.address;
  }

  felix(): Promise<Felix> {
    const { stateDir } = this;
    return Felix.start({ stateDir, environment: nodeEnvironment(stateDir, this.address) });
  }

  /** Plays a random part at a new driver and kills it in the middle of its calls, or after a random time without any. */
  async killedDriver(): Promise<void> {
    const held = await this.holdCalls();
    const felix = await this.felix();
    const until = 1 + this.chance.below(this.frames.length);
    await felix.play(this.frames.slice(0, until));
    const patience = 300 + this.chance.below(1_500);
    const deadline = Date.now() + patience;
    while (Date.now() < deadline && (await this.callsSeen()) < held) await delay(10);
    await felix.kill();
    await debugging(this.address, (debug) => debug.clearFailures());
  }

  /** From a random call on, none is answered. Gives the count at which that begins. */
  async holdCalls(): Promise<number> {
    const skip = this.chance.below(this.calls);
    await debugging(this.address, (debug) =>
      debug.injectFailure({ method: '*', skip, count: -1, code: 0, delayMs: FOREVER_MS }),
    );
    return (await this.callsSeen()) + skip + 1;
  }

  /** The XPU dies and is back after a while, with nothing in it. */
  async restartXpu(): Promise<void> {
    const { address } = this;
    if (this.xpu !== undefined) await this.scene.endXpu(this.xpu, 'SIGKILL');
    await delay(this.chance.below(300));
    this.xpu = await this.scene.xpu(this.traits, address);
  }

  /** State after a replay that nobody disturbed, on an XPU of its own. */
  async undisturbed(): Promise<string> {
    const { address } = await this.scene.xpu(this.traits);
    const stateDir = this.scene.path('state');
    const environment = nodeEnvironment(stateDir, address);
    const felix = await Felix.start({ stateDir, environment });
    await felix.play(this.frames);
    await applied(stateDir, this.frames.length);
    const dump = await dumpOf(address);
    await felix.stop();
    expect(dump).not.to.equal('');
    return dump;
  }

  private async callsSeen(): Promise<number> {
    const { calls } = await debugging(this.address, (debug) => debug.stats());
    return Object.values(calls).reduce((sum, count) => sum + count, 0);
  }
}
