/** Who may talk to whom, asked of an XPU packet by packet. */
import type { DebugClient, WalkResult } from '../../opi/client/debug.js';
import type { Place, Service } from './probes.js';

/** What became of the first packet of one flow. */
export interface Cell {
  readonly from: Place;
  readonly to: Place;
  readonly service: Service;
  readonly allowed: boolean;
  /** What decided: a rule's id, or the default that did. */
  readonly by: string;
}

const SOURCE_PORT = 40_000;

/** Sends one packet for every pair and service. */
export async function askMatrix(
  debug: DebugClient,
  places: readonly Place[],
  services: readonly Service[],
): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const from of places) {
    for (const to of places.filter((place) => place !== from)) {
      for (const service of services) cells.push(await ask(debug, { from, to, service }));
    }
  }
  return cells;
}

async function ask(
  debug: DebugClient,
  { from, to, service }: Pick<Cell, 'from' | 'to' | 'service'>,
): Promise<Cell> {
  const result = await debug.walk({
    entry: from.port,
    freshConnections: true,
    packet: {
      source: from.address,
      destination: to.address,
      protocol: service.protocol,
      sourcePort: SOURCE_PORT,
      destinationPort: service.port,
    },
  });
  return { from, to, service, allowed: result.verdict === 'ALLOW', by: decidedBy(result) };
}

function decidedBy({ decision, dropReason }: WalkResult): string {
  if (decision === undefined) return dropReason === '' ? 'no policy in the way' : dropReason;
  if (decision.ruleId !== '') return decision.ruleId;
  const place = [decision.stage, decision.tierId].filter((part) => part !== '').join(' ');
  return `${decision.kind.toLowerCase().replaceAll('_', ' ')} ${place}`.trim();
}

/** Rows `from`, columns `to`; a cell lists the services that pass. */
export function matrixText(
  cells: readonly Cell[],
  places: readonly Place[],
  services: readonly Service[],
): string {
  const names = places.map(({ name }) => name);
  const rows = places.map((from) => [
    from.name,
    ...places.map((to) => (from === to ? '.' : cellText(cells, from, to, services))),
  ]);
  return tableText([['from \\ to', ...names], ...rows]);
}

function cellText(
  cells: readonly Cell[],
  from: Place,
  to: Place,
  services: readonly Service[],
): string {
  const passing = cells.filter((cell) => cell.from === from && cell.to === to && cell.allowed);
  if (passing.length === 0) return '-';
  if (passing.length === services.length) return 'all';
  return passing.map(({ service }) => service.label).join(' ');
}

/** Pairs that pass, with the rule that let them in, grouped by rule. */
export function rulesText(cells: readonly Cell[]): string {
  const flows = new Map<string, string[]>();
  for (const { from, to, service, allowed, by } of cells) {
    if (!allowed || !policed({ from, to })) continue;
    const list = flows.get(by) ?? [];
    list.push(`${from.name} > ${to.name} ${service.label}`);
    flows.set(by, list);
  }
  return [...flows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([rule, list]) => `  ${rule}\n    ${shorten(list)}`)
    .join('\n');
}

/** Places that are gone, and flows whose verdict differs between two matrices. */
export function differenceText(before: readonly Cell[], after: readonly Cell[]): string {
  const known = new Map(before.map((cell) => [cellKey(cell), cell]));
  const left = new Set(after.map(({ from }) => from.name));
  const gone = [...new Set(before.map(({ from }) => from.name))].filter((name) => !left.has(name));
  const lines = after.flatMap((cell) => {
    const was = known.get(cellKey(cell))?.allowed ?? false;
    if (was === cell.allowed || !policed(cell)) return [];
    const change = cell.allowed ? 'now passes' : 'now stops ';
    return [
      `  ${change}  ${cell.from.name} > ${cell.to.name} ${cell.service.label}   by ${cell.by}`,
    ];
  });
  const all = [...gone.map((name) => `  ${name} is gone`), ...lines];
  return all.length === 0 ? '  nothing' : all.join('\n');
}

/** At least one end is a pod whose policy is asked: the node may always reach its own pods. */
function policed({ from, to }: Pick<Cell, 'from' | 'to'>): boolean {
  return from.isPod || (to.isPod && from.name !== 'host');
}

const FLOWS_SHOWN = 4;

function shorten(flows: readonly string[]): string {
  const more = flows.length - FLOWS_SHOWN;
  return flows.slice(0, FLOWS_SHOWN).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

function cellKey({ from, to, service }: Cell): string {
  return `${from.name} ${to.name} ${service.label}`;
}

function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      `  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    )
    .join('\n');
}
