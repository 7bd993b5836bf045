/** ARCHITECTURE.md's picture and table of modules, written from the import table. */
import { existsSync } from 'node:fs';
import { MODULES } from './table.js';
import type { Module } from './table.js';

const BEGIN = '<!-- modules: written by `npm run architecture` from scripts/imports/table.ts -->';
const END = '<!-- end of modules -->';

/** `document` with the text between the two markers replaced. Throws when it has no such place. */
export function withModules(document: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`no place for the modules: ${BEGIN} ... ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${modules()}\n\n${document.slice(end)}`;
}

function modules(): string {
  const present = MODULES.filter(exists);
  const later = MODULES.filter((module) => !exists(module)).map(({ name }) => `\`src/${name}\``);
  return [
    'A module imports only what its row names, and always from a lower rank:',
    ['```', ...picture(present), '```'].join('\n'),
    table(present),
    'All other files are pure: no disk, no socket, no process. Types only: shapes may be known, code not called.',
    ...(later.length === 0
      ? []
      : [`Their place is decided, their code is still to come: ${later.join(', ')}.`]),
  ].join('\n\n');
}

function exists(module: Module): boolean {
  return existsSync(`src/${module.name}`) || existsSync(`src/${module.name}.ts`);
}

function picture(present: readonly Module[]): string[] {
  const ranks = [...new Set(present.map((module) => module.rank))].sort((a, b) => b - a);
  return ranks.map((rank) => {
    const names = present.filter((module) => module.rank === rank).map(({ name }) => name);
    return `${rank} | ${names.join('   ')}`;
  });
}

function table(present: readonly Module[]): string {
  const rows = present.map((module) =>
    [`\`src/${module.name}\``, module.rank, imports(module), files(module.io), module.duty].join(
      ' | ',
    ),
  );
  return [
    '| Module | Rank | May import | I/O only in | Duty |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

function imports(module: Module): string {
  if (module.imports.includes('*')) return 'all below';
  const types = (module.typesOf ?? []).map((name) => `${name} (types only)`);
  return [...module.imports, ...types].join(', ') || '-';
}

function files(io: readonly string[] = []): string {
  return io.includes('*') ? 'any file' : io.join(', ') || '-';
}
