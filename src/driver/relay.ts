/** Relay mode: copies bytes between Felix's pipes and the agent's unix socket, with no knowledge of frames. I/O edge. */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../base/clock.js';
import type { FelixPipes } from './pipes.js';

/** Why a relay ended: the process exits with it, and Felix restarts itself and the relay. */
export type RelayEnd = 'felix-closed' | 'agent-closed';

const RETRY_MS = 200;

/** Connects to the agent's socket, however long that takes: an agent that starts later is a normal start order. */
export async function connectToAgent(
  socketPath: string,
  clock: Clock,
  onRetry: (reason: string) => void,
): Promise<Socket> {
  for (;;) {
    try {
      return await connectOnce(socketPath);
    } catch (error) {
      onRetry((error as NodeJS.ErrnoException).code ?? String(error));
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }
}

/**
 * Copies both ways with back-pressure until either side ends. When Felix closes its end, the bytes read before are handed
 * to the kernel for the agent before the promise settles; the caller bounds the wait.
 */
export function relay(pipes: FelixPipes, agent: Socket): Promise<RelayEnd> {
  return new Promise((resolve) => {
    const end = (reason: RelayEnd) => () => resolve(reason);
    pipes.input.pipe(agent);
    agent.pipe(pipes.output);
    // An agent that ends its side makes the socket finish ours: its end comes first, and is the reason.
    agent.once('end', end('agent-closed'));
    agent.once('finish', end('felix-closed'));
    pipes.input.once('error', end('felix-closed'));
    pipes.output.once('error', end('felix-closed'));
    agent.once('error', end('agent-closed'));
    agent.once('close', end('agent-closed'));
  });
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
