/** A Felix of the tests: one driver process after another, fed with a recording, killed where the test wants it. */
import { setTimeout as delay } from 'node:timers/promises';
import { fetchStatus } from '../../src/agent/status-client.js';
import { statusSocketPath } from '../../src/agent/status-server.js';
import type { AgentStatus } from '../../src/agent/status.js';
import { systemClock } from '../../src/base/clock.js';
import { DriverListener } from '../../src/felix-sim/driver-listener.js';
import { DriverProcess } from '../../src/felix-sim/driver-process.js';
import { Player, type TimedFrame } from '../../src/felix-sim/player.js';
import { OWN_DRIVER } from '../../src/lab/own-programs.js';

/** How this Felix starts its drivers. */
export interface FelixLaunch {
  readonly driverFile?: string;
  readonly stateDir: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Environment of a driver or agent: node-a, its state folder, its XPU. */
export function nodeEnvironment(stateDir: string, address: string): Record<string, string> {
  return {
    FELIX_FELIXHOSTNAME: 'node-a',
    FELIX_XPUSTATEDIR: stateDir,
    FELIX_XPUADDRESS: address,
  };
}

/** One life of Felix with its driver. */
export class Felix {
  readonly driver: DriverProcess;
  readonly listener: DriverListener;
  private readonly player: Player;
  private readonly written: readonly string[];

  private constructor(driver: DriverProcess, splitWritesBytes: number, written: readonly string[]) {
    this.written = written;
    this.driver = driver;
    this.listener = new DriverListener(driver.fromDriver, () => systemClock.monotonic());
    this.player = new Player(driver.toDriver, { clock: systemClock, speed: 0, splitWritesBytes });
  }

  /** Starts a driver. */
  static async start(
    { driverFile = OWN_DRIVER, stateDir, environment = {} }: FelixLaunch,
    splitWritesBytes = 0,
  ): Promise<Felix> {
    const output: string[] = [];
    const driver = await DriverProcess.start({
      file: driverFile,
      environment: {
        PATH: process.env['PATH'] ?? '',
        CALICO_XPU_NODE: process.execPath,
        CALICO_XPU_LOG: 'warn',
        FELIX_XPUMODE: 'standalone',
        FELIX_XPUSTATEDIR: stateDir,
        ...environment,
      },
      onOutput: (chunk) => output.push(chunk.toString()),
    });
    return new Felix(driver, splitWritesBytes, output);
  }

  /** What the driver wrote to fd 1 and 2 so far. */
  get output(): string {
    return this.written.join('');
  }

  /** Writes frames; false if the driver went away meanwhile. */
  play(frames: readonly TimedFrame[]): Promise<boolean> {
    return this.player.play(frames);
  }

  /** SIGKILL, and the pipes close. */
  async kill(): Promise<void> {
    this.driver.kill('SIGKILL');
    await this.driver.ended;
    this.driver.closePipes();
  }

  /** Felix's own way to end its driver. Gives the milliseconds it took. */
  async stop(): Promise<number> {
    const begin = systemClock.monotonic();
    await this.driver.stop();
    this.driver.closePipes();
    return systemClock.monotonic() - begin;
  }
}

/** Waits until the process at a status socket says what is asked; throws with its last status after `timeoutMs`. */
export async function statusWhere(
  stateDir: string,
  holds: (status: AgentStatus) => boolean,
  timeoutMs = 30_000,
): Promise<AgentStatus> {
  const deadline = systemClock.monotonic() + timeoutMs;
  for (;;) {
    const status = await fetchStatus(statusSocketPath(stateDir)).catch(() => undefined);
    if (status !== undefined && holds(status)) return status;
    if (systemClock.monotonic() > deadline) {
      throw new Error(`not so after ${timeoutMs} ms; the status is ${JSON.stringify(status)}`);
    }
    await delay(20);
  }
}

/** Waits until `frames` frames of session `session` are applied. */
export function applied(
  stateDir: string,
  frames: number,
  session = 1,
  timeoutMs?: number,
): Promise<AgentStatus> {
  return statusWhere(
    stateDir,
    ({ felix }) => felix.session === session && felix.applied >= frames,
    timeoutMs,
  );
}

/** Waits until `condition` holds; its last answer is part of the error. */
export async function eventually<T>(
  ask: () => Promise<T>,
  condition: (answer: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = systemClock.monotonic() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (condition(answer)) return answer;
    if (systemClock.monotonic() > deadline) {
      throw new Error(`not so after ${timeoutMs} ms: ${String(answer).slice(0, 2_000)}`);
    }
    await delay(20);
  }
}
