/** Files of a lab: its state, the steps of its cluster, what its processes say of themselves. I/O edge. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { Cluster, type ClusterStep } from './cluster.js';
import { LabError } from './errors.js';
import type { LabPlan } from './model.js';
import { checkLabName, labPaths, LABS_FOLDER } from './names.js';
import { isAlive, type ProcessIdentity } from './processes.js';

const LOG_TAIL_CHARACTERS = 300;

/** What is kept of a lab on disk. */
export interface LabState extends LabPlan {
  readonly name: string;
  /** `building` = not up yet. */
  readonly phase: 'building' | 'up';
  /** Who builds it. */
  readonly builder: ProcessIdentity;
  /** Folder whose further steps are still to come; empty for none. */
  readonly scenario: string;
  /** Names of steps of `scenario` that were applied. */
  readonly stepsApplied: readonly string[];
}

/** What the Felix of a node says of itself. */
export interface FelixState {
  readonly pid: number;
  /** Number of the last step whose effect the XPU has; -1 = none. */
  readonly step: number;
  /** Messages told to the driver for it. */
  readonly messages: number;
  /** Why a step is not applied; empty when it is. */
  readonly problem: string;
}

/** Names of labs that have a folder. */
export function labNames(): string[] {
  if (!existsSync(LABS_FOLDER)) return [];
  return readdirSync(LABS_FOLDER)
    .filter((name) => !name.startsWith('.'))
    .sort();
}

/** The lab of that name; of none given the only one there is. Throws `LabError` with code `absent` or `name`. */
export function findLab(name: string | undefined): LabState {
  const [only, ...more] = name === undefined ? labNames() : [checkLabName(name)];
  if (only === undefined) throw absent('there is no lab: calico-xpu lab up makes one');
  if (more.length > 0) {
    const all = [only, ...more].join(', ');
    throw new LabError({ code: 'name', op: 'find lab', message: `--name which one? ${all}` });
  }
  const state = readLab(only);
  if (state === undefined) throw absent(`there is no lab ${only}`);
  return state;
}

/** State of a lab; `undefined` where there is none, or one whose building was interrupted at its beginning. */
export function readLab(name: string): LabState | undefined {
  return readJson<LabState>(labPaths(name).state);
}

/** True for a lab whose builder is gone before it was up. */
export function isWreck(name: string): boolean {
  const state = readLab(name);
  return state === undefined || (state.phase === 'building' && !isAlive(state.builder));
}

/** What the kernel says of a folder that is there. */
const TAKEN: ReadonlySet<string> = new Set(['EEXIST', 'ENOTEMPTY']);

/** Makes the folder of a new lab, with its state in it. False if there is one of the name already. */
export function createLab(state: LabState): boolean {
  const draft = join(LABS_FOLDER, `.${state.name}.${process.pid}`);
  mkdirSync(draft, { recursive: true });
  writeJson(join(draft, basename(labPaths(state.name).state)), state);
  try {
    renameSync(draft, labPaths(state.name).folder);
    return true;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (TAKEN.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Writes the state, all or nothing. */
export function writeLab(state: LabState): void {
  writeJson(labPaths(state.name).state, state);
}

/** Writes JSON, all or nothing. */
export function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 1)}\n`);
  renameSync(`${path}.new`, path);
}

/** Reads JSON; `undefined` where there is none. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** The end of a process's log; empty where it said nothing. */
export function logTail(file: string): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trim().slice(-LOG_TAIL_CHARACTERS);
}

/** Removes all files of a lab, or of a verdict run. */
export function removeLabFiles(name: string): void {
  const { folder, verdictRun } = labPaths(name);
  for (const one of [folder, verdictRun]) rmSync(one, { recursive: true, force: true });
  try {
    rmdirSync(LABS_FOLDER);
  } catch {
    // Not there, or somebody else's lab is in it.
  }
}

/** Keeps a step; its number is how many there were before. Fails where somebody else keeps one at the same time. */
export function keepStep(lab: string, step: ClusterStep): number {
  const { steps } = labPaths(lab);
  mkdirSync(steps, { recursive: true });
  const number = stepFolders(lab).length;
  const folder = join(steps, `${String(number).padStart(4, '0')}-${step.name}`);
  const draft = join(steps, '.draft');
  claim(draft);
  for (const { name, text } of step.files) writeFileSync(join(draft, basename(name)), text);
  renameSync(draft, folder);
  return number;
}

/** All steps of a lab from number `from` on. */
export function readSteps(lab: string, from = 0): ClusterStep[] {
  const { steps } = labPaths(lab);
  return stepFolders(lab)
    .slice(from)
    .map((folder) => ({
      name: folder.slice(folder.indexOf('-') + 1),
      files: readdirSync(join(steps, folder))
        .sort()
        .map((name) => ({ name, text: readFileSync(join(steps, folder, name), 'utf8') })),
    }));
}

/** The cluster as of the last step. */
export function readCluster(lab: string): Cluster {
  const cluster = new Cluster();
  for (const step of readSteps(lab)) cluster.apply(step);
  return cluster;
}

function stepFolders(lab: string): string[] {
  const { steps } = labPaths(lab);
  return existsSync(steps)
    ? readdirSync(steps)
        .filter((name) => /^\d/.test(name))
        .sort()
    : [];
}

function claim(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (cause) {
    const message = 'another step is being applied just now';
    throw new LabError({ code: 'exists', op: 'apply', message, cause });
  }
}

function absent(message: string): LabError {
  return new LabError({ code: 'absent', op: 'find lab', message });
}
