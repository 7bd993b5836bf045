/** Where relays connect: the agent's unix socket for Felix streams. I/O edge. */
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { FelixPipes } from '../driver/pipes.js';
import { listenAt } from './unix-socket.js';

/** Path of the socket below a state folder. */
export function felixSocketPath(stateDir: string): string {
  return join(stateDir, 'felix.sock');
}

/** Listens for relays; each connection is one Felix stream. Rejects with `SocketError`. */
export function serveFelix(path: string, onStream: (pipes: FelixPipes) => void): Promise<Server> {
  const server = createServer((socket) => onStream({ input: socket, output: socket }));
  return listenAt(server, path);
}
