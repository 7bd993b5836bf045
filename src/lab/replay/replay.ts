/** Plays a source at a driver and an XPU, step by step, and reports what came of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentStatus, EndpointStatus } from '../../agent/status.js';
import { variableName, type TlsFileSettings } from '../../agent/settings.js';
import { decodeToDataplane } from '../../driver/message.js';
import { connectDebug } from '../../opi/client/debug.js';
import { DriverSession, type SessionLaunch } from './driver-session.js';
import type { ReplayReport, StepReport } from './report.js';
import type { ReplaySource, ReplayStream } from './source.js';

/** How a replay runs. */
export interface ReplayOptions {
  /** Executable of the driver, and whether it is somebody else's. */
  readonly driverFile: string;
  readonly foreign: boolean;
  readonly xpuAddress: string;
  /** mTLS of the XPU, for our own questions; the driver reads its own settings. */
  readonly tls?: TlsFileSettings | undefined;
  /** Further settings of the driver. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly target: 'native' | 'plain';
  /** `NAME=ADDR[,ADDR]`. */
  readonly hostInterfaces: readonly string[];
  readonly speed: number;
  readonly splitWritesBytes: number;
  /** After this many frames of each stream the driver is killed, and Felix starts over. */
  readonly restartAt?: number | undefined;
  readonly stepTimeoutMs: number;
  /** Ends the replay early: the driver is stopped, and `replay` fails. */
  readonly abort?: AbortSignal;
  readonly onOutput: (chunk: Buffer) => void;
  readonly onProgress: (text: string) => void;
}

/** Runs one. Fails with `SimError`; nothing is left behind either way. */
export async function replay(source: ReplaySource, options: ReplayOptions): Promise<ReplayReport> {
  const run = new ReplayRun(source, options);
  options.abort?.addEventListener('abort', () => void run.end(), { once: true });
  try {
    for (const stream of source.streams) await run.stream(stream);
    return await run.report();
  } finally {
    await run.end();
  }
}

class ReplayRun {
  private readonly source: ReplaySource;
  private readonly options: ReplayOptions;
  private readonly stateDir = mkdtempSync(join(tmpdir(), 'calico-xpu-replay-'));
  private session: DriverSession | undefined;
  private frames = 0;
  private readonly inSync: boolean[] = [];
  private readonly steps: StepReport[] = [];
  private readonly calls = new Map<string, number>();
  /** Writes of drivers that are gone, and those of the living one up to the last step. */
  private writesBefore = 0;
  private writesTold = 0;
  private last: AgentStatus | undefined;
  private statusless = false;

  constructor(source: ReplaySource, options: ReplayOptions) {
    this.source = source;
    this.options = options;
  }

  /** One life of Felix. The driver stays until the next one, or the end. */
  async stream(stream: ReplayStream): Promise<void> {
    await this.retire();
    const { restartAt, abort } = this.options;
    abort?.throwIfAborted();
    this.session = await DriverSession.start(this.launch());
    if (restartAt !== undefined && restartAt < stream.frames.length) {
      await this.session.play(stream.frames.slice(0, restartAt));
      await this.session.kill();
      this.session = await DriverSession.start(this.launch());
    }
    let played = 0;
    for (const step of this.source.steps.filter((each) => each.stream === stream.index)) {
      await this.play(stream, played, step.frames);
      played = step.frames;
      await this.tell(step.name);
    }
    await this.play(stream, played, stream.frames.length);
    this.note(await this.session.applied());
    this.inSync.push(this.last?.felix.inSync ?? saysInSync(stream));
  }

  /** The report, as of now. */
  async report(): Promise<ReplayReport> {
    return {
      frames: this.frames,
      inSync: this.inSync,
      endpoints: this.last?.endpoints ?? this.reportedEndpoints(),
      steps: this.steps,
      calls: this.statusless ? null : Object.fromEntries(this.allCalls()),
      objects: await countObjects(this.options),
      degraded: this.last?.degraded ?? [],
    };
  }

  /** Stops the driver and removes every file. */
  async end(): Promise<void> {
    await this.session?.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  private async play(stream: ReplayStream, from: number, to: number): Promise<void> {
    this.options.onProgress(`stream ${stream.index}: frames ${from} to ${to}`);
    await this.session?.play(stream.frames.slice(from, to));
    this.frames += to - from;
  }

  private async tell(name: string): Promise<void> {
    const status = await this.session?.applied();
    this.note(status);
    const total = this.writesBefore + (status?.xpu.writes ?? 0);
    this.steps.push({ name, writes: status === undefined ? null : total - this.writesTold });
    this.writesTold = total;
    this.options.onProgress(`step ${name} applied`);
  }

  private note(status: AgentStatus | undefined): void {
    this.last = status;
    if (status === undefined) this.statusless = true;
  }

  /** The driver of the stream before ends with its Felix; what it counted is kept. */
  private async retire(): Promise<void> {
    if (this.session === undefined) return;
    this.note(await this.session.status());
    for (const [method, count] of Object.entries(this.last?.xpu.calls ?? {})) {
      this.calls.set(method, (this.calls.get(method) ?? 0) + count);
    }
    this.writesBefore += this.last?.xpu.writes ?? 0;
    this.last = undefined;
    await this.session.stop();
    this.session = undefined;
  }

  private allCalls(): Map<string, number> {
    const calls = new Map(this.calls);
    for (const [method, count] of Object.entries(this.last?.xpu.calls ?? {})) {
      calls.set(method, (calls.get(method) ?? 0) + count);
    }
    return calls;
  }

  /** What a driver without status socket told Felix is all there is to know. */
  private reportedEndpoints(): Record<string, EndpointStatus> {
    return Object.fromEntries(
      [...(this.session?.listener.statuses ?? [])].map(([key, status]) => [
        key,
        { status: status === 'up' || status === 'error' ? status : 'down', reason: '' },
      ]),
    );
  }

  private launch(): SessionLaunch {
    const { options, source, stateDir } = this;
    return {
      driverFile: options.driverFile,
      foreign: options.foreign,
      stateDir,
      environment: {
        ...source.environment,
        ...options.environment,
        ...(source.node === '' ? {} : { FELIX_FELIXHOSTNAME: source.node }),
        [variableName('mode')]: 'standalone',
        [variableName('address')]: options.xpuAddress,
        [variableName('target')]: options.target,
        [variableName('hostInterfaces')]: options.hostInterfaces.join(' '),
      },
      play: { speed: options.speed, splitWritesBytes: options.splitWritesBytes },
      stepTimeoutMs: options.stepTimeoutMs,
      onOutput: options.onOutput,
    };
  }
}

/** A driver without status socket was told so, which is all there is to know. */
function saysInSync(stream: ReplayStream): boolean {
  return stream.frames.some(({ body }) => decodeToDataplane(body).message.payload === 'in_sync');
}

/** Objects on the XPU by kind; `null` where it has no Debug service. */
async function countObjects({
  xpuAddress,
  tls,
}: ReplayOptions): Promise<Record<string, number> | null> {
  const debug = connectDebug({ address: xpuAddress, ...(tls === undefined ? {} : { tls }) });
  try {
    return { ...(await debug.stats()).objects };
  } catch {
    return null;
  } finally {
    debug.close();
  }
}
