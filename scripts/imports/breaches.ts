/** What in a tree of sources, or in the table itself, breaks the architecture. One line per breach. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import type { ICruiseResult } from 'dependency-cruiser';
import { importRules } from './rules.js';
import type { Module } from './table.js';

/** Imports under `src/` of the package at `root` that a rule forbids. */
export async function importBreaches(root: string): Promise<string[]> {
  const rules = importRules();
  const { output } = await cruise(['src'], {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: rules },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  });
  const comments = new Map(rules.map((rule) => [rule.name, rule.comment ?? '']));
  return (output as ICruiseResult).summary.violations.map(
    ({ from, to, rule }) => `${from} -> ${to}: ${rule.name}. ${comments.get(rule.name) ?? ''}`,
  );
}

/** Files of `src/` that belong to no module of the table. */
export function homelessFiles(root: string, table: readonly Module[]): string[] {
  return readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter(
      (file) => !table.some(({ name }) => file === `${name}.ts` || file.startsWith(`${name}/`)),
    )
    .map((file) => `src/${file}: belongs to no module of scripts/imports/table.ts`);
}

/** Rows that import an unknown module, or one that is not below. */
export function tableFaults(table: readonly Module[]): string[] {
  const ranks = new Map(table.map((module) => [module.name, module.rank]));
  const rankOf = (name: string): number =>
    ranks.get(name) ?? ranks.get(path.posix.dirname(name)) ?? Infinity;
  return table.flatMap((module) =>
    [...module.imports, ...(module.typesOf ?? [])]
      .filter((name) => name !== '*' && rankOf(name) >= module.rank)
      .map((name) => `table: ${module.name} imports ${name}, which is not a module of lower rank`),
  );
}
