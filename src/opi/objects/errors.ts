/** Errors of the OPI port, one closed set for every server dialect. */
import { CodedError, type ErrorFields } from '../../base/errors.js';

/**
 * - `INVALID`: the server refuses the object's shape; retrying the same spec cannot help.
 * - `NOT_FOUND`, `ALREADY_EXISTS`: the named object.
 * - `PRECONDITION`: a referenced object is missing or the object is in use.
 * - `CONFLICT`: lost a race (etag, generation); re-read and retry.
 * - `EXHAUSTED`: a table of the XPU is full.
 * - `UNSUPPORTED`: the server does not implement the call or feature.
 * - `UNAVAILABLE`: no answer in time or no connection; the outcome of a write is unknown.
 * - `DENIED`: mTLS identity refused.
 * - `UNKNOWN`: the server failed without a usable code; treated as permanent for that spec.
 */
export type OpiErrorCode =
  | 'INVALID'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PRECONDITION'
  | 'CONFLICT'
  | 'EXHAUSTED'
  | 'UNSUPPORTED'
  | 'UNAVAILABLE'
  | 'DENIED'
  | 'UNKNOWN';

/** Fields of an `OpiError`. */
export interface OpiErrorFields extends ErrorFields<OpiErrorCode> {
  /** ApplyBatch only: index of the operation the server refused, where it said so. */
  readonly operation?: number;
}

/** A failed call of the OPI port. */
export class OpiError extends CodedError<OpiErrorCode> {
  /** ApplyBatch only: index of the refused operation; absent where the server named none. */
  readonly operation?: number;

  constructor(fields: OpiErrorFields) {
    super(fields);
    if (fields.operation !== undefined) this.operation = fields.operation;
  }
}
