/**
 * One driver process, started exactly as Felix starts its external data plane (felix-protocol: launch contract): no arguments,
 * fd 0 on /dev/null, fd 1 and 2 piped, fd 3 and 4 anonymous pipes, Felix's environment. I/O edge.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { SimError } from './errors.js';
import { makePipes } from './pipe-pair.js';

/** How a driver is started. */
export interface DriverLaunch {
  /** Executable file; argv[0] alone is passed. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Gets the driver's fd 1 and 2, as Felix copies them to its own. */
  readonly onOutput: (chunk: Buffer) => void;
}

/** How a driver ended. */
export interface DriverEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const GRACE_MS = 4_000;

/** A running driver. */
export class DriverProcess {
  /** Our end of fd 3. */
  readonly toDriver: Socket;
  /** Our end of fd 4. */
  readonly fromDriver: Socket;
  /** Settles when the process is gone. */
  readonly ended: Promise<DriverEnd>;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, toDriver: Socket, fromDriver: Socket) {
    this.child = child;
    this.toDriver = toDriver;
    this.fromDriver = fromDriver;
    // A driver that dies breaks the pipe; `ended` tells it, the write errors say no more.
    toDriver.on('error', () => undefined);
    fromDriver.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.toDriver.destroy();
        resolve({ code, signal });
      });
    });
  }

  /** Starts a driver. Fails with `driver-start`. */
  static async start(launch: DriverLaunch): Promise<DriverProcess> {
    const [input, output] = await makePipes(2);
    if (input === undefined || output === undefined) throw startError(launch, 'no pipes');
    const child = spawn(launch.file, [], {
      env: { ...launch.environment },
      stdio: ['ignore', 'pipe', 'pipe', input.readFd, output.writeFd],
    });
    closeSync(input.readFd);
    closeSync(output.writeFd);
    const toDriver = new Socket({ fd: input.writeFd, readable: false, writable: true });
    const fromDriver = new Socket({ fd: output.readFd, readable: true, writable: false });
    child.stdout?.on('data', launch.onOutput);
    child.stderr?.on('data', launch.onOutput);
    const driver = new DriverProcess(child, toDriver, fromDriver);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => {
        toDriver.destroy();
        fromDriver.destroy();
        reject(startError(launch, cause.message, cause));
      });
    });
    return driver;
  }

  /** Process id. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Sends a signal; no effect once the process is gone. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Felix's own way to end: SIGTERM, four seconds of grace, SIGKILL. Gives how the driver ended. */
  async stop(): Promise<DriverEnd> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), GRACE_MS);
    const end = await this.ended;
    clearTimeout(timer);
    return end;
  }

  /** Felix dies without a signal to its driver: the pipes just close. */
  closePipes(): void {
    this.toDriver.destroy();
    this.fromDriver.destroy();
  }
}

function startError(launch: DriverLaunch, message: string, cause?: unknown): SimError {
  return new SimError({
    code: 'driver-start',
    op: 'start driver',
    message: `${launch.file}: ${message}`,
    cause,
  });
}
