/**
 * The agent's side of the shell relay (`packaging/calico-xpu-relay.sh`): calico-node's image has no Node, and bash opens no
 * unix sockets, so each Felix session brings a folder of its own with two FIFOs. A folder per session, because two relays
 * on one shared FIFO could splice their bytes. I/O edge.
 *
 * The relay makes `<folder>/<name>/{from-agent,to-agent}` and opens both, blocking until the agent opens the other ends. The
 * agent opens from-agent without blocking: ENXIO means that nobody waits there. When it opens, the relay is alive and
 * waits, or is about to wait, for to-agent.
 */
import { constants, open as openCallback, openSync, closeSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Clock, Timer } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import type { FelixPipes } from '../driver/pipes.js';

/** Folder of the relay's sessions below a state folder. */
export function relayFolder(stateDir: string): string {
  return join(stateDir, 'relay');
}

/** What the watcher needs. */
export interface RelayFifoOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onSession: (pipes: FelixPipes) => void;
}

const POLL_MS = 100;
const OPEN_TIMEOUT_MS = 2_000;
/** A session folder that nobody waits in for this long was left behind by a relay that was killed. */
const STALE_MS = 30_000;

/** Looks for new relay sessions until stopped. */
export class RelayFifos {
  private readonly options: RelayFifoOptions;
  private timer: Timer | undefined;
  private stopped = false;
  private readonly idleSince = new Map<string, number>();
  private readonly opened = new Set<string>();

  constructor(options: RelayFifoOptions) {
    this.options = options;
  }

  /** Makes the folder and starts looking. */
  async start(): Promise<void> {
    await mkdir(this.options.folder, { recursive: true, mode: 0o700 });
    await this.look();
  }

  /** Stops looking; open sessions go on. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private async look(): Promise<void> {
    try {
      const names = (await readdir(this.options.folder)).filter((name) => !name.startsWith('.'));
      for (const name of names) await this.tryOpen(name);
    } catch (error) {
      this.options.logger.warn({ error: String(error) }, 'relay folder cannot be read');
    }
    if (!this.stopped) this.timer = this.options.clock.after(POLL_MS, () => void this.look());
  }

  private async tryOpen(name: string): Promise<void> {
    if (this.opened.has(name)) return;
    const folder = join(this.options.folder, name);
    const outputFd = openIfAwaited(join(folder, 'from-agent'));
    if (outputFd === undefined) {
      await this.noteIdle(name, folder);
      return;
    }
    this.idleSince.delete(name);
    this.opened.add(name);
    const inputFd = await this.openInput(join(folder, 'to-agent'));
    if (inputFd === undefined) {
      closeSync(outputFd);
      this.opened.delete(name);
      return;
    }
    const input = new Socket({ fd: inputFd, readable: true, writable: false });
    const output = new Socket({ fd: outputFd, readable: false, writable: true });
    input.once('close', () => this.opened.delete(name));
    this.options.onSession({ input, output });
  }

  /**
   * Opens the FIFO for reading; frees the waiting thread itself if the relay died in between: what it then opened is no
   * session, and must not end that of a Felix which is alive.
   */
  private openInput(path: string): Promise<number | undefined> {
    return new Promise((resolve) => {
      let freed = false;
      const timer = this.options.clock.after(OPEN_TIMEOUT_MS, () => {
        freed = true;
        const writer = openIfAwaited(path);
        if (writer !== undefined) closeSync(writer);
      });
      openCallback(path, constants.O_RDONLY, (error, fd) => {
        timer.cancel();
        if (error === null && freed) closeSync(fd);
        resolve(error === null && !freed ? fd : undefined);
      });
    });
  }

  private async noteIdle(name: string, folder: string): Promise<void> {
    const now = this.options.clock.monotonic();
    const since = this.idleSince.get(name) ?? now;
    this.idleSince.set(name, since);
    if (now - since < STALE_MS) return;
    this.idleSince.delete(name);
    await rm(folder, { recursive: true, force: true });
  }
}

function openIfAwaited(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
