/** Takes a lab away, whole or in whatever state it was left: processes, namespaces, files. I/O edge. */
import { deleteNamespaces, labNamespaces, processesIn } from './kernel.js';
import { KEEPER_KEY } from './kept-processes.js';
import { livingProcess } from './keeper.js';
import { labNames, readLab, removeLabFiles } from './lab-files.js';
import { labOfNamespace } from './names.js';
import {
  endProcesses,
  identify,
  isAlive,
  killProcesses,
  markedLabs,
  markedProcesses,
  ownLine,
  type ProcessIdentity,
} from './processes.js';

/** What there was to remove. */
export interface Removed {
  readonly processes: number;
  readonly namespaces: number;
}

const ROUNDS_MAX = 20;

/** Names of all labs of which anything is there. */
export function labsWithRemains(): string[] {
  const owners = labNamespaces().flatMap((namespace) => labOfNamespace(namespace) ?? []);
  return [...new Set([...labNames(), ...owners, ...markedLabs()])].sort();
}

/** Removes all that a lab consists of. What is not there is no error. */
export async function removeLab(lab: string): Promise<Removed> {
  await endBuilderAndKeeper(lab);
  const own = ownLine();
  const ended = new Set<number>();
  // Something that was just being started may show up after a look: look until there is nothing.
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = [...markedProcesses(lab), ...(await inhabitants(lab))].filter(
      ({ pid }) => !own.has(pid),
    );
    if (found.length === 0) break;
    for (const { pid } of found) ended.add(pid);
    await endProcesses(found);
  }
  const namespaces = labNamespaces(lab);
  await deleteNamespaces(namespaces);
  removeLabFiles(lab);
  return { processes: ended.size, namespaces: namespaces.length };
}

/** First who would start others: they are not asked, so that none of them begins to clean up on its own. */
async function endBuilderAndKeeper(lab: string): Promise<void> {
  const state = readLab(lab);
  const keeper = livingProcess(lab, KEEPER_KEY);
  const builder =
    state?.phase === 'building' && isAlive(state.builder) && state.builder.pid !== process.pid
      ? [state.builder]
      : [];
  await killProcesses([...builder, ...(keeper === undefined ? [] : [keeper])]);
}

/** Whoever was started in the lab's namespaces by hand. */
async function inhabitants(lab: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const namespace of labNamespaces(lab)) {
    found.push(...(await processesIn(namespace)).flatMap((pid) => identify(pid) ?? []));
  }
  return found;
}
