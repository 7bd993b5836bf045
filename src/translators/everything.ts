/**
 * The dirty set of a state that took the place of another. The old state may have changed since it was last translated,
 * so the keys to look at are those that were translated, and those of the new state.
 */
import type { DesiredState, DirtySet } from '../desired/state.js';

const TABLES = [
  'ipSets',
  'policies',
  'profiles',
  'workloads',
  'hostEndpoints',
  'hosts',
  'pools',
  'routes',
  'vteps',
  'wireguard',
] as const satisfies readonly (keyof DesiredState & keyof DirtySet)[];

type TableName = (typeof TABLES)[number];
type KeySets = Record<TableName, Set<string>>;

/** Keys that were translated and not removed since. */
export class TranslatedKeys {
  private readonly keys = Object.fromEntries(
    TABLES.map((table) => [table, new Set<string>()]),
  ) as KeySets;

  /** Remembers what is translated now. */
  follow(state: DesiredState, dirty: DirtySet): void {
    for (const table of TABLES) {
      const present = state[table] as ReadonlyMap<string, unknown>;
      for (const key of dirty[table]) {
        if (present.has(key)) this.keys[table].add(key);
        else this.keys[table].delete(key);
      }
    }
  }

  /** Marks everything translated and everything in the state. */
  everything(state: DesiredState): DirtySet {
    const marked = TABLES.map((table) => [
      table,
      new Set([...this.keys[table], ...state[table].keys()]),
    ]);
    return {
      ...(Object.fromEntries(marked) as Pick<DirtySet, TableName>),
      config: true,
      encapsulation: true,
      members: new Map(),
    };
  }
}
