/** The repository's own files, as the style rules see them. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { measure } from './measure.js';
import type { Measures } from './measure.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Generated and recorded files are what their makers wrote. */
const FOREIGN = ['src/gen/', 'test/recordings/', 'examples/recordings/', 'node_modules/', 'dist/'];

/** Measures of every TypeScript file of ours. */
export function ownSources(): Measures[] {
  return ['src', 'test', 'bench', 'scripts']
    .flatMap(filesUnder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => measure(file, readOwn(file)));
}

/** Paths of every markdown file, READMEs of recordings included. */
export function ownDocuments(): string[] {
  return filesUnder('.').filter((file) => file.endsWith('.md'));
}

/** Folders of `src/` that hold a module: the first level. */
export function moduleFolders(): string[] {
  return readdirSync(path.join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `src/${entry.name}`);
}

/** Text of one file, by its path from the root. */
export function readOwn(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** Whether a file or folder is there, by its path from the root. */
export function isThere(file: string): boolean {
  return existsSync(path.join(ROOT, file));
}

/** Absolute paths of what ships or runs as shell, each with the shell its first line names. */
export function shellScripts(): { file: string; shell: string }[] {
  return [...filesUnder('packaging'), '.ci/run'].flatMap((file) => {
    const shell = /^#!.*\b(bash|sh)\n/.exec(readOwn(file))?.[1];
    return shell === undefined ? [] : [{ file: path.join(ROOT, file), shell }];
  });
}

function filesUnder(folder: string): string[] {
  const top = path.join(ROOT, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .map((entry) => ({ entry, file: path.posix.join(folder, entry.name) }))
    .filter(({ entry, file }) => !FOREIGN.includes(entry.isDirectory() ? `${file}/` : file))
    .flatMap(({ entry, file }) => (entry.isDirectory() ? filesUnder(file) : [file]));
}
