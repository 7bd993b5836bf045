/**
 * The keeper of a lab: starts its processes, and again those that end, as a node's init system does. All it knows is on disk,
 * so that a keeper that is started anew takes over from one that was killed. I/O edge.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from './restart-backoff.js';
import { namespaceExists, namespaceFile } from './kernel.js';
import { KEEPER_KEY, keeperCommand, keptProcesses, type KeptProcess } from './kept-processes.js';
import { readJson, readLab, writeJson } from './lab-files.js';
import { labPaths } from './names.js';
import { OWN_BIN } from '../own-programs.js';
import { isAlive, killProcesses, startDetached, type ProcessIdentity } from './processes.js';

const POLL_MS = 150;
/** `node BIN` of this very program. */
const OWN: readonly string[] = [process.execPath, OWN_BIN];

/** The process of a key, as it was started last; `undefined` if it never was or is gone. */
export function livingProcess(lab: string, key: string): ProcessIdentity | undefined {
  const known = readJson<ProcessIdentity>(recordFile(lab, key));
  return known !== undefined && isAlive(known) ? known : undefined;
}

/** Starts the keeper of a lab where none runs. */
export async function ensureKeeper(lab: string): Promise<void> {
  if (livingProcess(lab, KEEPER_KEY) !== undefined) return;
  const command = keeperCommand(lab, OWN);
  await start(lab, KEEPER_KEY, { command, logFile: labPaths(lab).keeperLog });
}

/** Keeps the lab's processes for as long as the lab is there. */
export async function keepLab(lab: string): Promise<void> {
  const keeper = new Keeper(lab);
  while (await keeper.look()) await delay(POLL_MS);
}

class Keeper {
  private readonly lab: string;
  private readonly backoffs = new Map<string, Backoff>();

  constructor(lab: string) {
    this.lab = lab;
  }

  /** Starts what is missing, ends what is not wanted any more. False if there is no lab any more. */
  async look(): Promise<boolean> {
    const state = readLab(this.lab);
    if (state === undefined) return false;
    const wanted = keptProcesses(this.lab, state, { own: OWN, namespaceFile });
    await this.endUnwanted(new Set([KEEPER_KEY, ...wanted.map(({ key }) => key)]));
    for (const one of wanted) await this.keep(one);
    return true;
  }

  private async keep({ key, namespaces, ...launch }: KeptProcess): Promise<void> {
    if (!namespaces.every((name) => namespaceExists(name))) return;
    if (livingProcess(this.lab, key) !== undefined) return;
    const backoff = this.backoffs.get(key) ?? new Backoff();
    this.backoffs.set(key, backoff);
    if (backoff.mayStart(performance.now())) await start(this.lab, key, launch);
  }

  private async endUnwanted(wanted: ReadonlySet<string>): Promise<void> {
    const keys = readdirSync(labPaths(this.lab).processes)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length));
    for (const key of keys.filter((one) => !wanted.has(one))) {
      const known = livingProcess(this.lab, key);
      if (known !== undefined) await killProcesses([known]);
      rmSync(recordFile(this.lab, key), { force: true });
    }
  }
}

async function start(
  lab: string,
  key: string,
  { command, logFile }: { readonly command: readonly string[]; readonly logFile: string },
): Promise<void> {
  mkdirSync(dirname(logFile), { recursive: true });
  mkdirSync(labPaths(lab).processes, { recursive: true });
  const process = await startDetached({ lab, command, logFile });
  if (process !== undefined) writeJson(recordFile(lab, key), process);
}

/** True until the keeper has ended a process that is not wanted any more. */
export function isRecorded(lab: string, key: string): boolean {
  return existsSync(recordFile(lab, key));
}

/** File that says which process was started last for a key. */
function recordFile(lab: string, key: string): string {
  return join(labPaths(lab).processes, `${key}.json`);
}
