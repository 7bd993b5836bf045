/** The style rules that are always right; each gives one line per breach. */
import type { Measures, Spot } from './measure.js';

/** Longest file under `src/`, lines. */
export const FILE_LINES_MAX = 400;

/** Longest function, lines. */
export const FUNCTION_LINES_MAX = 70;

/** A rule over single files: what it forbids, where it holds, and what breaks it. */
export interface FileRule {
  readonly forbids: string;
  readonly under: readonly string[];
  breaches(file: Measures): readonly Spot[];
}

const EVERYWHERE = ['src/', 'test/', 'bench/', 'scripts/'];

/** All rules over single files. */
export const FILE_RULES: readonly FileRule[] = [
  {
    forbids: `files over ${FILE_LINES_MAX} lines`,
    under: ['src/'],
    breaches: (file) =>
      file.lines > FILE_LINES_MAX ? [{ name: `${file.lines} lines`, line: 1 }] : [],
  },
  {
    forbids: `functions over ${FUNCTION_LINES_MAX} lines`,
    under: EVERYWHERE,
    breaches: (file) =>
      file.functions
        .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
        .map(({ name, line, lines }) => ({ name: `${name} has ${lines} lines`, line })),
  },
  { forbids: 'use of the type any', under: EVERYWHERE, breaches: (file) => file.anys },
  {
    forbids: 'comments that promise work for later',
    under: EVERYWHERE,
    breaches: (file) => file.promises,
  },
  {
    forbids: 'exports without a comment of their own',
    under: ['src/'],
    breaches: (file) => file.undocumented,
  },
  {
    forbids: 'files that do not open with their duty',
    under: ['src/', 'bench/', 'scripts/'],
    breaches: (file) => (file.hasHead ? [] : [{ name: 'no comment at the head', line: 1 }]),
  },
  {
    forbids: 'tests left out or singled out in the code',
    under: ['test/'],
    breaches: (file) => file.partial,
  },
];

/** One line per breach of `rule` in `files`. */
export function breachesOf(rule: FileRule, files: readonly Measures[]): string[] {
  return files
    .filter(({ path }) => rule.under.some((folder) => path.startsWith(folder)))
    .flatMap((file) => rule.breaches(file).map(({ name, line }) => `${file.path}:${line} ${name}`));
}

/** Files that nothing refers to: neither imported nor started by path, and no entry of their own. */
export function deadFiles(files: readonly Measures[]): string[] {
  const referred = new Set(
    files.flatMap((file) =>
      file.references.map((text) => {
        const target = new URL(text, `file:///${file.path}`).pathname.slice(1);
        return target.replace(/\.js$/, '.ts');
      }),
    ),
  );
  return files
    .map(({ path }) => path)
    .filter((path) => /^(src|test|bench)\//.test(path) && !isEntry(path) && !referred.has(path));
}

function isEntry(path: string): boolean {
  return path === 'src/main.ts' || path.startsWith('bench/') || path.endsWith('.test.ts');
}

/** Titles (`# ...` outside of code blocks) of a markdown text. */
export function titlesOf(markdown: string): string[] {
  let inBlock = false;
  return markdown.split('\n').filter((line) => {
    if (/^\s*(```|~~~)/.test(line)) inBlock = !inBlock;
    return !inBlock && /^# /.test(line);
  });
}

/** Links of a markdown text to other files of the repository, anchors cut off. */
export function fileLinksOf(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target));
}
