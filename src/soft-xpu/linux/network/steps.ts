/**
 * The order in which the network state changes around a change of the ruleset: what goes, goes before, and new netdevs
 * are made, down; what packets move by comes after. So nothing moves under rules that do not speak of it yet. An address
 * that moves leads nowhere in between, where its flows are forgotten.
 */
import { isBeforePolicy, rankOf, type Line, type NetItem } from './item.js';

/** One item that is to become another. */
export interface ItemChange {
  readonly id: string;
  readonly before: NetItem | undefined;
  readonly after: NetItem | undefined;
}

/** Lines of one change, which belong together: if one of them fails, the change did not happen. */
export interface Step {
  readonly id: string;
  /** What is in place when the lines were taken. */
  readonly result: NetItem | undefined;
  readonly lines: readonly Line[];
}

/** Steps before and after the ruleset. */
export interface NetworkSteps {
  readonly before: readonly Step[];
  readonly after: readonly Step[];
}

/** Orders changes. */
export function stepsOf(changes: readonly ItemChange[]): NetworkSteps {
  const gone = new Set<string>();
  const removals: ItemChange[] = [];
  const makings: ItemChange[] = [];
  for (const change of changes) {
    const { before, after } = change;
    const leaves = after === undefined || before?.kind === 'link' || after.leavesFirst === true;
    if (before !== undefined && leaves) {
      removals.push({ ...change, after: undefined });
      if (before.kind === 'link' && before.device !== undefined) gone.add(before.device);
    }
    if (after !== undefined) makings.push(change);
  }
  const order = (a: ItemChange, b: ItemChange): number =>
    place(a) - place(b) || compare(a.id, b.id);
  removals.sort((a, b) => order(b, a));
  makings.sort(order);
  const takeAway = removals.map(({ id, before }) => removal(id, before, gone));
  const [early, late] = [makings.filter(isEarly), makings.filter((change) => !isEarly(change))];
  const born = new Set(
    makings.flatMap(({ after }) => (after?.kind === 'link' ? after.device : [])),
  );
  const make = (change: ItemChange): Step => making(change, born);
  return { before: [...takeAway, ...early.map(make)], after: late.map(make) };
}

/** What stands on a netdev that goes needs no line of its own, chains excepted. */
function removal(id: string, item: NetItem | undefined, gone: ReadonlySet<string>): Step {
  const lines = item?.unmake ?? [];
  const implied = item?.kind !== 'link' && item?.device !== undefined && gone.has(item.device);
  return { id, result: undefined, lines: implied ? lines.filter(isOfNft) : lines };
}

function isOfNft({ tool }: Line): boolean {
  return tool === 'nft';
}

function making({ id, after }: ItemChange, born: ReadonlySet<string | undefined>): Step {
  const inborn = after?.inborn === true && born.has(after.device);
  return { id, result: after, lines: inborn ? [] : (after?.make ?? []) };
}

function isEarly({ after }: ItemChange): boolean {
  return after !== undefined && isBeforePolicy(after);
}

function place({ before, after }: ItemChange): number {
  const item = after ?? before;
  return item === undefined ? 0 : rankOf(item);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
