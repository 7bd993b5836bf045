/** Tells when netdevs of a namespace come, go or change, and when the underlay's routes do. I/O edge. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock, Timer } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';

/** How a watch is set up. */
export interface LinkWatchOptions {
  /** File of the namespace; absent = our own. */
  readonly netns: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
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
    const argv = ['ip', '-o', 'monitor', 'link', 'route'];
    const [program = '', ...args] =
      netns === undefined ? argv : ['nsenter', `--net=${netns}`, ...argv];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
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
    if (isOfInterest(line)) this.collect();
  }

  private collect(): void {
    const { clock, listener } = this.options;
    this.timer ??= clock.after(COLLECT_MS, () => {
      this.timer = undefined;
      listener();
    });
  }
}

/** Of what `ip -o monitor link route` tells: netdevs, and routes of the main table. */
export function isOfInterest(line: string): boolean {
  if (/^(Deleted )?\d+: /.test(line)) return true;
  return line.trim() !== '' && !/ table \S+/.test(line);
}
