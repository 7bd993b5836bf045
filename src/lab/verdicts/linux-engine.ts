/**
 * The engine of real packets: driver, OPI over gRPC, and a soft-xpu whose data plane is the kernel. Every probe is a frame
 * at the place it comes from, and the verdict is where it comes out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { errorText, InternalError } from '../../base/errors.js';
import { removeLabFiles } from '../nodes/lab-files.js';
import { labPaths, MARK_VARIABLE } from '../nodes/names.js';
import {
  PacketProbe,
  PacketProbeError,
  type ProbeOutcome,
  type ProbeSend,
} from '../packets/packet-probe.js';
import type { ProbeVerdict, VerdictEngine } from './engine.js';
import { neighboursOf } from './neighbours.js';
import { NodeProcesses } from './node-processes.js';
import { reasonsFor } from './port-reasons.js';
import { connectionKeys, disjointBatches } from './probe-batches.js';
import { HOST_INTERFACE, ProbePlaces, WIRE_INTERFACE } from './probe-frames.js';
import type { Probe } from './probe.js';
import { walkProbe } from './process-engine.js';
import { runName, UPLINK_INTERFACE, VerdictNet } from './verdict-net.js';

/** How the engine is made. */
export interface LinuxEngineOptions {
  /** Node that the recording was made on. */
  readonly node: string;
  /** API level of the XPU; default `native`. */
  readonly target?: 'native' | 'plain';
  /** Output of the driver. */
  readonly onOutput: (chunk: Buffer) => void;
}

/** Frames under way together: far less than a CPU's backlog holds. */
const BATCH_MAX = 400;
/** Probes that are sent a last time, each alone. */
const ALONE_MAX = 200;
/** Times that a batch is sent anew because frames were lost on this machine. */
const DROPPED_TRIES = 8;
const DROPPED_PAUSE_MS = 100;
/** After the last batch this long without a frame, and none is on its way any more. */
const LATE_MS = 60;

/** One probe and what became of it, as often as it was sent. */
interface Task {
  readonly probe: Probe;
  readonly send: ProbeSend;
  readonly keys: readonly string[];
  readonly outcomes: ProbeOutcome[];
}

/** See the file head. Root only. `open` comes first; `close` may be called at any time, and leaves nothing behind. */
export class LinuxEngine implements VerdictEngine {
  private readonly options: LinuxEngineOptions;
  private readonly run = runName();
  private readonly net: VerdictNet;
  private processes: NodeProcesses | undefined;
  private packets: PacketProbe | undefined;
  private places: ProbePlaces | undefined;
  private current: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  constructor(options: LinuxEngineOptions) {
    this.options = options;
    this.net = new VerdictNet(this.run, options.node);
  }

  /** Makes the namespaces and starts an empty soft-xpu. Fails with `LabError` or `SimError`; `close` then, too. */
  open(): Promise<void> {
    return this.unlessClosing(async () => {
      await this.net.build();
      this.packets = PacketProbe.open({ netns: this.net.outside });
      this.processes = await NodeProcesses.start({
        target: this.options.target ?? 'native',
        node: this.options.node,
        onOutput: this.options.onOutput,
        linux: { netns: this.net.xpu, hostNetns: this.net.outside, uplink: UPLINK_INTERFACE },
        environment: { [MARK_VARIABLE]: this.run },
        folder: labPaths(this.run).verdictRun,
        concurrency: 1,
      });
      this.places = new ProbePlaces(this.processes.view, this.options.node);
    });
  }

  startSession(): Promise<void> {
    return this.unlessClosing(() => this.opened().processes.startSession());
  }

  advance(frames: readonly Uint8Array[]): Promise<void> {
    return this.unlessClosing(async () => {
      const { processes } = this.opened();
      await processes.advance(frames);
      await this.net.bringUp();
      await this.net.tellNeighbours(neighboursOf(processes.view.state, this.options.node));
    });
  }

  judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    return this.unlessClosing(async () => {
      const tasks = probes.map((probe, index) => this.taskOf(probe, index));
      const sendable = tasks.filter((task) => task !== undefined);
      await this.sendAll(sendable);
      // A frame may have been lost without a trace: what did not arrive gets another chance.
      await this.sendAll(sendable.filter((task) => !hasArrived(task)));
      await this.sendDoubtful(sendable);
      const verdicts: ProbeVerdict[] = [];
      for (const [index, probe] of probes.entries()) {
        verdicts.push(await this.verdictOf(probe, tasks[index]));
      }
      return verdicts;
    });
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    // Whatever is going on fails now, or ends soon.
    await this.processes?.stopDriver();
    await this.current.catch(() => undefined);
    this.packets?.close();
    try {
      await this.processes?.close();
    } finally {
      await this.net.remove();
      removeLabFiles(this.run);
    }
  }

  private unlessClosing<T>(action: () => Promise<T>): Promise<T> {
    if (this.closing !== undefined)
      return Promise.reject(new InternalError('the engine is closed'));
    const current = action();
    this.current = current;
    return current;
  }

  private opened(): { processes: NodeProcesses; packets: PacketProbe; places: ProbePlaces } {
    const { processes, packets, places } = this;
    if (processes === undefined || packets === undefined || places === undefined) {
      throw new InternalError('the engine is not open');
    }
    if (this.closing !== undefined) throw new InternalError('the engine is closed');
    return { processes, packets, places };
  }

  /** `undefined` for a sender without an interface. */
  private taskOf(probe: Probe, index: number): Task | undefined {
    const { places } = this.opened();
    const via = places.interfaceOf(probe.from);
    if (via === undefined || this.net.macBehind(via) === undefined) {
      // Host and wire are there in every state; without them nothing would ever be sent or judged.
      if (via !== HOST_INTERFACE && via !== WIRE_INTERFACE) return undefined;
      throw new InternalError(`the XPU has no port for ${via}`);
    }
    const icmpId = index & 0xffff;
    return {
      probe,
      send: places.sendOf(probe, via, icmpId, (name) => this.net.macBehind(name) ?? ''),
      keys: connectionKeys(probe.packet, icmpId),
      outcomes: [],
    };
  }

  private async sendAll(tasks: readonly Task[], sizeMax = BATCH_MAX): Promise<void> {
    for (const batch of disjointBatches(tasks, ({ keys }) => keys, sizeMax)) {
      await this.sendBatch(batch);
    }
    await this.opened().packets.collect(LATE_MS);
  }

  private async sendBatch(batch: readonly Task[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { packets } = this.opened();
      await this.net.flushConnections();
      try {
        const outcomes = await packets.exchange(batch.map(({ send }) => send));
        outcomes.forEach((outcome, index) => batch[index]?.outcomes.push(outcome));
        return;
      } catch (error) {
        if (!(error instanceof PacketProbeError) || tries === DROPPED_TRIES) throw error;
        await delay(DROPPED_PAUSE_MS);
      }
    }
  }

  /**
   * What Felix let through and did not arrive is sent again with nothing else under way, and that alone counts. The other
   * way round there is no second chance: a packet that came out has come out.
   */
  private async sendDoubtful(tasks: readonly Task[]): Promise<void> {
    const doubtful = tasks.filter((task) => task.probe.allowed && !this.arrives(task));
    for (const task of doubtful.slice(0, ALONE_MAX)) {
      task.outcomes.length = 0;
      await this.sendAll([task], 1);
    }
  }

  private arrives(task: Task): boolean {
    return this.exitOf(task) === task.probe.to;
  }

  private async verdictOf(probe: Probe, task: Task | undefined): Promise<ProbeVerdict> {
    const { view, degradations } = this.opened().processes;
    const reasons = reasonsFor(probe, view, degradations);
    const none = { allow: false, exit: '', reasons };
    if (task === undefined) return { ...none, path: [`${probe.from} has no port`] };
    const exit = this.exitOf(task);
    const verdict = { allow: exit !== '', exit, reasons };
    if ((exit === probe.to) === probe.allowed) return { ...verdict, path: [] };
    return { ...verdict, path: await this.explanation(probe) };
  }

  /** Where a packet came out; every place if there are several. */
  private exitOf({ probe, outcomes }: Task): string {
    const { places } = this.opened();
    const arrivals = outcomes.flatMap((outcome) => outcome.arrivals);
    return [...new Set(arrivals.map((arrival) => places.placeOf(probe, arrival)))].join(' and ');
  }

  /** What the objects say of the packet: tells a wrong object from a kernel that does not follow it. */
  private async explanation(probe: Probe): Promise<readonly string[]> {
    const { view, debug } = this.opened().processes;
    try {
      const walk = await walkProbe(probe, view, debug);
      return walk === undefined ? [] : [`by its objects ${walk.verdict}`, ...walk.trace];
    } catch (error) {
      return [`its objects cannot be asked: ${errorText(error)}`];
    }
  }
}

function hasArrived({ outcomes }: Task): boolean {
  return outcomes.some(({ arrivals }) => arrivals.length > 0);
}
