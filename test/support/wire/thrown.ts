/** What a function throws, for tests of typed errors. */
import { DriverError, type DriverErrorCode } from '../../../src/driver/errors.js';

/** The thrown value; `undefined` when nothing was thrown. */
export function thrownBy(run: () => unknown): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** True for a `DriverError` of that code. */
export function isDriverError(error: unknown, code: DriverErrorCode): error is DriverError {
  return error instanceof DriverError && error.code === code;
}
