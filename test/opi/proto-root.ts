/** The .proto files of opi-proto/ as reflection, comments and options included. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { loadRoot } from '../../scripts/generate/load.js';

/** Repository root. */
export const REPOSITORY = join(import.meta.dirname, '..', '..');

/** Paths of the files below a folder of opi-proto/, relative to the repository. */
export function protoFiles(folder: string): string[] {
  return readdirSync(join(REPOSITORY, 'opi-proto', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto'))
    .map((name) => join('opi-proto', folder, name))
    .sort();
}

/** Text of a file. */
export function protoText(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

/** Everything of opi-proto/network and opi-proto/softxpu. */
export function loadOpiProtos(): protobuf.Root {
  const files = [...protoFiles('network'), ...protoFiles('softxpu')];
  return loadRoot(REPOSITORY, files, ['opi-proto']);
}

/** Every element of a namespace, itself left out, depth first. */
export function elementsOf(parent: protobuf.NamespaceBase): protobuf.ReflectionObject[] {
  return parent.nestedArray.flatMap((element) => [
    element,
    ...(element instanceof protobuf.Namespace ? elementsOf(element) : []),
  ]);
}

/** Values that an option has on an element; several where it is repeated. */
export function optionsOf(element: protobuf.ReflectionObject, name: string): unknown[] {
  const parsed = (element.parsedOptions ?? []) as readonly Record<string, unknown>[];
  const plain: unknown = element.options?.[name];
  const found = parsed.filter((each) => name in each).map((each) => each[name]);
  return found.length > 0 || plain === undefined ? found : [plain];
}
