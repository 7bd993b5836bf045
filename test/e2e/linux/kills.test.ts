/**
 * Whoever is killed while packets flow and policy changes: what is allowed goes on, nothing opens, and afterwards the XPU has
 * what an undisturbed one has, without a write that was not needed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Chance, seedOfRun } from '../../support/chance.js';
import { needs } from '../../support/root.js';
import { expectUnharmed, reportText } from '../../support/traffic/judge.js';
import type { Traffic, TrafficReport } from '../../support/traffic/traffic.js';
import { eventually } from '../felix.js';
import type { Scene } from '../programs.js';
import { busyFlows } from './busy-flows.js';
import { LinuxStage } from './linux-stage.js';
import { writeRecording } from './recording.js';

const LONG = process.env['CALICO_XPU_LONG'] === '1';
const KILLS = LONG ? 12 : 2;
const CHANGES_PER_SECOND = 100;
/** A kill comes at most this long after changes have begun. */
const KILL_MS_MAX = LONG ? 2_500 : 1_000;
const CONTROL_MS = LONG ? 20_000 : 3_000;
const SEED = seedOfRun();

describe(`linux data plane: SIGKILL under traffic, seed ${SEED}`, function () {
  this.timeout(LONG ? 600_000 : 120_000);
  let stage: LinuxStage;
  let traffic: Traffic;
  let control: TrafficReport;
  before(needs('root', 'nft', 'ip', 'conntrack', 'sysctl', 'nsenter'));
  before(async () => {
    stage = new LinuxStage(new Chance(SEED));
    await stage.open();
    traffic = stage.traffic(busyFlows());
    control = await traffic.during(() => delay(CONTROL_MS));
    console.log(`      control: ${reportText(control)}`);
  });
  after(() => stage?.close());

  /** Runs `action` under traffic, which it must not harm. */
  async function unharmed(action: () => Promise<void>): Promise<void> {
    const report = await traffic.during(action);
    console.log(`      ${reportText(report)}`);
    expectUnharmed(report, control);
  }

  async function expectUndisturbed(): Promise<void> {
    const wanted = await stage.undisturbed();
    await eventually(
      () => stage.dump(),
      (dump) => dump === wanted,
    );
  }

  /** A random moment while policy changes. */
  function moment(): Promise<void> {
    return delay(stage.busy.chance.below(KILL_MS_MAX));
  }

  it('soft-xpu that is in step takes over, and writes nothing', () =>
    unharmed(async () => {
      const before = [await stage.bootId(), await stage.position(), await stage.dump()];
      const told = await stage.kernelChanges(async () => {
        await stage.killXpu();
        await delay(200);
        await stage.startXpu();
      });
      expect(told, 'changes in the kernel').to.equal('');
      const after = [await stage.bootId(), await stage.position(), await stage.dump()];
      expect(after).to.deep.equal(before);
    }));

  it(`soft-xpu, ${KILLS} times while policy changes`, async () => {
    const bootId = await stage.bootId();
    await unharmed(async () => {
      await whileChanging(async () => {
        for (let kill = 0; kill < KILLS; kill++) {
          await moment();
          await stage.killXpu();
          await delay(stage.busy.chance.below(300));
          await stage.startXpu();
        }
      });
      await stage.settled();
    });
    await expectUndisturbed();
    expect(await stage.bootId()).to.equal(bootId);
  });

  it(`the driver and Felix, ${KILLS} times each while policy changes`, async () => {
    await unharmed(async () => {
      for (let kill = 0; kill < 2 * KILLS; kill++) {
        await whileChanging(async () => {
          await moment();
          // A driver whose Felix is gone ends by itself.
          await (kill % 2 === 0 ? stage.killDriver() : stage.loseFelix());
        });
        missed(10);
        await stage.startFelix();
      }
      await stage.settled();
    });
    await expectUndisturbed();
  });

  it('a driver that starts again when nothing changed writes nothing', () =>
    unharmed(async () => {
      const position = await stage.position();
      await stage.killDriver();
      await stage.startFelix();
      expect((await stage.settled()).xpu.writes, 'writes').to.equal(0);
      expect(await stage.position()).to.equal(position);
    }));

  it(`felix-sim, ${KILLS} times in the middle of a recording`, async () => {
    await stage.killDriver();
    await unharmed(async () => {
      for (let kill = 0; kill < KILLS; kill++) await killedReplay(stage.scene);
      const folder = stage.scene.path('final');
      writeRecording(folder, stage.busy.session());
      await stage.scene.replay(folder, ['--xpu', stage.address], { TMPDIR: stage.scene.folder });
    });
    await expectUndisturbed();
  });

  /** Does something while changes are told. */
  async function whileChanging(action: () => Promise<void>): Promise<void> {
    let over = false;
    const changing = stage.changes(Infinity, CHANGES_PER_SECOND, () => over);
    await action().finally(() => (over = true));
    await changing;
  }

  /** Changes that nobody tells. */
  function missed(count: number): void {
    for (let number = 0; number < count; number++) stage.busy.change();
  }

  /** Plays a session and changes after it, and dies somewhere in it; its driver ends by itself. */
  async function killedReplay(scene: Scene): Promise<void> {
    const folder = scene.path('changing');
    const session = stage.busy.session();
    const changes = Array.from({ length: 100 }, () => stage.busy.change());
    writeRecording(folder, session, changes, 1000 / CHANGES_PER_SECOND);
    const args = ['felix-sim', 'replay', folder, '--xpu', stage.address, '--speed', '1'];
    const sim = scene.start(args, { TMPDIR: scene.folder });
    await eventually(
      () => Promise.resolve(stage.drivers().length),
      (count) => count > 0,
    );
    await moment();
    sim.kill('SIGKILL');
    await eventually(
      () => Promise.resolve(stage.drivers().join()),
      (pids) => pids === '',
    );
  }
});
