/**
 * Anonymous pipes as Felix makes them. Node's own `pipe` stdio is a socket pair, which a driver can tell apart (and which
 * has another buffer and other end-of-file rules), so FIFOs are made, opened at both ends and unlinked. I/O edge.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The two descriptors of one pipe. */
export interface PipePair {
  readonly readFd: number;
  readonly writeFd: number;
}

/** Makes `count` pipes. The reading ends are non-blocking until the other process uses them; nothing is left on disk. */
export async function makePipes(count: number): Promise<PipePair[]> {
  const folder = mkdtempSync(join(tmpdir(), 'felix-sim-'));
  try {
    const paths = Array.from({ length: count }, (_, index) => join(folder, String(index)));
    await run('mkfifo', ['-m', '600', ...paths]);
    return paths.map(openBothEnds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openBothEnds(path: string): PipePair {
  // A reader that does not block opens without a writer; then the writer finds it there.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeFd = openSync(path, constants.O_WRONLY);
  // O_NONBLOCK belongs to the open file, which the child would inherit: give it a blocking one, as Felix does.
  const blockingFd = openSync(`/proc/self/fd/${readFd}`, constants.O_RDONLY);
  closeSync(readFd);
  return { readFd: blockingFd, writeFd };
}
