/** Runs `calico-xpu lab ...` as people do, and looks at what a lab leaves on the machine. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { labNamespaces } from '../../../../src/lab/nodes/kernel.js';
import { labPaths } from '../../../../src/lab/nodes/names.js';
import { markedProcesses } from '../../../../src/lab/nodes/processes.js';
import type { MatrixReport } from '../../../../src/lab/nodes/matrix-text.js';
import type { LabReport } from '../../../../src/lab/nodes/status.js';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `calico-xpu lab ARGS`. */
export function startLab(...args: readonly string[]): {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, ['bin/calico-xpu.js', 'lab', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended };
}

/** Commands of one lab. */
export class LabCommand {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs one to its end. */
  run(command: string, ...args: readonly string[]): Promise<Ended> {
    return startLab(command, '--name', this.name, ...args).ended;
  }

  /** Runs a command in a pod or node. */
  exec(place: string, ...command: readonly string[]): Promise<Ended> {
    return startLab('exec', place, '--name', this.name, '--', ...command).ended;
  }

  /** What `lab status` knows. */
  async status(): Promise<LabReport> {
    return JSON.parse((await this.run('status', '--json')).stdout) as LabReport;
  }

  /** Waits until nothing hinders; gives the last status text if it does not come to that. */
  async well(timeoutMs = 20_000): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const { code, stdout, stderr } = await this.run('status');
      if (code === 0) return 'well';
      if (performance.now() > deadline) return stdout + stderr;
      await delay(200);
    }
  }

  /** A whole matrix of probes. */
  async matrix(...args: readonly string[]): Promise<MatrixReport> {
    const { stdout, stderr } = await this.run('matrix', '--json', ...args);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as MatrixReport;
  }

  /** Everything on the machine that is of this lab; empty after `down`. */
  remains(): string[] {
    return [
      ...labNamespaces(this.name),
      ...markedProcesses(this.name).map(({ pid }) => `${pid} ${commandLine(pid)}`),
      ...[labPaths(this.name).folder].filter((folder) => existsSync(folder)),
    ];
  }
}

/** Links of the kinds that a lab makes, in the namespace that everything was started from: none, and never. */
export function strayLinks(): string[] {
  const json = execFileSync('ip', ['-json', 'link', 'show'], { encoding: 'utf8' });
  const names = (JSON.parse(json) as { ifname: string }[]).map(({ ifname }) => ifname);
  return names.filter((name) => /^(cali[0-9a-f]{11}|host0|uplink|wire|vx\d+.*)$/.test(name));
}

/** Tables of nftables in that namespace that are ours. */
export function strayTables(): string[] {
  const text = execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  return text.split('\n').filter((line) => line.endsWith(' calico-xpu'));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
