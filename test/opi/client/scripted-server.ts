/** A gRPC server that answers as a test tells it to, and remembers what it was asked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Server,
  ServerCredentials,
  status,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { opiPackage } from '../../../src/opi/codec/package.js';

/** A message with whatever members a test cares for. */
export type Message = Record<string, unknown>;

/** Answers a request, or throws `failure`. */
export type Handler = (request: Message, attempt: number) => Message | Promise<Message>;

/** A call that came in. */
export interface Received {
  readonly method: string;
  readonly request: Message;
}

/** What a handler throws. */
export function failure(code: status, details = 'as scripted'): Error {
  return Object.assign(new Error(details), { code, details });
}

/** See the file head. Methods without a handler answer UNIMPLEMENTED, as those of unknown services do. */
export class ScriptedServer {
  readonly received: Received[] = [];
  /** Greatest number of calls under way at one time. */
  concurrencyMax = 0;
  private readonly handlers = new Map<string, Handler>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'opi-client-'));
  private server = new Server();
  private underWay = 0;
  private port = 0;

  /** Address of a server on a unix socket of its own. */
  get socket(): string {
    return `unix:${join(this.folder, 'opi.sock')}`;
  }

  /** Address of a server on TCP. */
  get tcp(): string {
    return `localhost:${this.port}`;
  }

  /** Answers a method from now on. */
  on(method: string, handler: Handler): this {
    this.handlers.set(method, handler);
    return this;
  }

  /** Answers a method with these one after the other; the last one stays. */
  script(method: string, ...answers: readonly (Message | Error)[]): this {
    return this.on(method, (_, attempt) => {
      const answer = answers[Math.min(attempt, answers.length) - 1]!;
      if (answer instanceof Error) throw answer;
      return answer;
    });
  }

  /** Requests of a method so far. */
  requests(method: string): Message[] {
    return this.received.filter((each) => each.method === method).map(({ request }) => request);
  }

  /** Methods in the order they came. */
  get methods(): string[] {
    return this.received.map(({ method }) => method);
  }

  /** Listens on the unix socket, or on a TCP port where credentials or a port are given. */
  async start(credentials?: ServerCredentials, port = 0): Promise<this> {
    this.server = new Server({ 'grpc.max_receive_message_length': -1 });
    for (const definition of serviceDefinitions()) {
      this.server.addService(definition, this.implementation(definition));
    }
    const address = credentials === undefined ? this.socket : `localhost:${port}`;
    this.port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(
        address,
        credentials ?? ServerCredentials.createInsecure(),
        (error, bound) => {
          if (error === null) resolve(bound);
          else reject(error);
        },
      );
    });
    return this;
  }

  /** Breaks every connection and listens no more; `start` may follow. */
  stop(): void {
    this.server.forceShutdown();
  }

  /** Stops for good. */
  close(): void {
    this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private implementation(definition: ServiceDefinition): UntypedServiceImplementation {
    const entries = Object.keys(definition).map((method) => [
      method,
      (
        call: { request: Message },
        callback: (error: Error | null, answer?: Message) => void,
      ): void => {
        this.answer(method, call.request).then(
          (answer) => callback(null, answer),
          (error: unknown) => callback(error as Error),
        );
      },
    ]);
    return Object.fromEntries(entries) as UntypedServiceImplementation;
  }

  private async answer(method: string, request: Message): Promise<Message> {
    this.received.push({ method, request });
    this.underWay += 1;
    this.concurrencyMax = Math.max(this.concurrencyMax, this.underWay);
    try {
      const handler = this.handlers.get(method);
      if (handler === undefined) throw failure(status.UNIMPLEMENTED);
      return await handler(request, this.requests(method).length);
    } finally {
      this.underWay -= 1;
    }
  }
}

function serviceDefinitions(): ServiceDefinition[] {
  return Object.values(opiPackage()).filter(
    (each) => !('format' in each),
  ) as unknown as ServiceDefinition[];
}
