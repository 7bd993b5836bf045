/** Calls with everything a call needs: its turn, its deadline, its retries, its place in the counters. */
import { status } from '@grpc/grpc-js';
import { backoffDelay, type BackoffLimits } from '../../base/backoff.js';
import type { OpiError } from '../objects/errors.js';
import type { Draft } from '../codec/draft.js';
import { Connection } from './connection.js';
import { isServiceError, toOpiError } from './errors.js';
import { Limiter } from './limiter.js';
import type { Method } from './methods.js';
import type { ResolvedOptions } from './options.js';

/** How one call is made. */
export interface CallOptions {
  /** Deadline of each attempt, milliseconds; default: the connection's call timeout. */
  readonly timeoutMs?: number;
  /**
   * `any` (default): a call that may have taken effect is repeated too, because repeating it changes nothing.
   * `refused`: only one that surely took no effect is.
   */
  readonly repeat?: 'any' | 'refused';
}

const WRITE_METHOD = /^(Create|Update|Delete|Apply|Modify|Replace|Upload|Flush)/;

/** See the file head. */
export class Calls {
  readonly options: ResolvedOptions;
  private readonly connection: Connection;
  private readonly limiter: Limiter;
  private readonly counts = new Map<string, number>();

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.connection = new Connection(options);
    this.limiter = new Limiter(options.concurrency);
  }

  /** Attempts so far by method name (`CreateVnic`). */
  counters(): ReadonlyMap<string, number> {
    return new Map(this.counts);
  }

  /** Attempts so far of methods that change something. */
  writes(): number {
    let writes = 0;
    for (const [method, count] of this.counts) if (WRITE_METHOD.test(method)) writes += count;
    return writes;
  }

  /**
   * Answer of a method; a failure that may pass by itself (no connection, no answer, lost race, table full) is met by
   * a bounded number of further attempts.
   * @throws OpiError
   */
  async call<Req, Res>(
    method: Method<Req, Res>,
    request: Draft<Req>,
    options: CallOptions = {},
  ): Promise<Res> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.limiter.run(() => this.attempt(method, request, options));
      } catch (thrown) {
        const error = toOpiError(method.name, thrown);
        if (attempt >= this.options.retryCount || !canHelp(error, options)) throw error;
        await this.pause(attempt, this.options.retryBackoff);
      }
    }
  }

  /** Waits before attempt or look number `attempt` + 1. */
  pause(attempt: number, limits: BackoffLimits): Promise<void> {
    const { clock, random } = this.options;
    const delayMs = backoffDelay(attempt, limits, random);
    return new Promise((resolve) => clock.after(delayMs, resolve));
  }

  /** Ends the connection. */
  close(): void {
    this.connection.close();
  }

  private async attempt<Req, Res>(
    method: Method<Req, Res>,
    request: Draft<Req>,
    { timeoutMs }: CallOptions,
  ): Promise<Res> {
    const { clock, onCall } = this.options;
    const begunMs = clock.monotonic();
    this.counts.set(method.name, (this.counts.get(method.name) ?? 0) + 1);
    const report = (code: number): void =>
      onCall?.({ method: method.name, durationMs: clock.monotonic() - begunMs, status: code });
    try {
      const { service, name } = method;
      const answer = await this.connection.unary<Draft<Req>, Res>(
        service,
        name,
        request,
        timeoutMs,
      );
      report(status.OK);
      return answer;
    } catch (thrown) {
      report(isServiceError(thrown) ? thrown.code : status.UNKNOWN);
      throw thrown;
    }
  }
}

function canHelp(error: OpiError, { repeat }: CallOptions): boolean {
  if (error.code === 'CONFLICT' || error.code === 'EXHAUSTED') return true;
  return error.code === 'UNAVAILABLE' && repeat !== 'refused';
}
