/** Parses .proto files and everything they import into one reflection root. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import protobuf from 'protobufjs';

/**
 * Imports that only define options. Options are kept as texts, so their definitions are not needed here; they are in
 * the repository for protoc and other readers.
 */
const OPTION_IMPORTS = /^google\/(api\/.*|protobuf\/descriptor)\.proto$/;

/**
 * Loads `protos` (paths relative to `repository`) with their imports; names stay as written. Comments are kept.
 * Throws with the file name and line on a syntax error or an unresolvable import or type.
 */
export function loadRoot(
  repository: string,
  protos: readonly string[],
  includeDirs: readonly string[],
): protobuf.Root {
  const root = new protobuf.Root();
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const name of parseFile(root, repository, path)) {
      if (OPTION_IMPORTS.test(name)) continue;
      const found = includeDirs
        .map((dir) => join(dir, name))
        .find((p) => existsSync(join(repository, p)));
      if (found !== undefined) load(found);
      else addBundled(root, name, path, loaded);
    }
  };
  for (const path of protos) load(path);
  root.resolveAll();
  return root;
}

/** Parses one file into `root`; returns its imports. */
function parseFile(root: protobuf.Root, repository: string, path: string): readonly string[] {
  const source = readFileSync(join(repository, path), 'utf8');
  // The parser names this file in its syntax errors.
  (protobuf.parse as { filename?: string | null }).filename = path;
  const parsed = protobuf.parse(source, root, { keepCase: true, alternateCommentMode: true });
  return [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])];
}

/** Google's well-known types come with the protobuf runtime. */
function addBundled(
  root: protobuf.Root,
  name: string,
  importer: string,
  loaded: Set<string>,
): void {
  if (loaded.has(name)) return;
  loaded.add(name);
  const bundled = protobuf.common.get(name);
  if (bundled?.nested === undefined) throw new Error(`${importer}: cannot find import ${name}`);
  root.addJSON(bundled.nested);
}
