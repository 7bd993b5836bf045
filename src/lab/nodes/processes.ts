/** Processes of a lab: started detached, known by id and start time, found by their mark, ended. I/O edge. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemPath } from './kernel.js';
import { MARK_VARIABLE } from './names.js';

/** A process for sure: ids are used again, but not with the same start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTime: number;
}

/** How a process is started. */
export interface ProcessLaunch {
  readonly lab: string;
  readonly command: readonly string[];
  /** Gets stdout and stderr. */
  readonly logFile: string;
}

const GRACE_MS = 2_000;
const POLL_MS = 20;
/** Position of the start time behind the closing parenthesis of the process's name, in /proc/PID/stat. */
const START_TIME_FIELD = 19;

/** Starts a process that outlives us and no terminal reaches. `undefined` if it was gone at once. */
export async function startDetached(launch: ProcessLaunch): Promise<ProcessIdentity | undefined> {
  const [program = '', ...args] = launch.command;
  const log = openSync(launch.logFile, 'a');
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: {
      PATH: systemPath(),
      CALICO_XPU_LOG: process.env['CALICO_XPU_LOG'] ?? 'warn',
      [MARK_VARIABLE]: launch.lab,
    },
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  return child.pid === undefined ? undefined : identify(child.pid);
}

/** The process that has this id now; `undefined` if none has, or it is only waited for. */
export function identify(pid: number): ProcessIdentity | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const [state = 'Z', ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return { pid, startTime: Number(fields[START_TIME_FIELD - 1]) };
}

/** True while that very process lives. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return identify(pid)?.startTime === startTime;
}

/** All processes that carry the mark of a lab, but not we ourselves. */
export function markedProcesses(lab: string): ProcessIdentity[] {
  const mark = `${MARK_VARIABLE}=${lab}`;
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`)?.split('\0').includes(mark) === true)
    .flatMap((pid) => identify(pid) ?? []);
}

/** Names of all labs that a process carries the mark of. */
export function markedLabs(): string[] {
  const prefix = `${MARK_VARIABLE}=`;
  const labs = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => read(`/proc/${pid}/environ`)?.split('\0') ?? [])
    .filter((variable) => variable.startsWith(prefix))
    .map((variable) => variable.slice(prefix.length));
  return [...new Set(labs)];
}

/** We and those who called us: a shell inside a pod may well end its own lab. */
export function ownLine(): ReadonlySet<number> {
  const line = new Set<number>();
  for (let pid = process.pid; pid > 1 && !line.has(pid); pid = parentOf(pid)) line.add(pid);
  return line;
}

/** Asks processes to end, and ends those that do not. Resolves when all are gone. */
export async function endProcesses(processes: readonly ProcessIdentity[]): Promise<void> {
  signalAll(processes, 'SIGTERM');
  const deadline = performance.now() + GRACE_MS;
  while (processes.some(isAlive) && performance.now() < deadline) await delay(POLL_MS);
  await killProcesses(processes);
}

/** Ends processes without asking. Resolves when all are gone. */
export async function killProcesses(processes: readonly ProcessIdentity[]): Promise<void> {
  signalAll(processes, 'SIGKILL');
  while (processes.some(isAlive)) await delay(POLL_MS);
}

function signalAll(processes: readonly ProcessIdentity[], signal: NodeJS.Signals): void {
  for (const one of processes) {
    if (!isAlive(one)) continue;
    try {
      process.kill(one.pid, signal);
    } catch {
      // It ended in this very moment.
    }
  }
}

function parentOf(pid: number): number {
  const text = read(`/proc/${pid}/stat`) ?? '';
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
