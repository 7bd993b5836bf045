/**
 * One node with a busy policy: namespaces, soft-xpu with the kernel as its data plane, a driver started as Felix does, and the
 * Felix that tells it every change. `open` makes all of it; `close`, however that ended, ends and removes it.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentStatus } from '../../../src/agent/status.js';
import { commandsIn } from '../../../src/lab/nodes/kernel.js';
import { MARK_VARIABLE } from '../../../src/lab/nodes/names.js';
import { runName, UPLINK_INTERFACE, VerdictNet } from '../../../src/lab/verdicts/verdict-net.js';
import { XpuProcess } from '../../../src/lab/xpu-process.js';
import { namespaceFile } from '../../../src/netlink/netns.js';
import { connectOpiTarget } from '../../../src/opi/client/target.js';
import { Kernel } from '../../../src/soft-xpu/linux/kernel.js';
import { readTablePosition } from '../../../src/soft-xpu/linux/observe.js';
import { ADDRESSES } from '../../support/felix/world.js';
import { frameOf, type Message } from '../../support/felix/wire.js';
import type { Chance } from '../../support/chance.js';
import type { Flow } from '../../support/traffic/flow.js';
import { Traffic } from '../../support/traffic/traffic.js';
import { applied, Felix, nodeEnvironment } from '../felix.js';
import { dumpOf, outcomeOf, Scene } from '../programs.js';
import { BusyNode } from './busy-world.js';

/** Longest wait for what was told to be in force. */
const APPLIED_MS_MAX = 60_000;
/** What a monitor needs to begin, and to tell what has happened. */
const WATCH_MS = 300;

/** See the file head. */
export class LinuxStage {
  readonly busy: BusyNode;
  readonly scene = new Scene();
  private readonly run = runName();
  private readonly net = new VerdictNet(this.run, 'node-a');
  private readonly stateDir = this.scene.path('driver');
  private readonly xpuStateDir = this.scene.path('xpu');
  private readonly traffics: Traffic[] = [];
  private xpu: XpuProcess | undefined;
  private felix: Felix | undefined;
  private told = 0;

  constructor(chance: Chance) {
    this.busy = new BusyNode(chance);
  }

  /** Where the XPU serves. */
  readonly address = `unix:${this.scene.path('opi.sock')}`;

  /** Starts the soft-xpu: the first, or after the end of another. */
  async startXpu(): Promise<void> {
    this.xpu = await XpuProcess.start({
      listen: this.address,
      mode: 'strict',
      target: 'native',
      flattened: false,
      linux: {
        netns: this.net.xpu,
        hostNetns: this.net.outside,
        uplink: UPLINK_INTERFACE,
        stateDir: this.xpuStateDir,
      },
      environment: this.environment,
    });
  }

  /** SIGKILL. */
  async killXpu(): Promise<void> {
    await this.xpu?.stop('SIGKILL');
    this.xpu = undefined;
  }

  /** A Felix with a new driver tells the whole world as it is now. */
  async startFelix(): Promise<void> {
    const { stateDir, address } = this;
    const environment = { ...nodeEnvironment(stateDir, address), ...this.environment };
    this.felix = await Felix.start({ stateDir, environment });
    this.told = 0;
    await this.tell(this.busy.session());
  }

  /** SIGKILL for the driver; Felix ends with it. */
  async killDriver(): Promise<void> {
    await this.felix?.kill();
    this.felix = undefined;
  }

  /** Felix dies without a word to its driver, which ends by itself. */
  async loseFelix(): Promise<void> {
    this.felix?.driver.closePipes();
    await this.felix?.driver.ended;
    this.felix = undefined;
  }

  /** Ids of the drivers that have this XPU, whoever started them. */
  drivers(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && environmentOf(pid).includes(this.address));
  }

  /** Tells what changed. */
  async tell(messages: readonly Message[]): Promise<void> {
    const frames = messages.map((message) => ({
      body: frameOf(message, this.told++),
      atMs: 0,
    }));
    await this.felix?.play(frames);
  }

  /** Waits until everything told is in force, and gives the driver's status. */
  settled(): Promise<AgentStatus> {
    return applied(this.stateDir, this.told, 1, APPLIED_MS_MAX);
  }

  /** Tells so many changes, evenly in time, or fewer if `isOver` says so. Gives the messages told. */
  async changes(count: number, perSecond: number, isOver = () => false): Promise<number> {
    const begin = performance.now();
    let messages = 0;
    for (let number = 0; number < count && !isOver(); number++) {
      const change = this.busy.change();
      messages += change.length;
      await this.tell(change);
      const early = begin + ((number + 1) * 1000) / perSecond - performance.now();
      if (early > 1) await delay(early);
    }
    return messages;
  }

  /** Flows through this node. */
  traffic(flows: readonly Flow[]): Traffic {
    const traffic = new Traffic(this.busy.chance.below(2 ** 32), {
      netns: this.net.outside,
      flows,
      macBehind: (ifname) => this.net.macBehind(ifname),
    });
    this.traffics.push(traffic);
    return traffic;
  }

  /** Number of the ruleset that the kernel has. */
  position(): Promise<number | undefined> {
    return readTablePosition(this.kernel());
  }

  /** Every change of ruleset, links, addresses, routes and rules that the kernel tells of while `action` runs. */
  async kernelChanges(action: () => Promise<void>): Promise<string> {
    const programs = [
      ['nft', 'monitor'],
      ['ip', 'monitor', 'link', 'address', 'route', 'rule'],
    ];
    const enter = `--net=${namespaceFile(this.net.xpu)}`;
    const watches = programs.map((argv) => spawn('nsenter', [enter, ...argv]));
    try {
      const told = watches.map(outcomeOf);
      await delay(WATCH_MS);
      await action();
      await delay(WATCH_MS);
      for (const watch of watches) watch.kill('SIGTERM');
      return (await Promise.all(told)).map(({ stdout, stderr }) => stdout + stderr).join('');
    } finally {
      for (const watch of watches) watch.kill('SIGKILL');
    }
  }

  /** Boot id that the XPU tells. */
  async bootId(): Promise<string | undefined> {
    const target = connectOpiTarget({ address: this.address });
    try {
      return (await target.probe()).bootId;
    } finally {
      await target.close();
    }
  }

  /** State of the XPU. */
  dump(): Promise<string> {
    return dumpOf(this.address);
  }

  /** State of another XPU, in memory, that was told the world as it is now and nothing before. */
  async undisturbed(): Promise<string> {
    const { address } = await this.scene.xpu();
    const stateDir = this.scene.path('other');
    const felix = await Felix.start({ stateDir, environment: nodeEnvironment(stateDir, address) });
    const messages = this.busy.session();
    await felix.play(messages.map((message, at) => ({ body: frameOf(message, at), atMs: 0 })));
    await applied(stateDir, messages.length);
    const dump = await dumpOf(address);
    await felix.stop();
    return dump;
  }

  private get environment(): Record<string, string> {
    return { [MARK_VARIABLE]: this.run, TMPDIR: this.scene.folder };
  }

  private kernel(): Kernel {
    const { xpu, outside } = this.net;
    return new Kernel({ netns: namespaceFile(xpu), hostNetns: namespaceFile(outside) });
  }

  /** Makes everything. Call `close` however it ends. */
  async open(): Promise<void> {
    await this.net.build();
    await this.startXpu();
    await this.startFelix();
    await this.settled();
    await this.net.bringUp();
    // Whoever sends to the node is answered where it is: at the other end of the host port.
    await commandsIn(this.net.outside, [`addr add ${ADDRESSES.host[0]}/32 dev host0`]);
  }

  /** Ends and removes everything. */
  async close(): Promise<void> {
    for (const traffic of this.traffics) traffic.close();
    try {
      await this.felix?.kill();
      await this.killXpu();
      await this.scene.end();
    } finally {
      await this.net.remove();
    }
  }
}

/** Empty for a process that is gone. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
