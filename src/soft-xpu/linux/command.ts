/** Runs programs of the system inside network namespaces. I/O edge. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { LinuxError } from './errors.js';

/** How a program ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that takes longer is ended, milliseconds. */
const COMMAND_MS_MAX = 120_000;

/**
 * Runs a program to its end, in the network namespace of a file, or in our own. Rejects with `command` if it cannot be
 * started or does not end by itself. Mounts stay as they are: `ip netns exec` would hide namespaces made later.
 */
export function runCommand(
  netns: string | undefined,
  argv: readonly string[],
  input?: string,
): Promise<CommandResult> {
  const [program = '', ...args] =
    netns === undefined ? argv : ['nsenter', `--net=${netns}`, ...argv];
  const stdin = input === undefined ? 'ignore' : inputFile(input);
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown): void =>
      reject(new LinuxError({ code: 'command', op: `run ${argv.join(' ')}`, message, cause }));
    const child = spawn(program, args, {
      stdio: [stdin, 'pipe', 'pipe'],
      timeout: COMMAND_MS_MAX,
      killSignal: 'SIGKILL',
    });
    if (typeof stdin === 'number') closeSync(stdin);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    child.once('error', (cause) => fail(cause.message, cause));
    child.once('close', (code, signal) => {
      if (code === null) fail(`ended by ${signal ?? 'nobody'}`);
      else resolve({ code, stdout: stdout(), stderr: stderr() });
    });
  });
}

/**
 * A file without a name that holds the input. Through a pipe a program could read a half of it, to the end of a line that
 * is a command of its own, when we are killed while writing.
 */
function inputFile(input: string): number {
  const file = namelessFile();
  const bytes = Buffer.from(input);
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, at);
  return file;
}

/** A file that never had a name; node has no name for the flag. */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY;

/** Where the file system knows no such files, one whose name is taken away at once. */
function namelessFile(): number {
  try {
    return openSync(tmpdir(), O_TMPFILE | constants.O_RDWR, 0o600);
  } catch {
    const path = join(tmpdir(), `calico-xpu-${randomBytes(12).toString('hex')}`);
    const file = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return file;
  }
}

function collect(stream: Readable | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}
