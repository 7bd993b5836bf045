/** A private copy of the work tree, for what must change or add files that the tree itself should never see. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PREFIX = 'calico-xpu-copy-';

/** Made by git, npm or other scripts. */
const NOT_COPIED: ReadonlySet<string> = new Set(['.git', 'node_modules', 'dist', 'coverage']);

/** A copy; remove it when done. */
export class WorkCopy {
  /** Root of the copied tree. */
  readonly folder: string;
  private readonly own: string;

  private constructor(own: string) {
    this.own = own;
    this.folder = path.join(own, 'tree');
  }

  /** Copies the work tree at `root`; its `node_modules` are shared. */
  static of(root: string): WorkCopy {
    const copy = new WorkCopy(mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`)));
    mkdirSync(copy.folder);
    for (const name of readdirSync(root)) {
      if (NOT_COPIED.has(name)) continue;
      cpSync(path.join(root, name), path.join(copy.folder, name), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(copy.folder, 'node_modules'));
    return copy;
  }

  /** A path for a file that is no part of the tree and goes with the copy. */
  scratch(name: string): string {
    return path.join(this.own, name);
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
