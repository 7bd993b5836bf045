/** Where relays connect: the agent's unix socket for Felix streams. I/O edge. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import type { FelixPipes } from '../driver/pipes.js';

/** Path of the socket below a state folder. */
export function felixSocketPath(stateDir: string): string {
  return join(stateDir, 'felix.sock');
}

/** Listens for relays; each connection is one Felix stream. A left-over socket file is replaced. */
export function serveFelix(path: string, onStream: (pipes: FelixPipes) => void): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const server = createServer((socket) => onStream({ input: socket, output: socket }));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve(server);
    });
  });
}
