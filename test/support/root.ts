/** Tests that need root or a program of the system say so, and are skipped with one clear word where it is missing. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Something a test may need: root, or a program by its name. */
export type Need = 'root' | (string & {});

const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * A mocha hook for `before`: skips the suite unless everything is there.
 *
 * `before(needs('root', 'nft', 'ip'));`
 */
export function needs(...needed: readonly Need[]): (this: Mocha.Context) => void {
  return function () {
    const missing = needed.filter((need) => !isThere(need));
    if (missing.length === 0) return;
    const suite = this.test?.parent;
    if (suite) suite.title += ` [skipped: needs ${missing.join(', ')}]`;
    this.skip();
  };
}

function isThere(need: Need): boolean {
  if (need === 'root') return process.getuid?.() === 0;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.some((folder) => existsSync(join(folder, need)));
}
