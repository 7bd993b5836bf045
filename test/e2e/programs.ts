/**
 * The programs as users run them: real processes of the built bin, real sockets, files of their own. What a test starts is
 * ended by `Scene.end`, by process id, however the test went.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplayReport } from '../../src/lab/replay/report.js';
import { OWN_BIN } from '../../src/lab/own-programs.js';
import { XpuProcess } from '../../src/lab/xpu-process.js';
import { connectDebug, type DebugClient } from '../../src/opi/client/debug.js';

/** A kind of XPU: what it offers and how it answers. */
export interface XpuTraits {
  readonly target: 'native' | 'plain';
  readonly flattened: boolean;
  readonly mode: 'strict' | 'reference';
}

/** The XPU that tests use where the kind does not matter. */
export const NATIVE: XpuTraits = { target: 'native', flattened: false, mode: 'strict' };

/** Every kind of XPU. */
export const ALL_TRAITS: readonly XpuTraits[] = (['strict', 'reference'] as const).flatMap(
  (mode) => [
    { target: 'native', flattened: false, mode },
    { target: 'plain', flattened: false, mode },
    { target: 'plain', flattened: true, mode },
  ],
);

/** `plain flattened reference`, for titles. */
export function traitsText({ target, flattened, mode }: XpuTraits): string {
  return [target, ...(flattened ? ['flattened'] : []), mode].join(' ');
}

/** Arguments of `felix-sim replay` that ask for this kind of XPU. */
export function traitsArguments({ target, flattened, mode }: XpuTraits): string[] {
  return ['--target', target, '--xpu-mode', mode, ...(flattened ? ['--flattened'] : [])];
}

/** A command that ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Processes and files of one test. */
export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'calico-xpu-e2e-'));
  private readonly xpus = new Set<XpuProcess>();
  private readonly children = new Set<ChildProcess>();
  private count = 0;

  /** A new file name in the scene's folder. */
  path(name: string): string {
    return join(this.folder, `${this.count++}-${name}`);
  }

  /** Starts a soft-xpu; without `listen` on a socket of its own. */
  async xpu(traits: XpuTraits = NATIVE, listen = `unix:${this.path('opi.sock')}`) {
    const xpu = await XpuProcess.start({ ...traits, listen });
    this.xpus.add(xpu);
    return xpu;
  }

  /** Ends a soft-xpu that this scene started. */
  async endXpu(xpu: XpuProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.xpus.delete(xpu);
    await xpu.stop(signal);
  }

  /** Starts `calico-xpu ...` and leaves it running. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(process.execPath, [OWN_BIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CALICO_XPU_LOG: 'warn', ...env },
    });
    this.children.add(child);
    child.once('close', () => this.children.delete(child));
    return child;
  }

  /** Runs `calico-xpu ...` to its end. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return await outcomeOf(this.start(args, env));
  }

  /** `felix-sim replay ... --json`, which must succeed. */
  async replay(
    source: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ReplayReport> {
    const words = ['felix-sim', 'replay', source, ...args, '--json'];
    const { code, stdout, stderr } = await this.run(words, env);
    if (code === 0) return JSON.parse(stdout) as ReplayReport;
    throw new Error(`calico-xpu ${words.join(' ')}\nended with code ${code}\n${stderr}${stdout}`);
  }

  /** Ends everything. */
  async end(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
    for (const xpu of [...this.xpus]) await this.endXpu(xpu, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs `test` in a scene of its own. */
export function inScene(test: (scene: Scene) => Promise<void>): () => Promise<void> {
  return async () => {
    const scene = new Scene();
    try {
      await test(scene);
    } finally {
      await scene.end();
    }
  };
}

/** What a process says until its end. */
export function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Asks the Debug service of a soft-xpu. */
export async function debugging<T>(
  address: string,
  question: (debug: DebugClient) => Promise<T>,
): Promise<T> {
  const debug = connectDebug({ address });
  try {
    return await question(debug);
  } finally {
    debug.close();
  }
}

/** The whole state of a soft-xpu: id, spec and members of every object. */
export function dumpOf(address: string): Promise<string> {
  return debugging(address, (debug) => debug.dump());
}

/** All writes of a report's steps. */
export function writesOf(report: ReplayReport): number | null {
  return report.steps.reduce<number | null>(
    (sum, { writes }) => (sum === null || writes === null ? null : sum + writes),
    0,
  );
}
