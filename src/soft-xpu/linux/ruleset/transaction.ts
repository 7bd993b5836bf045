/**
 * The text of one nft transaction. Order: what is new, then chains emptied and filled again, elements, and last what
 * nobody uses any more. It never replaces or inserts a rule and never lists: nft would read the whole table first.
 */
import { MARK, TABLE_NAME } from '../names.js';
import { renewMark } from './mark.js';
import type { Chain } from './part.js';
import type { ElementChanges } from './elements.js';

/** How the objects of one kind changed, by name. */
export interface TableDifference<T> {
  readonly created: readonly (readonly [string, T])[];
  readonly changed: readonly (readonly [string, T])[];
  readonly removed: readonly string[];
}

/** Everything that changed. Counters never change, and a set's type is part of its name. */
export interface TableChange {
  readonly counters: TableDifference<true>;
  readonly sets: TableDifference<string>;
  readonly chains: TableDifference<Chain>;
  readonly elements: ElementChanges;
}

/** Elements in one command. */
const ELEMENTS_MAX = 500;

const TABLE = `inet ${TABLE_NAME}`;

/** What stands before the first transaction of a table, so that it takes the place of the one that is there. */
export const REPLACE_TABLE = `add table ${TABLE}\ndelete table ${TABLE}\nadd table ${TABLE}\n`;

/**
 * ARP asks for routes as packets do. Where the namespace is ours alone, or by the uplink, it asks as what is routed by
 * destination: so the uplink's proxy finds the local Mappings.
 */
export function arpTable(foreign: boolean, uplink: string | undefined): string {
  const table = `table arp ${TABLE_NAME}`;
  if (foreign && uplink === undefined) return '';
  const from = foreign ? `iifname "${uplink}" ` : '';
  const chain = `arp ${TABLE_NAME} entry`;
  return [
    `add ${table}`,
    `delete ${table}`,
    `add ${table}`,
    `add chain ${chain} { type filter hook input priority 0; policy accept; }`,
    `add rule ${chain} ${from}${renewMark(MARK.byDestination)}`,
    '',
  ].join('\n');
}

/** The transaction; '' if nothing changed. */
export function transactionText({ counters, sets, chains, elements }: TableChange): string {
  const lines: string[] = [];
  for (const [name] of chains.changed) lines.push(`flush chain ${TABLE} ${name}`);
  for (const name of chains.removed) lines.push(`flush chain ${TABLE} ${name}`);
  lines.push(...tableBlock(counters, sets, chains));
  elementCommands(lines, 'delete', elements.removed, new Set(sets.removed));
  elementCommands(lines, 'add', elements.added, new Set(sets.removed));
  for (const name of chains.removed) lines.push(`delete chain ${TABLE} ${name}`);
  for (const name of sets.removed) lines.push(`delete set ${TABLE} ${name}`);
  for (const name of counters.removed) lines.push(`delete counter ${TABLE} ${name}`);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function tableBlock(
  counters: TableChange['counters'],
  sets: TableChange['sets'],
  chains: TableChange['chains'],
): string[] {
  const lines = [
    ...counters.created.map(([name]) => `counter ${name} { }`),
    ...sets.created.map(([, declaration]) => declaration),
    ...chains.created.map(([name, chain]) => chainBlock(name, chain)),
    ...chains.changed.map(([name, { lines: rules }]) =>
      chainBlock(name, { hook: '', lines: rules }),
    ),
  ];
  return lines.length === 0 ? [] : [`table ${TABLE} {`, ...lines, '}'];
}

function chainBlock(name: string, { hook, lines }: Chain): string {
  const inside = hook === '' ? lines : [hook, ...lines];
  return [`chain ${name} {`, ...inside, '}'].join('\n');
}

/** Elements of sets that go altogether go with them. */
function elementCommands(
  lines: string[],
  verb: 'add' | 'delete',
  elements: ReadonlyMap<string, readonly string[]>,
  goneSets: ReadonlySet<string>,
): void {
  for (const [set, texts] of elements) {
    if (goneSets.has(set)) continue;
    for (let from = 0; from < texts.length; from += ELEMENTS_MAX) {
      const some = texts.slice(from, from + ELEMENTS_MAX).join(', ');
      lines.push(`${verb} element ${TABLE} ${set} { ${some} }`);
    }
  }
}
