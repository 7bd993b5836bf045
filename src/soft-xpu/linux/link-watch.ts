/** Tells when netdevs of a namespace come, go or change, and when the underlay's routes do. */
import type { Timer } from '../../base/clock.js';
import { Monitor, type WatchPlace } from './monitor.js';
import { isLinkInMaking } from './names.js';

/** How a watch is set up. */
export interface LinkWatchOptions extends WatchPlace {
  /** True for netdevs of our making, of which only their end and their going down is news. */
  readonly isOwn: (device: string) => boolean;
  /** Is told that something came, went or changed. Several events in short order are told once. */
  readonly listener: () => void;
}

/** Events are collected for this long, milliseconds. */
const COLLECT_MS = 10;

/** See the file head. */
export class LinkWatch {
  private readonly options: LinkWatchOptions;
  private readonly monitor: Monitor;
  private timer: Timer | undefined;
  private readonly up = new Set<string>();

  constructor(options: LinkWatchOptions) {
    this.options = options;
    const { netns, clock, logger } = options;
    this.monitor = new Monitor({
      netns,
      clock,
      logger,
      argv: ['ip', '-o', 'monitor', 'link', 'route'],
      onLine: (line) => this.hear(line),
      onGap: () => this.collect(),
    });
  }

  /** Ends the watch. */
  close(): void {
    this.timer?.cancel();
    this.monitor.close();
  }

  private hear(line: string): void {
    const event = eventOf(line);
    if (event === undefined) return;
    if (event === 'route' || this.isNews(event)) this.collect();
  }

  private isNews({ device, deleted, up }: LinkEvent): boolean {
    const wasUp = this.up.delete(device);
    if (up && !deleted) this.up.add(device);
    return deleted || (wasUp && !up) || !this.options.isOwn(device);
  }

  private collect(): void {
    const { clock, listener } = this.options;
    this.timer ??= clock.after(COLLECT_MS, () => {
      this.timer = undefined;
      listener();
    });
  }
}

/** A netdev came, went or changed. */
export interface LinkEvent {
  readonly device: string;
  readonly deleted: boolean;
  readonly up: boolean;
}

/**
 * What a line of `ip -o monitor link route` is about: a netdev, or a route of the main table that may lead somewhere. Of
 * other tables and of every netdev's own link-local routes there is nothing to say.
 */
export function eventOf(line: string): LinkEvent | 'route' | undefined {
  const [, deleted, device, flags] =
    /^(Deleted )?\d+: ([^:@]+)(?:@[^:]*)?: <([^>]*)>/.exec(line) ?? [];
  if (device !== undefined && isLinkInMaking(device)) return undefined;
  if (device !== undefined) {
    return {
      device,
      deleted: deleted !== undefined,
      up: flags?.split(',').includes('UP') === true,
    };
  }
  const unimportant = / table \S+|^(Deleted )?(fe80::|ff00::|multicast|anycast|local)/;
  return line.trim() === '' || unimportant.test(line) ? undefined : 'route';
}
