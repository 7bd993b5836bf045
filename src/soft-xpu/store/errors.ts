/** Errors of the object store: one closed set, named as the gRPC codes a strict server answers with. */
import { CodedError, type ErrorFields } from '../../base/errors.js';

/** The code a strict server answers with (opi.md section 6, "Codes for all"). */
export type StoreErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'RESOURCE_EXHAUSTED';

/** One refused field of a request. */
export interface FieldViolation {
  /** Path of the field in the object, e.g. `spec.prefix`. */
  readonly field: string;
  /** What is wrong, with the value. */
  readonly problem: string;
}

/** Why a call was refused. */
export interface StoreErrorFields extends ErrorFields<StoreErrorCode> {
  /** ErrorInfo reason in UPPER_SNAKE, e.g. `OBJECT_IN_USE`. */
  readonly reason: string;
  readonly violations?: readonly FieldViolation[];
}

/** A refused call. Nothing of it was applied. */
export class StoreError extends CodedError<StoreErrorCode> {
  readonly reason: string;
  readonly violations: readonly FieldViolation[];

  constructor(fields: StoreErrorFields) {
    super(fields);
    this.reason = fields.reason;
    this.violations = fields.violations ?? [];
  }
}

/** INVALID_ARGUMENT that names every refused field. */
export function invalidFields(op: string, violations: readonly FieldViolation[]): StoreError {
  const message = violations.map(({ field, problem }) => `${field}: ${problem}`).join('; ');
  return new StoreError({
    code: 'INVALID_ARGUMENT',
    op,
    message,
    reason: 'INVALID_FIELD',
    violations,
  });
}

/** INVALID_ARGUMENT for one field. */
export function invalidField(op: string, field: string, problem: string): StoreError {
  return invalidFields(op, [{ field, problem }]);
}
