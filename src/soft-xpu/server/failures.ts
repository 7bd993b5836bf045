/** Failures on request: the InjectFailure of the debug service. */
import { status } from '@grpc/grpc-js';
import { StatusError } from './status.js';

/** What shall happen to calls of one method. */
export interface Injection {
  /** Full method path, or `*`. */
  readonly method: string;
  /** Calls that pass untouched first. */
  readonly skipCount: number;
  /** Calls that then fail or wait; -1 every further call. */
  readonly callCount: number;
  /** gRPC status code; 0 lets the call succeed after the delay. */
  readonly code: number;
  readonly message: string;
  readonly delayMs: number;
  /** The call takes effect and fails all the same. */
  readonly afterEffect: boolean;
  /** Closes the connection instead of answering. */
  readonly dropConnection: boolean;
}

interface Pending {
  readonly injection: Injection;
  skip: number;
  left: number;
}

/** Injections that have not taken effect yet. */
export class FailureQueue {
  private readonly pending: Pending[] = [];

  /** Adds one behind those of the same method. Throws INVALID_ARGUMENT naming the field. */
  add(injection: Injection): void {
    const { code, skipCount, callCount, delayMs } = injection;
    requireWhole(code, 0, 16, 'code');
    requireWhole(skipCount, 0, 1e9, 'skip_count');
    requireWhole(callCount, -1, 1e9, 'call_count');
    requireWhole(delayMs, 0, 1e9, 'delay');
    const left = callCount === -1 ? Infinity : Math.max(1, callCount);
    this.pending.push({ injection, skip: skipCount, left });
  }

  /** Withdraws all and gives their number. */
  clear(): number {
    return this.pending.splice(0).length;
  }

  /** What shall happen to a call of this method, which is counted as one. */
  take(method: string): Injection | undefined {
    const index = this.pending.findIndex(
      ({ injection }) => injection.method === method || injection.method === '*',
    );
    const found = this.pending[index];
    if (found === undefined) return undefined;
    if (found.skip > 0) {
      found.skip -= 1;
      return undefined;
    }
    found.left -= 1;
    if (found.left <= 0) this.pending.splice(index, 1);
    return found.injection;
  }
}

function requireWhole(value: number, low: number, high: number, field: string): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  const message = `${field}: ${value} is no whole number from ${low} to ${high}`;
  throw new StatusError(status.INVALID_ARGUMENT, message);
}
