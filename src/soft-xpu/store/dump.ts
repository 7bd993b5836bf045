/**
 * The store as text: one line per object, sorted, by id and spec, with the members of groups. Boot id, etag, generation
 * and server name are left out, so that two XPUs in the same state give the same bytes. The form is `dumpPlan`'s.
 */
import { keyText, OBJECT_KINDS, parseKeyText, type KeyText } from '../../opi/objects/key.js';
import { specText } from '../../opi/objects/plan.js';
import type { AnyObject } from '../../opi/objects/specs.js';
import { invalidField } from './errors.js';
import type { ObjectStore, StoreOperation } from './object-store.js';

const LINE = /^([a-zA-Z]+\/[^\s/]+) (\{.*\})(?: (\[.*\]))?$/;

/** Text of every object. Ends with a line end unless it is empty. */
export function dumpStore(store: ObjectStore): string {
  const lines = OBJECT_KINDS.flatMap((kind) =>
    store.list(kind).map(({ object }) => lineOf(object, store)),
  );
  return lines.length === 0 ? '' : `${lines.sort().join('\n')}\n`;
}

/**
 * Puts the objects of a dump in place of whatever the store holds, all or nothing.
 * @throws StoreError INVALID_ARGUMENT naming the line that cannot be read, or what any other write may throw.
 */
export function loadStore(store: ObjectStore, text: string): void {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const creates = lines.map((line, index) => createOf(line, index + 1));
  try {
    store.replaceAll(creates, OBJECT_KINDS);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidField('load dump', 'text', `a spec lacks a field: ${error.message}`);
  }
}

function lineOf(object: AnyObject, store: ObjectStore): string {
  const text = `${keyText(object.key)} ${specText(object)}`;
  if (object.key.kind !== 'addressGroup') return text;
  const members = [...(store.group(object.key.id)?.members.texts() ?? [])].sort();
  return `${text} ${JSON.stringify(members)}`;
}

function createOf(line: string, number: number): StoreOperation {
  const [, name = '', spec = '', members] = LINE.exec(line) ?? [];
  const key = parseKeyText(name as KeyText);
  if (!OBJECT_KINDS.includes(key.kind)) throw unreadable(number, 'is no "kind/id {spec}" line');
  try {
    const object = { key, spec: JSON.parse(spec) as unknown } as AnyObject;
    if (members === undefined) return { op: 'create', object };
    return { op: 'create', object, members: { members: JSON.parse(members) as string[] } };
  } catch (error) {
    if (error instanceof SyntaxError) throw unreadable(number, `is no JSON: ${error.message}`);
    throw error;
  }
}

function unreadable(number: number, problem: string): Error {
  return invalidField('load dump', `line ${number}`, problem);
}
