/**
 * What a linux data plane keeps on disk: its identity and every object, as a snapshot and the changes since. Pure text.
 *
 * A snapshot is a first line of JSON and a dump of the store; a journal is one line of JSON a change.
 */
import type { KeyText } from '../../opi/objects/key.js';
import { LinuxError } from './errors.js';

/** How far a data plane has come. */
export interface SavedPlace {
  /** Number of the ruleset's last change: what the kernel's table must be at. */
  readonly position: number;
  /** Number of commits so far: the generation of policy. */
  readonly generation: number;
  /** Numbers of routing domains by Vpc id. */
  readonly domains: Readonly<Record<string, number>>;
  /** Addresses that were left, whose flows the kernel may still know. */
  readonly left: readonly LeftAddress[];
}

/** An address in a routing domain, by its number: its Vpc may be gone. */
export interface LeftAddress {
  readonly domain: number;
  readonly ip: string;
}

/** Identity and place of a data plane. */
export interface SavedHeader extends SavedPlace {
  /** Form of the file. */
  readonly version: 1;
  readonly bootId: string;
  /** What the ruleset depends on beside the objects, as text. */
  readonly shape: string;
  /** File name of the journal that continues the snapshot. */
  readonly journal: string;
}

/** One change of the state. */
export interface SavedChange extends SavedPlace {
  /** Spec of each changed object; null = it is gone. */
  readonly objects: Readonly<Record<KeyText, object | null>>;
  /** Members that came and went, by group id; `anew`: what the group had before is gone. */
  readonly members: Readonly<
    Record<string, readonly [added: string[], removed: string[], anew: boolean]>
  >;
}

/** A state that was read. */
export interface SavedState extends SavedHeader {
  /** The objects in the form of a store's dump. */
  readonly dump: string;
}

const DUMP_LINE = /^(\S+) (\{.*?\})(?: (\[.*\]))?$/;

/** Text of a snapshot. */
export function snapshotText(header: SavedHeader, dump: string): string {
  return `${JSON.stringify(header)}\n${dump}`;
}

/** Line of a change. */
export function changeLine(change: SavedChange): string {
  return `${JSON.stringify(change)}\n`;
}

/** Header of a snapshot. Throws LinuxError `state` if it cannot be read. */
export function headerOf(snapshot: string): SavedHeader {
  const end = snapshot.indexOf('\n');
  const header = parsed(snapshot.slice(0, end < 0 ? undefined : end)) as Partial<SavedHeader>;
  const { version, bootId, shape, position, generation, domains, left = [], journal } = header;
  const sound =
    version === 1 &&
    typeof bootId === 'string' &&
    typeof shape === 'string' &&
    typeof position === 'number' &&
    typeof generation === 'number' &&
    typeof domains === 'object' &&
    typeof journal === 'string';
  if (!sound) throw unreadable(`version ${String(version)} of the snapshot`);
  return { version, bootId, shape, position, generation, domains, left, journal };
}

/**
 * State that a snapshot and its journal tell. A last line of the journal that was not written to its end is left out: the
 * change was not answered, and the kernel does not have it.
 */
export function foldState(snapshot: string, journal: string): SavedState {
  let header = headerOf(snapshot);
  const objects = new Map<string, string>();
  const members = new Map<string, Set<string>>();
  for (const line of snapshot.slice(snapshot.indexOf('\n') + 1).split('\n')) {
    if (line !== '') readDumpLine(line, objects, members);
  }
  const lines = journal.split('\n');
  lines.pop(); // What stands behind the last line end is torn, or nothing.
  for (const line of lines) {
    const change = parsed(line) as SavedChange;
    const { position, generation, domains, left } = change;
    header = { ...header, position, generation, domains, left };
    applyChange(change, objects, members);
  }
  return { ...header, dump: dumpText(objects, members) };
}

function readDumpLine(
  line: string,
  objects: Map<string, string>,
  members: Map<string, Set<string>>,
): void {
  const [, key, spec, texts] = DUMP_LINE.exec(line) ?? [];
  if (key === undefined || spec === undefined) throw unreadable(line.slice(0, 100));
  objects.set(key, spec);
  if (texts !== undefined) members.set(groupId(key), new Set(parsed(texts) as string[]));
}

function applyChange(
  change: SavedChange,
  objects: Map<string, string>,
  members: Map<string, Set<string>>,
): void {
  for (const [key, spec] of Object.entries(change.objects)) {
    if (spec === null) {
      objects.delete(key);
      members.delete(groupId(key));
    } else objects.set(key, JSON.stringify(spec));
  }
  for (const [id, [added, removed, anew]] of Object.entries(change.members)) {
    let texts = members.get(id);
    if (texts === undefined || anew) members.set(id, (texts = new Set()));
    for (const text of removed) texts.delete(text);
    for (const text of added) texts.add(text);
  }
}

function dumpText(
  objects: ReadonlyMap<string, string>,
  members: ReadonlyMap<string, ReadonlySet<string>>,
): string {
  const lines = [...objects].map(([key, spec]) => {
    if (!key.startsWith('addressGroup/')) return `${key} ${spec}\n`;
    return `${key} ${spec} ${JSON.stringify([...(members.get(groupId(key)) ?? [])])}\n`;
  });
  return lines.join('');
}

function groupId(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(text.slice(0, 100), cause);
  }
}

function unreadable(what: string, cause?: unknown): LinuxError {
  const message = `${JSON.stringify(what)} cannot be understood`;
  return new LinuxError({ code: 'state', op: 'read state', message, cause });
}
