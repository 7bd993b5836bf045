/**
 * The state of a linux data plane on disk: `snapshot`, replaced as a whole, and the journal it names. Killed at any
 * moment, what is there is the state before or after the change that was under way. I/O edge.
 *
 * It need not outlive the machine, whose namespaces end with it: nothing is forced to the disk but the snapshot's rename.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { hashText } from '../../base/hash.js';
import { LinuxError } from './errors.js';
import {
  changeLine,
  foldState,
  headerOf,
  snapshotText,
  type SavedChange,
  type SavedHeader,
  type SavedState,
} from './saved-state.js';

/** A journal is folded into a new snapshot when it is larger than this and than the snapshot, bytes. */
const JOURNAL_BYTES_MIN = 1024 * 1024;

/** See the file head. One process at a time has a folder. */
export class StateFile {
  private readonly folder: string;
  private readonly lock: Server;
  private journal: { readonly file: number; readonly name: string } | undefined;
  private journalBytes = 0;
  private snapshotBytes = 0;

  private constructor(folder: string, lock: Server) {
    this.folder = folder;
    this.lock = lock;
  }

  /** Takes a folder, made if it is missing. Rejects with `in_use` or `state`. */
  static async open(folder: string): Promise<StateFile> {
    const path = resolve(folder);
    const lock = await acquire(path);
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    } catch (cause) {
      lock.close();
      throw stateError(path, 'cannot be made', cause);
    }
    return new StateFile(path, lock);
  }

  /** Reads the state; undefined if there is none. Throws LinuxError `state`. */
  load(): SavedState | undefined {
    const snapshot = this.read('snapshot');
    if (snapshot === undefined) return undefined;
    return foldState(snapshot, this.read(headerOf(snapshot).journal) ?? '');
  }

  /** Writes everything anew. */
  write(header: Omit<SavedHeader, 'version' | 'journal'>, dump: string): void {
    const name = this.freeJournalName();
    const text = snapshotText({ version: 1, ...header, journal: name }, dump);
    try {
      const journal = openSync(join(this.folder, name), 'wx', 0o600);
      const next = join(this.folder, 'snapshot.new');
      writeWhole(next, text);
      renameSync(next, join(this.folder, 'snapshot'));
      if (this.journal !== undefined) closeSync(this.journal.file);
      this.journal = { file: journal, name };
    } catch (cause) {
      throw stateError(this.folder, 'cannot be written', cause);
    }
    this.journalBytes = 0;
    this.snapshotBytes = text.length;
    this.clearOthers(name);
  }

  /** Adds a change behind what is written. */
  append(change: SavedChange): void {
    if (this.journal === undefined) throw stateError(this.folder, 'has no snapshot yet');
    const bytes = Buffer.from(changeLine(change));
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.journal.file, bytes, at);
    } catch (cause) {
      throw stateError(this.folder, 'cannot be written', cause);
    }
    this.journalBytes += bytes.length;
  }

  /** True if the next change should be written as a snapshot: there is none of ours yet, or the journal is long. */
  get wantsSnapshot(): boolean {
    if (this.journal === undefined) return true;
    return this.journalBytes > Math.max(JOURNAL_BYTES_MIN, this.snapshotBytes);
  }

  /** Lets go of the folder. */
  close(): void {
    if (this.journal !== undefined) closeSync(this.journal.file);
    this.journal = undefined;
    this.lock.close();
  }

  /** Removes the state, and the folder if nothing else is in it. */
  remove(): void {
    this.close();
    if (!existsSync(this.folder)) return;
    for (const name of this.ourFiles()) rmSync(join(this.folder, name), { force: true });
    if (readdirSync(this.folder).length === 0) rmSync(this.folder, { recursive: true });
  }

  private read(name: string): string | undefined {
    try {
      return readFileSync(join(this.folder, name), 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw stateError(join(this.folder, name), 'cannot be read', cause);
    }
  }

  private freeJournalName(): string {
    const taken = new Set(this.ourFiles());
    let number = 1;
    while (taken.has(`journal-${number}`)) number += 1;
    return `journal-${number}`;
  }

  private clearOthers(kept: string): void {
    for (const name of this.ourFiles()) {
      if (name !== kept && name !== 'snapshot') rmSync(join(this.folder, name), { force: true });
    }
  }

  private ourFiles(): string[] {
    return readdirSync(this.folder).filter((name) => /^(snapshot(\.new)?|journal-\d+)$/.test(name));
  }
}

function writeWhole(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** An abstract unix socket: the kernel frees it with the process, however that ends. */
function acquire(folder: string): Promise<Server> {
  return new Promise((resolvePromise, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const op = `take ${folder}`;
      // The cause names the socket, whose name begins with a NUL.
      const held = { code: 'in_use', op, message: 'another soft-xpu has this folder' } as const;
      const failed = { code: 'state', op, message: 'cannot be locked', cause } as const;
      reject(new LinuxError(cause.code === 'EADDRINUSE' ? held : failed));
    });
    server.listen(`\0calico-xpu/state/${hashText(folder, 26)}`, () => {
      server.unref();
      resolvePromise(server);
    });
  });
}

function stateError(path: string, problem: string, cause?: unknown): LinuxError {
  return new LinuxError({ code: 'state', op: 'keep state', message: `${path} ${problem}`, cause });
}
