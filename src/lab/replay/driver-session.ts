/** One driver process of a replay: started as Felix starts it, fed, waited for, stopped. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fetchStatus, StatusError } from '../../agent/status-client.js';
import { statusSocketPath } from '../../agent/status-server.js';
import type { AgentStatus } from '../../agent/status.js';
import { variableName } from '../../agent/settings.js';
import { systemClock } from '../../base/clock.js';
import { DriverListener } from '../../felix-sim/driver-listener.js';
import { DriverProcess } from '../../felix-sim/driver-process.js';
import { SimError } from '../../felix-sim/errors.js';
import { Player, type PlayOptions, type TimedFrame } from '../../felix-sim/player.js';

/** How a driver of a replay is started. */
export interface SessionLaunch {
  readonly driverFile: string;
  /** True for a driver that is not ours: it may have no status socket. */
  readonly foreign: boolean;
  readonly stateDir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly play: Omit<PlayOptions, 'clock'>;
  /** Longest wait for progress while a step is not applied yet. */
  readonly stepTimeoutMs: number;
  readonly onOutput: (chunk: Buffer) => void;
}

/** Longest wait for the status socket: of our own driver, and of one that may have none. */
const SOCKET_WAIT_MS = [10_000, 3_000] as const;
/** Longest wait for a status socket that does not answer: left by a driver that is gone, or not yet listened on. */
const ANSWER_WAIT_MS = 10_000;
const QUIET_MS = 500;
const POLL_MS = 20;

/** One driver, alive. */
export class DriverSession {
  private readonly launch: SessionLaunch;
  private readonly driver: DriverProcess;
  private readonly player: Player;
  readonly listener: DriverListener;
  private played = 0;
  private exited = false;
  private socketDeadline: number | undefined;

  private constructor(launch: SessionLaunch, driver: DriverProcess) {
    this.launch = launch;
    this.driver = driver;
    this.player = new Player(driver.toDriver, { ...launch.play, clock: systemClock });
    this.listener = new DriverListener(driver.fromDriver, () => systemClock.monotonic());
    void driver.ended.then(() => (this.exited = true));
  }

  /** Starts a driver. Fails with `driver-start`. */
  static async start(launch: SessionLaunch): Promise<DriverSession> {
    const driver = await DriverProcess.start({
      file: launch.driverFile,
      environment: {
        PATH: process.env['PATH'] ?? '',
        CALICO_XPU_NODE: process.execPath,
        CALICO_XPU_LOG: process.env['CALICO_XPU_LOG'] ?? 'warn',
        ...launch.environment,
        [variableName('stateDir')]: launch.stateDir,
      },
      onOutput: launch.onOutput,
    });
    return new DriverSession(launch, driver);
  }

  /** Process id of the driver. */
  get pid(): number | undefined {
    return this.driver.pid;
  }

  /** Plays frames. Fails with `driver-exit` if the driver goes away meanwhile. */
  async play(frames: readonly TimedFrame[]): Promise<void> {
    if (!(await this.player.play(frames))) throw await this.exitError();
    this.played += frames.length;
  }

  /**
   * Waits until the driver has applied everything played, and gives its status; `undefined` from a foreign driver without
   * one. Fails with `not-applied`, `driver-exit` or `driver-frame`.
   */
  async applied(): Promise<AgentStatus | undefined> {
    if (!(await this.hasStatus()) && !(await this.quiet())) return undefined;
    const goal = { session: 1, applied: this.played, timeoutMs: this.launch.stepTimeoutMs };
    for (let before = await this.ask(); ;) {
      try {
        return await this.ask(goal);
      } catch (error) {
        const now = error instanceof SimError && error.code === 'not-applied' && (await this.ask());
        if (!now || !advanced(before, now)) throw error;
        before = now;
      }
    }
  }

  /** Status now; `undefined` from a foreign driver without one. */
  async status(): Promise<AgentStatus | undefined> {
    return (await this.hasStatus()) ? await this.ask() : undefined;
  }

  /** Felix ends: SIGTERM, grace, SIGKILL. */
  async stop(): Promise<void> {
    await this.driver.stop();
    this.driver.closePipes();
  }

  /** The driver is killed without a word, as by the kernel. */
  async kill(): Promise<void> {
    this.driver.kill('SIGKILL');
    await this.driver.ended;
    this.driver.closePipes();
  }

  private async ask(goal?: Parameters<typeof fetchStatus>[1]): Promise<AgentStatus> {
    const gone = this.driver.ended.then(async () => Promise.reject(await this.exitError()));
    gone.catch(() => undefined);
    try {
      const status = await Promise.race([this.fetch(goal), gone]);
      if (this.listener.error !== undefined) throw this.listener.error;
      return status;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      throw this.exited ? await this.exitError() : this.notApplied(error);
    }
  }

  private async fetch(goal?: Parameters<typeof fetchStatus>[1]): Promise<AgentStatus> {
    const path = statusSocketPath(this.launch.stateDir);
    const deadline = systemClock.monotonic() + ANSWER_WAIT_MS;
    for (;;) {
      try {
        return await fetchStatus(path, goal);
      } catch (error) {
        const absent = error instanceof StatusError && error.code === 'unreachable';
        if (!absent || this.exited || systemClock.monotonic() > deadline) throw error;
        await delay(POLL_MS);
      }
    }
  }

  private notApplied(cause: StatusError): SimError {
    const { stepTimeoutMs } = this.launch;
    return new SimError({
      code: 'not-applied',
      op: 'wait for driver',
      message: `${this.played} frames are not applied, no progress in ${stepTimeoutMs} ms: ${cause.message}`,
      cause,
    });
  }

  /** Waits for the status socket. A driver that speaks to Felix without having made one will have none. */
  private async hasStatus(): Promise<boolean> {
    this.socketDeadline ??= systemClock.monotonic() + SOCKET_WAIT_MS[this.launch.foreign ? 1 : 0];
    while (!this.socketExists()) {
      if (this.exited) throw await this.exitError();
      if (systemClock.monotonic() > this.socketDeadline) return false;
      if (this.launch.foreign && this.listener.counts.size > 0) return false;
      await delay(POLL_MS);
    }
    return true;
  }

  /** Waits until the driver has said nothing for a while; true as soon as it has a status socket after all. */
  private async quiet(): Promise<boolean> {
    const deadline = systemClock.monotonic() + QUIET_MS;
    while (systemClock.monotonic() < deadline || this.listener.quietMs() < QUIET_MS) {
      if (this.exited) throw await this.exitError();
      if (this.socketExists()) return true;
      await delay(POLL_MS);
    }
    if (this.listener.error !== undefined) throw this.listener.error;
    return false;
  }

  private socketExists(): boolean {
    return existsSync(statusSocketPath(this.launch.stateDir));
  }

  private async exitError(): Promise<SimError> {
    const { code, signal } = await this.driver.ended;
    return new SimError({
      code: 'driver-exit',
      op: 'run driver',
      message: `the driver ended (${signal ?? `code ${code}`}) after ${this.played} frames`,
    });
  }
}

/** Whether more was read, or another amount is left to write: retries alone change neither. */
function advanced(before: AgentStatus, now: AgentStatus): boolean {
  return now.felix.received > before.felix.received || now.pending !== before.pending;
}
