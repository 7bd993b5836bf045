/** Tells when our table may be gone: a ruleset that others flush takes it along. */
import { Monitor, type WatchPlace } from './monitor.js';
import { TABLE_NAME } from './names.js';

/** How a watch is set up. */
export interface TableWatchOptions extends WatchPlace {
  /** Is told at once, also of what we do ourselves: it must look. */
  readonly listener: () => void;
}

/** Begins a watch. */
export function watchTable({ listener, ...place }: TableWatchOptions): Monitor {
  return new Monitor({
    ...place,
    argv: ['nft', 'monitor', 'destroy', 'tables'],
    onLine: (line) => {
      if (isTableNews(line)) listener();
    },
    onGap: listener,
  });
}

/** True if a line of `nft monitor` says that our table went, or that events were lost. */
export function isTableNews(line: string): boolean {
  return line.startsWith('#') || line.trim() === `delete table inet ${TABLE_NAME}`;
}
