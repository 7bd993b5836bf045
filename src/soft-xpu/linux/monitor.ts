/** A program that tells of events of a namespace line by line, for as long as it is wanted. I/O edge. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock, Timer } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';

/** Where and how a namespace is watched. */
export interface WatchPlace {
  /** File of the namespace; absent = our own. */
  readonly netns: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is watched. */
export interface MonitorOptions extends WatchPlace {
  readonly argv: readonly string[];
  readonly onLine: (line: string) => void;
  /** Nobody watched for a while: what happened meanwhile is found by looking. */
  readonly onGap: () => void;
}

/** A watch that ended is begun again after this time, milliseconds. */
const RESTART_MS = 1000;

/** See the file head. */
export class Monitor {
  private readonly options: MonitorOptions;
  private child: ChildProcess | undefined;
  private restart: Timer | undefined;
  private closed = false;

  constructor(options: MonitorOptions) {
    this.options = options;
    this.begin();
  }

  /** Ends the watch: nothing is told any more. */
  close(): void {
    this.closed = true;
    this.restart?.cancel();
    this.child?.kill('SIGTERM');
  }

  private begin(): void {
    const { netns, logger, argv, onLine } = this.options;
    const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`];
    // It must not outlive us: a process inside keeps a namespace alive that was deleted.
    const args = ['--pdeathsig', 'KILL', ...enter, ...argv];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.child = child;
    child.once('error', ({ message }) => logger.warn({ argv, error: message }, 'cannot watch'));
    child.once('close', () => this.beginAgain());
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!this.closed) onLine(line);
    });
  }

  private beginAgain(): void {
    if (this.closed) return;
    this.restart = this.options.clock.after(RESTART_MS, () => {
      this.begin();
      this.options.onGap();
    });
  }
}
