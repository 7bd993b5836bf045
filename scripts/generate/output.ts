/** Formats generated modules, writes them, or compares them with what is committed. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import prettier from 'prettier';

/** One generated module; `name` is relative to the package's output folder. */
export interface GeneratedFile {
  readonly name: string;
  readonly text: string;
}

/** The files as prettier prints them with this repository's style. */
export async function formatFiles(
  files: readonly GeneratedFile[],
): Promise<readonly GeneratedFile[]> {
  const options = {
    parser: 'typescript',
    printWidth: 100,
    singleQuote: true,
    trailingComma: 'all',
  } as const;
  return Promise.all(
    files.map(async ({ name, text }) => ({ name, text: await prettier.format(text, options) })),
  );
}

/** Writes the files and removes modules of earlier runs that are no longer generated. */
export function writeOutput(outDir: string, files: readonly GeneratedFile[]): void {
  mkdirSync(outDir, { recursive: true });
  for (const stale of staleFiles(outDir, files)) rmSync(stale);
  for (const { name, text } of files) writeFileSync(join(outDir, name), text);
}

/** Paths that are missing, differ, or should not be there. */
export function compareOutput(outDir: string, files: readonly GeneratedFile[]): readonly string[] {
  const differing = files
    .map(({ name, text }) => ({ path: join(outDir, name), text }))
    .filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(({ path }) => path);
  return [...differing, ...staleFiles(outDir, files)];
}

function staleFiles(outDir: string, files: readonly GeneratedFile[]): readonly string[] {
  const wanted = new Set(files.map(({ name }) => name));
  const present = existsSync(outDir) ? readdirSync(outDir) : [];
  return present.filter((name) => !wanted.has(name)).map((name) => join(outDir, name));
}
