/** What a verdict run of the whole way consists of: a soft-xpu process, and a driver process started as Felix starts it. I/O edge. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InternalError } from '../../base/errors.js';
import { SimError } from '../../felix-sim/errors.js';
import { variableName } from '../../agent/settings.js';
import { connectDebug, type DebugClient } from '../../opi/client/debug.js';
import type { Degradation } from '../../translators/degradation.js';
import { OWN_DRIVER } from '../own-programs.js';
import { DriverSession } from '../replay/driver-session.js';
import { XpuProcess, type LinuxLaunch } from '../xpu-process.js';
import { FelixView } from './felix-view.js';

/** How the two processes are started. */
export interface NodeProcessesOptions {
  readonly target: 'native' | 'plain';
  /** Node that the recording was made on. */
  readonly node: string;
  /** Output of the driver. */
  readonly onOutput: (chunk: Buffer) => void;
  /** A data plane in the kernel; default one in memory. Its state lies with the other files. */
  readonly linux?: Omit<LinuxLaunch, 'stateDir'>;
  /** Added to the environment of both. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where the files of both go: made, and removed in the end. Default a new temporary folder. */
  readonly folder?: string;
  /** Calls of the Debug service in flight. */
  readonly concurrency: number;
}

/** Longest wait for a step to be applied. */
const STEP_TIMEOUT_MS = 300_000;

/** The processes, and what Felix has told them. */
export class NodeProcesses {
  readonly view = new FelixView();
  readonly debug: DebugClient;
  private readonly options: NodeProcessesOptions;
  private readonly folder: string;
  private readonly xpu: XpuProcess;
  private driver: DriverSession | undefined;
  private degraded: readonly Degradation[] = [];

  private constructor(options: NodeProcessesOptions, folder: string, xpu: XpuProcess) {
    this.options = options;
    this.folder = folder;
    this.xpu = xpu;
    this.debug = connectDebug({ address: xpu.address, concurrency: options.concurrency });
  }

  /** Starts an empty soft-xpu. Fails with `SimError`. */
  static async start(options: NodeProcessesOptions): Promise<NodeProcesses> {
    const { target, linux, environment } = options;
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'calico-xpu-verdicts-'));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      const xpu = await XpuProcess.start({
        listen: `unix:${join(folder, 'opi.sock')}`,
        mode: 'strict',
        target,
        flattened: false,
        ...(linux && { linux: { ...linux, stateDir: join(folder, 'xpu') } }),
        ...(environment && { environment }),
      });
      return new NodeProcesses(options, folder, xpu);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the driver said it cannot enforce whole, as of the last `advance`. */
  get degradations(): readonly Degradation[] {
    return this.degraded;
  }

  /** Ends the session that ran, if any, and begins that of a restarted Felix. Fails with `SimError`. */
  async startSession(): Promise<void> {
    await this.driver?.stop();
    this.view.startSession();
    const { node, target, environment, onOutput } = this.options;
    this.driver = await DriverSession.start({
      driverFile: OWN_DRIVER,
      foreign: false,
      stateDir: this.folder,
      environment: {
        ...environment,
        FELIX_FELIXHOSTNAME: node,
        [variableName('mode')]: 'standalone',
        [variableName('address')]: this.xpu.address,
        [variableName('target')]: target,
      },
      play: { speed: 0, splitWritesBytes: 0 },
      stepTimeoutMs: STEP_TIMEOUT_MS,
      onOutput,
    });
  }

  /** Delivers frame bodies; returns once the driver has applied them. Fails with `SimError`. */
  async advance(frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) this.view.frame(frame);
    if (this.driver === undefined) throw new InternalError('frames before a session');
    await this.driver.play(frames.map((body) => ({ body, atMs: 0 })));
    const status = await this.driver.applied();
    if (status === undefined) {
      throw new SimError({
        code: 'not-applied',
        op: 'wait for driver',
        message: 'the driver has no status socket, so that nobody knows what it has applied',
      });
    }
    this.degraded = status.degraded;
  }

  /** Ends the driver alone: whoever waits for it fails. */
  async stopDriver(): Promise<void> {
    await this.driver?.stop();
  }

  /** Ends both and removes their files. */
  async close(): Promise<void> {
    this.debug.close();
    await this.stopDriver();
    await this.xpu.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
