/** Servers on unix sockets in the state folder, for our own user alone. I/O edge. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { CodedError } from '../base/errors.js';

/** `path-too-long`: the kernel has no room for the path. `listen`: anything else that keeps a server from it. */
export type SocketErrorCode = 'path-too-long' | 'listen';

/** A socket that cannot be served. */
export class SocketError extends CodedError<SocketErrorCode> {}

/** Longest path of a unix socket, bytes: `sun_path` less its final zero. A longer one would be cut off without a word. */
const PATH_BYTES_MAX = 107;

/**
 * Makes `server` listen at `path`; settles when it does. Missing folders are made, a left-over socket file is replaced.
 * Rejects with `SocketError`.
 */
export async function listenAt<T extends Server>(server: T, path: string): Promise<T> {
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX) {
    const message = `${path} has ${bytes} bytes, a unix socket takes ${PATH_BYTES_MAX} at most: choose a shorter state folder`;
    throw new SocketError({ code: 'path-too-long', op: 'serve socket', message });
  }
  try {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
    chmodSync(path, 0o600);
  } catch (cause) {
    server.close();
    throw new SocketError({
      code: 'listen',
      op: 'serve socket',
      message: `${path} cannot be used`,
      cause,
    });
  }
  return server;
}
