/** A private copy of the work tree, so that nothing is ever changed in the tree itself. */
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mutate, type Mutation } from './mutation.js';

const PREFIX = 'calico-xpu-mutate-';

/** What the tests of compilers read. */
const COPIED = ['src', 'test', 'scripts/mocha-reporter.js', 'felix-proto', 'opi-proto'];
const COPIED_FILES = ['package.json', 'tsconfig.json', '.mocharc.json'];

/** A copy; remove it when done. */
export class WorkCopy {
  readonly folder: string;
  private readonly own: string;

  private constructor(own: string) {
    this.own = own;
    this.folder = path.join(own, 'tree');
  }

  /** Copies the work tree at `root`; its `node_modules` are shared. */
  static of(root: string): WorkCopy {
    const copy = new WorkCopy(mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`)));
    for (const name of [...COPIED, ...COPIED_FILES]) {
      cpSync(path.join(root, name), path.join(copy.folder, name), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(copy.folder, 'node_modules'));
    return copy;
  }

  /** A path for a file that is no part of the tree and goes with the copy. */
  scratch(name: string): string {
    return path.join(this.own, name);
  }

  /** Does `work` while the mutation is in the copy. Throws MutationError if it does not fit. */
  async withMutation<T>(mutation: Mutation, work: () => Promise<T>): Promise<T> {
    const file = path.join(this.folder, mutation.file);
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, mutate(mutation, source));
    try {
      return await work();
    } finally {
      writeFileSync(file, source);
    }
  }

  remove(): void {
    rmSync(this.own, { recursive: true, force: true });
  }
}

/** Removes the copies of runs that were killed before they could. */
export function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
