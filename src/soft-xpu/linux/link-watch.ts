/** Tells when netdevs of a namespace come, go or change, and when the underlay's routes do. I/O edge. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock, Timer } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import { isLinkInMaking } from './names.js';

/** How a watch is set up. */
export interface LinkWatchOptions {
  /** File of the namespace; absent = our own. */
  readonly netns: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** True for netdevs of our making, of which only their end and their going down is news. */
  readonly isOwn: (device: string) => boolean;
  /** Is told that something came, went or changed. Several events in short order are told once. */
  readonly listener: () => void;
}

/** Events are collected for this long, milliseconds. */
const COLLECT_MS = 10;
/** A watch that ended is begun again after this time, milliseconds. */
const RESTART_MS = 1000;

/** See the file head. */
export class LinkWatch {
  private readonly options: LinkWatchOptions;
  private child: ChildProcess | undefined;
  private timer: Timer | undefined;
  private restart: Timer | undefined;
  private readonly up = new Set<string>();
  private closed = false;

  constructor(options: LinkWatchOptions) {
    this.options = options;
    this.begin();
  }

  /** Ends the watch. */
  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.restart?.cancel();
    this.child?.kill('SIGTERM');
  }

  private begin(): void {
    const { netns, logger } = this.options;
    const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`];
    // It must not outlive us: a process inside keeps a namespace alive that was deleted.
    const args = ['--pdeathsig', 'KILL', ...enter, 'ip', '-o', 'monitor', 'link', 'route'];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.child = child;
    child.once('error', (error) =>
      logger.warn({ error: error.message }, 'netdevs are not watched'),
    );
    child.once('close', () => this.beginAgain());
    createInterface({ input: child.stdout }).on('line', (line) => this.hear(line));
  }

  /** What happened while nobody watched is found by looking. */
  private beginAgain(): void {
    if (this.closed) return;
    this.restart = this.options.clock.after(RESTART_MS, () => {
      this.begin();
      this.collect();
    });
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
