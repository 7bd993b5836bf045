/** Test worlds told to a real driver, whose XPU is a soft-xpu with the kernel behind it, and probed with real frames. */
import { LinuxEngine } from '../../../src/lab/verdicts/linux-engine.js';
import type { ProbeVerdict } from '../../../src/lab/verdicts/engine.js';
import type { Probe } from '../../../src/lab/verdicts/probe.js';
import { frameOf, type Message } from '../../support/felix/wire.js';
import { session, type World } from '../../support/felix/world.js';
import { changesBetween } from '../../support/update-safety/changes.js';

/** With the network/k8s extension, or network/cloud alone. */
export type Level = 'native' | 'plain';

/** See the file head. Root only. Close it after use: it leaves nothing behind. */
export class KernelWorlds {
  readonly level: Level;
  private readonly engine: LinuxEngine;
  private readonly output: Buffer[] = [];
  private current: World | undefined;
  private sequence = 0;

  private constructor(target: Level) {
    this.level = target;
    this.engine = new LinuxEngine({
      node: 'node-a',
      target,
      onOutput: (chunk) => void this.output.push(chunk),
    });
  }

  /** Starts soft-xpu; no Felix yet. */
  static async open(level: Level = 'native'): Promise<KernelWorlds> {
    const worlds = new KernelWorlds(level);
    try {
      await worlds.engine.open();
      return worlds;
    } catch (error) {
      await worlds.close();
      throw error;
    }
  }

  /** A new Felix with a new driver tells a world whole. */
  async restart(world: World): Promise<void> {
    await this.engine.startSession();
    this.sequence = 0;
    await this.send(session(world));
    this.current = world;
  }

  /** The same Felix tells, in one flush, what is other than before. The first world is told by a new one. */
  async change(world: World): Promise<void> {
    if (this.current === undefined) return this.restart(world);
    await this.send(changesBetween(this.current, world));
    this.current = world;
  }

  /** Felix says more. What is then there is no world any more: the next one is told by a new Felix. */
  async tell(messages: readonly Message[]): Promise<void> {
    this.current = undefined;
    await this.send(messages);
  }

  /** What becomes of each packet, with no connection tracked. */
  judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    return this.engine.judge(probes);
  }

  /** What the driver wrote; empty where all is well. */
  driverOutput(): string {
    return Buffer.concat(this.output).toString();
  }

  /** Ends everything. */
  close(): Promise<void> {
    return this.engine.close();
  }

  private async send(messages: readonly Message[]): Promise<void> {
    await this.engine.advance(messages.map((message) => frameOf(message, this.sequence++)));
  }
}
