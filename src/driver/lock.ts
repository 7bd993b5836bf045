/**
 * The writer's lock: one process at a time writes to an XPU. I/O edge.
 *
 * The lock is a bound abstract unix socket named after the XPU's address. The kernel frees it with the process, however
 * that ends, so no stale lock can exist; it holds within one network namespace, which is where one node's drivers live.
 */
import { createServer, type Server } from 'node:net';
import { hashText } from '../base/hash.js';
import type { Clock } from '../base/clock.js';
import { DriverError } from './errors.js';

/** A held lock. */
export interface WriterLock {
  release(): void;
}

const RETRY_MS = 50;

/**
 * Waits up to `waitMs` for the lock of `address`: a left-over driver needs a moment to notice that its Felix is gone.
 * Fails with `locked`.
 */
export async function acquireWriterLock(
  address: string,
  waitMs: number,
  clock: Clock,
): Promise<WriterLock> {
  const deadline = clock.monotonic() + waitMs;
  for (;;) {
    const server = await tryBind(`\0calico-xpu/${hashText(address, 26)}`);
    if (server !== undefined) return { release: () => void server.close() };
    if (clock.monotonic() >= deadline) {
      throw new DriverError({
        code: 'locked',
        op: 'acquire writer lock',
        message: `another process still writes to the XPU at ${address} after ${waitMs} ms`,
      });
    }
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
  }
}

function tryBind(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}
