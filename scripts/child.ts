/** Runs one Node program to its end, with a time limit for it and all that it starts. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/** Where and how long a program runs. */
export interface ChildOptions {
  /** Default: our own. */
  readonly cwd?: string;
  /** Beside our own variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program that runs longer is ended, with all it started. */
  readonly secondsMax: number;
  /** Ends the program, with all it started, at once. */
  readonly signal?: AbortSignal;
}

/** How it ended. */
export interface ChildEnding {
  /** Exit code; null when a signal ended it, the time limit included. */
  readonly code: number | null;
  /** What it wrote, errors among it. */
  readonly output: string;
}

/** Runs our Node with these arguments. */
export async function runNode(
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildEnding> {
  const { cwd, env, secondsMax, signal } = options;
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const end = (): void => endGroup(child);
  const timer = setTimeout(() => {
    output += `\nended after ${secondsMax} s: still running\n`;
    end();
  }, secondsMax * 1000);
  signal?.addEventListener('abort', end);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve);
    });
    return { code, output };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

/** Ends a program and everything it started: it leads a process group of its own. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group ended in between.
  }
}
