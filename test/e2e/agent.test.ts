/** The resident agent behind its relays: Felix restarts, the agent dies, and the XPU keeps what it has. */
import { join } from 'node:path';
import { expect } from 'chai';
import type { AgentStatus } from '../../src/agent/status.js';
import { readSource } from '../../src/lab/replay/source.js';
import { OWN_DRIVER } from '../../src/lab/own-programs.js';
import { recordingNamed } from '../support/recordings.js';
import { applied, Felix, nodeEnvironment, statusWhere } from './felix.js';
import { dumpOf, inScene, type Scene } from './programs.js';

const ROOT = join(import.meta.dirname, '../..');
const FRAMES = readSource(recordingNamed('head/hello').folder).streams[0]?.frames ?? [];
const START = readSource(recordingNamed('head/hello').folder, 'start').streams[0]?.frames ?? [];

const RELAYS = [
  { relay: 'node relay', driverFile: OWN_DRIVER },
  { relay: 'shell relay', driverFile: join(ROOT, 'packaging/calico-xpu-relay.sh') },
];

/** An XPU and a node with its agent. */
class Node {
  readonly scene: Scene;
  readonly address: string;
  readonly stateDir: string;
  private readonly driverFile: string;
  private agent: ReturnType<Scene['start']> | undefined;

  constructor(scene: Scene, address: string, driverFile: string) {
    this.scene = scene;
    this.address = address;
    this.driverFile = driverFile;
    this.stateDir = scene.path('state');
  }

  get environment(): Record<string, string> {
    return { ...nodeEnvironment(this.stateDir, this.address), FELIX_XPUMODE: 'relay' };
  }

  startAgent(): void {
    this.agent = this.scene.start(['agent'], this.environment);
    this.agent.stdout?.resume();
    this.agent.stderr?.resume();
  }

  async endAgent(signal: NodeJS.Signals): Promise<number | null> {
    const { agent } = this;
    if (agent === undefined) throw new Error('no agent');
    const ended = new Promise<number | null>((resolve) => agent.once('close', resolve));
    agent.kill(signal);
    return await ended;
  }

  felix(): Promise<Felix> {
    const { driverFile, stateDir, environment } = this;
    return Felix.start({ driverFile, stateDir, environment });
  }

  applied(frames: number, session: number): Promise<AgentStatus> {
    return applied(this.stateDir, frames, session);
  }
}

describe('agent and relay', function () {
  this.timeout(120_000);

  for (const { relay, driverFile } of RELAYS) {
    it(
      `${relay}: a restarted Felix that says the same causes no write`,
      inScene(async (scene) => {
        const node = new Node(scene, (await scene.xpu()).address, driverFile);
        // Felix may well be there before the agent.
        const first = await node.felix();
        const playing = first.play(FRAMES);
        node.startAgent();
        await playing;
        const before = await node.applied(FRAMES.length, 1);
        const dump = await dumpOf(node.address);
        expect(before.xpu.writes).to.be.greaterThan(0);
        expect(first.listener.statuses.size).to.be.greaterThan(0);
        expect(await first.stop(), 'milliseconds until the relay was gone').to.be.lessThan(4_000);
        await statusWhere(node.stateDir, ({ felix }) => !felix.connected);
        expect(await dumpOf(node.address), 'nothing is flushed').to.equal(dump);

        const second = await node.felix();
        await second.play(FRAMES);
        const after = await node.applied(FRAMES.length, 2);
        expect(after.xpu.writes).to.equal(before.xpu.writes);
        expect(await dumpOf(node.address)).to.equal(dump);
        await statusWhere(
          node.stateDir,
          () => second.listener.statuses.size === first.listener.statuses.size,
        );
        await second.stop();
        expect(await node.endAgent('SIGTERM')).to.equal(0);
        expect(await dumpOf(node.address)).to.equal(dump);
      }),
    );

    it(
      `${relay}: a killed agent ends the relay; its successor adopts, and goes on`,
      inScene(async (scene) => {
        const node = new Node(scene, (await scene.xpu()).address, driverFile);
        node.startAgent();
        const first = await node.felix();
        await first.play(START);
        await node.applied(START.length, 1);
        const dump = await dumpOf(node.address);
        await node.endAgent('SIGKILL');
        // The relay ends by itself, so that Felix starts over.
        expect(await first.driver.ended).to.deep.equal({ code: 1, signal: null });
        first.driver.closePipes();

        node.startAgent();
        const second = await node.felix();
        await second.play(START);
        const { xpu } = await node.applied(START.length, 1);
        expect(xpu.writes, 'all is there already').to.equal(0);
        expect(await dumpOf(node.address)).to.equal(dump);
        await second.play(FRAMES.slice(START.length));
        await node.applied(FRAMES.length, 1);
        expect(await dumpOf(node.address)).not.to.equal(dump);
        await second.stop();
      }),
    );
  }

  it(
    'a stream that cannot be read is refused; the agent lives, and so does what the XPU has',
    inScene(async (scene) => {
      const node = new Node(scene, (await scene.xpu()).address, OWN_DRIVER);
      node.startAgent();
      const first = await node.felix();
      await first.play(START);
      await node.applied(START.length, 1);
      const dump = await dumpOf(node.address);
      first.driver.toDriver.write(Buffer.alloc(64, 0xff));
      expect(await first.driver.ended).to.deep.equal({ code: 1, signal: null });
      first.driver.closePipes();
      await statusWhere(node.stateDir, ({ felix }) => !felix.connected);
      expect(await dumpOf(node.address)).to.equal(dump);
      const second = await node.felix();
      await second.play(START);
      await node.applied(START.length, 2);
      await second.stop();
    }),
  );
});
