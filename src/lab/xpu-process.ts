/** A soft-xpu in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SimError } from '../felix-sim/errors.js';
import { OWN_BIN } from './own-programs.js';

/** How a soft-xpu is started. */
export interface XpuLaunch {
  /** `unix:PATH` or `HOST:PORT`. */
  readonly listen: string;
  readonly mode: 'strict' | 'reference';
  /** `plain`: without the network/k8s extension. */
  readonly target: 'native' | 'plain';
  /** Without COMPACT rules. */
  readonly flattened: boolean;
  /** A data plane in the kernel; default one in memory. */
  readonly linux?: LinuxLaunch;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Where a data plane in the kernel works. */
export interface LinuxLaunch {
  /** Namespace of the XPU, with the uplink in it. */
  readonly netns: string;
  /** Namespace in which the ends of VFs and host port are made. */
  readonly hostNetns: string;
  readonly uplink: string;
  readonly stateDir: string;
}

/** A running soft-xpu. */
export class XpuProcess {
  readonly address: string;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  private constructor(child: ChildProcess, address: string) {
    this.child = child;
    this.address = address;
    this.ended = new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
  }

  /** Starts one and waits until it serves. Fails with `xpu`. */
  static async start(launch: XpuLaunch): Promise<XpuProcess> {
    const args = ['soft-xpu', '--json', '--listen', launch.listen, '--mode', launch.mode];
    if (launch.target === 'plain') args.push('--no-extension');
    if (launch.flattened) args.push('--flattened');
    if (launch.linux !== undefined) args.push(...linuxArguments(launch.linux));
    const child = spawn(process.execPath, [OWN_BIN, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        CALICO_XPU_LOG: process.env['CALICO_XPU_LOG'] ?? 'warn',
        ...launch.environment,
      },
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(xpuError(`soft-xpu ended with code ${code}`)));
      createInterface({ input: child.stdout }).once('line', () => resolve());
    });
    return new XpuProcess(child, launch.listen);
  }

  /** Process id. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Ends it; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}

function linuxArguments({ netns, hostNetns, uplink, stateDir }: LinuxLaunch): string[] {
  const where = ['--netns', netns, '--host-netns', hostNetns, '--uplink', uplink];
  return ['--datapath', 'linux', ...where, '--state-dir', stateDir];
}

function xpuError(message: string): SimError {
  return new SimError({ code: 'xpu', op: 'start soft-xpu', message });
}
