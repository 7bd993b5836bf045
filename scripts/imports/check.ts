/** Holds the sources against the import table. Prints each breach with its rule; exit code 1 if there is one. */
import { readdirSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import type { ICruiseResult } from 'dependency-cruiser';
import { importRules } from './rules.js';
import { MODULES } from './table.js';

const breaches = [...homelessFiles(), ...tableFaults(), ...(await importBreaches())];
for (const breach of breaches) console.log(breach);
console.log(breaches.length === 0 ? 'imports follow the table' : `${breaches.length} breaches`);
process.exitCode = breaches.length === 0 ? 0 : 1;

/** Files of `src/` that belong to no module of the table. */
function homelessFiles(): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter(
      (file) => !MODULES.some(({ name }) => file === `${name}.ts` || file.startsWith(`${name}/`)),
    )
    .map((file) => `src/${file}: belongs to no module of scripts/imports/table.ts`);
}

/** Entries of the table that name an unknown module, or one that is not below. */
function tableFaults(): string[] {
  const ranks = new Map(MODULES.map((module) => [module.name, module.rank]));
  return MODULES.flatMap((module) =>
    [...module.imports, ...(module.typesOf ?? [])]
      .filter((name) => name !== '*')
      .filter(
        (name) =>
          (ranks.get(name) ?? ranks.get(name.split('/')[0] ?? '') ?? Infinity) >= module.rank,
      )
      .map((name) => `table: ${module.name} imports ${name}, which is not a module of lower rank`),
  );
}

async function importBreaches(): Promise<string[]> {
  const { output } = await cruise(['src'], {
    validate: true,
    ruleSet: { forbidden: importRules() },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'], exportsFields: ['exports'] },
  });
  const comments = new Map(importRules().map((rule) => [rule.name, rule.comment ?? '']));
  return (output as ICruiseResult).summary.violations.map(
    ({ from, to, rule }) => `${from} -> ${to}: ${rule.name}. ${comments.get(rule.name) ?? ''}`,
  );
}
