/** The process of a pod or node: listens on ports and probes others, as it is asked over its socket. I/O edge. */
import { createSocket } from 'node:dgram';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { errorText } from '../../base/errors.js';
import {
  greeting,
  type PlaceAnswer,
  type PlaceRequest,
  type ProbeOutcome,
} from './place-protocol.js';
import { probe } from './probe.js';
import type { ProbeTask } from './place-protocol.js';

/** Probes at once: enough that waiting for many timeouts takes as long as waiting for one. */
const SOCKETS_MAX = 512;
/** A ping is a process. */
const PINGS_MAX = 32;

/** A place that can be asked. */
export interface ServedPlace {
  /** Ends it, with everything that listens for it. */
  close(): void;
}

/** Serves on a unix socket, which is replaced if it is there. Resolves when it can be asked. */
export async function servePlace(name: string, socketPath: string): Promise<ServedPlace> {
  const place = new Place(name);
  rmSync(socketPath, { force: true });
  const server = createServer((socket) => void converse(place, socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    close() {
      server.close();
      place.close();
    },
  };
}

async function converse(place: Place, socket: Socket): Promise<void> {
  // Who asked is gone: nothing is to be told to him.
  socket.on('error', () => undefined);
  try {
    for await (const line of createInterface({ input: socket })) {
      const answer = await place.answer(line);
      socket.write(`${JSON.stringify(answer)}\n`);
    }
  } catch {
    // The same error, as the reader of lines repeats it.
  }
}

class Place {
  private readonly name: string;
  /** What listens, by port and protocol: `80/tcp`. */
  private readonly listening = new Map<string, Listener>();

  constructor(name: string) {
    this.name = name;
  }

  async answer(line: string): Promise<PlaceAnswer> {
    try {
      const request = JSON.parse(line) as PlaceRequest;
      if (request.op === 'listen') return { op: 'listen', taken: await this.listen(request) };
      return { op: 'probe', outcomes: await probeAll(request.tasks) };
    } catch (error) {
      return { op: 'error', message: errorText(error) };
    }
  }

  close(): void {
    for (const listener of this.listening.values()) listener.close();
  }

  private async listen({
    tcp,
    udp,
  }: {
    readonly tcp: readonly number[];
    readonly udp: readonly number[];
  }): Promise<string[]> {
    const taken: string[] = [];
    for (const [protocol, ports, open] of [
      ['tcp', tcp, listenTcp],
      ['udp', udp, listenUdp],
    ] as const) {
      for (const port of ports) {
        const key = `${port}/${protocol}`;
        if (this.listening.has(key)) continue;
        const listener = await open(port, greeting(this.name));
        if (listener === undefined) taken.push(key);
        else this.listening.set(key, listener);
      }
    }
    return taken;
  }
}

/** Something that can be closed. */
interface Listener {
  close(): unknown;
}

/** `undefined` if the port is taken. Both families on one socket. */
function listenTcp(port: number, text: string): Promise<Listener | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(text);
    });
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '::' }, () => resolve(server));
  });
}

function listenUdp(port: number, text: string): Promise<Listener | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp6');
    socket.once('error', () => resolve(undefined));
    socket.on('message', (_, { port: sender, address }) => {
      socket.send(text, sender, address, () => undefined);
    });
    socket.bind(port, '::', () => {
      // An answer that nobody awaits any more comes back as an error.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

async function probeAll(tasks: readonly ProbeTask[]): Promise<ProbeOutcome[]> {
  const outcomes: ProbeOutcome[] = [];
  const numbered = tasks.map((task, index) => ({ task, index }));
  const lane = (isPing: boolean, width: number): Promise<void>[] => {
    const queue = numbered.filter(({ task }) => (task.protocol === 'icmp') === isPing).values();
    return Array.from({ length: width }, async () => {
      for (const { task, index } of queue) outcomes[index] = await probe(task);
    });
  };
  await Promise.all([...lane(false, SOCKETS_MAX), ...lane(true, PINGS_MAX)]);
  return outcomes;
}
