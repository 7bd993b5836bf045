/**
 * The error vocabulary every module builds on: closed sets of codes, the operation that failed, and the cause.
 */

/** Fields common to every typed error of this project. */
export interface ErrorFields<C extends string> {
  /** Member of the owning module's closed code set. */
  readonly code: C;
  /** What was being done, as a short verb phrase ("decode frame", "create vnic"). */
  readonly op: string;
  readonly message: string;
  readonly cause?: unknown;
}

/** Base of the domain errors (`DriverError`, `OpiError`, ...). Prefer the subclasses; test `code`, never the text. */
export class CodedError<C extends string = string> extends Error {
  readonly code: C;
  readonly op: string;

  constructor(fields: ErrorFields<C>) {
    super(
      `${fields.op}: ${fields.message}`,
      fields.cause === undefined ? undefined : { cause: fields.cause },
    );
    this.name = new.target.name;
    this.code = fields.code;
    this.op = fields.op;
  }
}

/** An invariant of our own code does not hold: a bug, never bad input. */
export class InternalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InternalError';
  }
}

/** Throws `InternalError` unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** For the `default` branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InternalError(`unreachable value ${JSON.stringify(value)}`);
}

/** The text of whatever was thrown, for logs and reasons shown to people. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
