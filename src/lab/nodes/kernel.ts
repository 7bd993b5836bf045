/** Network namespaces of a lab, made, wired and removed with iproute2. I/O edge. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LabError } from './errors.js';
import { labOfNamespace } from './names.js';
import type { Wiring } from './wiring.js';

/** Where iproute2 keeps network namespaces that have a name. */
const NAMESPACES_FOLDER = '/run/netns';
/** Not on every root's PATH. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** What a lab needs of the system. */
const PROGRAMS = ['ip', 'nsenter', 'nft', 'conntrack', 'sysctl', 'ping'];

/** PATH for programs of the system. */
export function systemPath(): string {
  return [process.env['PATH'] ?? '', ...SYSTEM_FOLDERS].join(delimiter);
}

/** Throws `LabError` with code `requirement`, naming all that is missing in one line. */
export function requireSystem(programs: readonly string[] = PROGRAMS): void {
  const folders = systemPath().split(delimiter);
  const missing = programs.filter(
    (program) => !folders.some((folder) => existsSync(join(folder, program))),
  );
  const root = process.getuid?.() === 0 ? [] : ['root'];
  const lacking = [...root, ...missing];
  if (lacking.length === 0) return;
  throw new LabError({
    code: 'requirement',
    op: 'check system',
    message: `missing: ${lacking.join(', ')}; the lab needs Linux, root, and the programs ${PROGRAMS.join(', ')}`,
  });
}

/** Names of the network namespaces of one lab, or of all labs. */
export function labNamespaces(lab?: string): string[] {
  if (!existsSync(NAMESPACES_FOLDER)) return [];
  return readdirSync(NAMESPACES_FOLDER)
    .filter((name) => {
      const owner = labOfNamespace(name);
      return owner !== undefined && (lab === undefined || owner === lab);
    })
    .sort();
}

/** File of a namespace, which `nsenter --net=` takes. */
export function namespaceFile(namespace: string): string {
  return join(NAMESPACES_FOLDER, namespace);
}

/** True if there is a namespace of the name. */
export function namespaceExists(namespace: string): boolean {
  return existsSync(namespaceFile(namespace));
}

/** Makes namespaces; those that are there already stay. */
export async function addNamespaces(namespaces: readonly string[]): Promise<void> {
  const missing = namespaces.filter((name) => !namespaceExists(name));
  await batch(missing.map((name) => `netns add ${name}`));
}

/** Removes namespaces and all that is in them. One that is not there is no error. */
export async function deleteNamespaces(namespaces: readonly string[]): Promise<void> {
  const there = namespaces.filter(namespaceExists);
  await batch(there.map((name) => `netns del ${name}`));
}

/** Wires one namespace. */
export async function wire({ namespace, links, sysctls, commands }: Wiring): Promise<void> {
  const script = [
    ...batchScript(links),
    ...sysctls.map(([path, value]) => `echo ${value} > /proc/sys/net/${path}`),
    ...batchScript(commands),
  ];
  await run(['nsenter', `--net=${namespaceFile(namespace)}`, 'sh', '-e'], script.join('\n'));
}

/** Runs commands of `ip -batch` in a namespace. */
export async function commandsIn(namespace: string, commands: readonly string[]): Promise<void> {
  await wire({ namespace, links: [], sysctls: [], commands });
}

/** True if an interface of this name is in the namespace. */
export async function hasLink(namespace: string, link: string): Promise<boolean> {
  try {
    await run(['ip', '-n', namespace, 'link', 'show', 'dev', link], '');
    return true;
  } catch {
    return false;
  }
}

/** Ids of the processes in a namespace; none where it is just being removed. */
export async function processesIn(namespace: string): Promise<number[]> {
  try {
    const text = await run(['ip', 'netns', 'pids', namespace], '');
    return text.split('\n').filter(Boolean).map(Number);
  } catch (error) {
    if (namespaceExists(namespace)) throw error;
    return [];
  }
}

async function batch(commands: readonly string[]): Promise<void> {
  if (commands.length > 0) await run(['ip', '-batch', '-'], `${commands.join('\n')}\n`);
}

function batchScript(commands: readonly string[]): string[] {
  return commands.length === 0 ? [] : ["ip -batch - <<'END'", ...commands, 'END'];
}

function run(command: readonly string[], input: string): Promise<string> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, PATH: systemPath() } });
    let [output, complaint] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    // A program that ends early breaks the pipe; its exit code tells it better.
    child.stdin.on('error', () => undefined);
    child.once('error', (cause) => reject(failed(command, cause.message, cause)));
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(failed(command, complaint)),
    );
    child.stdin.end(input);
  });
}

function failed(command: readonly string[], message: string, cause?: unknown): LabError {
  const op = command.join(' ');
  return new LabError({ code: 'kernel', op, message: message.trim() || 'failed', cause });
}
