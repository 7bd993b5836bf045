/** Asks the process of a pod or node. I/O edge. */
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { LabError } from './errors.js';
import type { PlaceAnswer, PlaceRequest } from './place-protocol.js';

/** A place that can be asked. */
export interface PlaceAddress {
  readonly name: string;
  readonly socketPath: string;
}

/** The answer to a question. Throws `LabError` with code `place`. */
export function askPlace<R extends PlaceRequest>(
  { name, socketPath }: PlaceAddress,
  request: R,
): Promise<Extract<PlaceAnswer, { readonly op: R['op'] }>> {
  return new Promise((resolve, reject) => {
    const refuse = (message: string, cause?: unknown): void =>
      reject(new LabError({ code: 'place', op: `ask ${name}`, message, cause }));
    const socket = createConnection(socketPath);
    socket.once('error', (cause) => refuse(`its process does not answer: ${cause.message}`, cause));
    socket.once('close', () => refuse('its process ended'));
    const lines = createInterface({ input: socket });
    // It repeats the errors of the socket.
    lines.on('error', () => undefined);
    lines.once('line', (line) => {
      const answer = JSON.parse(line) as PlaceAnswer;
      if (answer.op === 'error') refuse(answer.message);
      else resolve(answer as Extract<PlaceAnswer, { readonly op: R['op'] }>);
      socket.destroy();
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
}

/** True if the place's process answers. */
export async function placeAnswers(place: PlaceAddress): Promise<boolean> {
  try {
    await askPlace(place, { op: 'listen', tcp: [], udp: [] });
    return true;
  } catch {
    return false;
  }
}
