/** What every call goes through: counting, injected failures, and errors as gRPC statuses. */
import {
  status,
  type handleUnaryCall,
  type MethodDefinition,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.js';
import type { ObjectKey } from '../../opi/objects/key.js';
import type { ObjectStore } from '../store/object-store.js';
import type { FailureQueue, Injection } from './failures.js';
import { serviceError, StatusError, type ServerMode } from './status.js';

/** Answers one call; throws what `status.ts` knows. Requests and answers have the generated types. */
export type Handler = (request: never) => object | Promise<object>;

/** Handlers by method name. */
export type Handlers = Readonly<Record<string, Handler>>;

/** How the calls of one service are treated. */
export interface ServiceRules {
  readonly mode: ServerMode;
  /** Counted and open to injected failures; false for the debug service itself. */
  readonly observed: boolean;
}

/** What a dispatcher works with. */
export interface DispatcherOptions {
  readonly clock: Clock;
  readonly failures: FailureQueue;
  /** Closes every connection. */
  readonly dropConnections: () => void;
  /** Runs an action and gives the objects that it asked to change. */
  readonly trace: ObjectStore['trace'];
  /** Resolves when what was written to these objects is in force for packets: no write is answered before. */
  readonly settled: (keys: readonly ObjectKey[]) => Promise<void>;
}

/** See the file head. */
export class Dispatcher {
  private readonly clock: Clock;
  private readonly failures: FailureQueue;
  private readonly dropConnections: () => void;
  private readonly trace: ObjectStore['trace'];
  private readonly settled: (keys: readonly ObjectKey[]) => Promise<void>;
  private readonly counts = new Map<string, number>();
  /** Ends each injected delay that still runs. */
  private readonly waits = new Set<() => void>();

  constructor({ clock, failures, dropConnections, trace, settled }: DispatcherOptions) {
    this.clock = clock;
    this.failures = failures;
    this.dropConnections = dropConnections;
    this.trace = trace;
    this.settled = settled;
  }

  /** The server ends: calls that an injected failure holds back end with UNAVAILABLE. */
  close(): void {
    for (const end of [...this.waits]) end();
  }

  /** Calls received by full method path. */
  callCounts(): ReadonlyMap<string, number> {
    return this.counts;
  }

  /** gRPC implementation of a service. Methods without a handler are counted and answer UNIMPLEMENTED. */
  implement(
    definition: ServiceDefinition,
    handlers: Handlers,
    rules: ServiceRules,
  ): UntypedServiceImplementation {
    const methods = Object.entries(definition).map(([name, method]) => [
      name,
      this.unary(method, handlers[name], rules),
    ]);
    return Object.fromEntries(methods) as UntypedServiceImplementation;
  }

  private unary(
    { path }: MethodDefinition<unknown, unknown>,
    handler: Handler | undefined,
    rules: ServiceRules,
  ): handleUnaryCall<unknown, unknown> {
    const answerer = this.settling(path, handler ?? unimplemented(path));
    return (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>): void => {
      this.handle(path, answerer, call.request, rules).then(
        (response) => answer(null, response),
        (error: unknown) => {
          if (!(error instanceof DroppedConnection)) answer(serviceError(error, rules.mode));
        },
      );
    };
  }

  private settling(path: string, handler: Handler): Handler {
    if (!WRITING.test(path)) return handler;
    return async (request) => {
      const { result, keys } = this.trace(() => handler(request));
      const response = await result;
      await this.settled(keys);
      return response;
    };
  }

  private async handle(
    path: string,
    handler: Handler,
    request: unknown,
    { observed }: ServiceRules,
  ): Promise<object> {
    if (!observed) return handler(request as never);
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
    const injection = this.failures.take(path);
    if (injection === undefined) return handler(request as never);
    await this.wait(injection.delayMs);
    const response =
      injection.afterEffect || succeeds(injection) ? await handler(request as never) : {};
    if (injection.dropConnection) {
      this.dropConnections();
      throw new DroppedConnection();
    }
    if (succeeds(injection)) return response;
    throw new StatusError(statusOf(injection.code), injection.message || 'injected failure');
  }

  private wait(delayMs: number): Promise<void> {
    if (delayMs === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel();
        this.waits.delete(end);
        reject(new StatusError(status.UNAVAILABLE, 'the server ends'));
      };
      const timer = this.clock.after(delayMs, () => {
        this.waits.delete(end);
        resolve();
      });
      this.waits.add(end);
    });
  }
}

/** Methods that change objects. */
const WRITING = /\/(Create|Update|Delete|Modify|Replace|Apply|Load)\w*$/;

/** The connection is gone: nobody hears an answer. */
class DroppedConnection extends Error {}

const STATUSES = Object.values(status).filter((code) => typeof code === 'number');

function statusOf(code: number): status {
  return STATUSES.find((known) => known.valueOf() === code) ?? status.UNKNOWN;
}

function succeeds({ code, dropConnection }: Injection): boolean {
  return code === 0 && !dropConnection;
}

function unimplemented(path: string): Handler {
  return () => {
    throw new StatusError(status.UNIMPLEMENTED, `${path} is not implemented by this XPU`);
  };
}
