/** What can be wrong with a message on the wire. */
import { CodedError } from '../../base/errors.js';

/**
 * - `MALFORMED`: a field is missing, out of range or contradicts another; no server should have sent it.
 * - `UNEXPRESSED`: well formed, but it means something that the specs of `opi/objects` cannot say.
 */
export type WireErrorCode = 'MALFORMED' | 'UNEXPRESSED';

/** A message that has no spec, or a spec that has no message. The text names the field and its value. */
export class WireError extends CodedError<WireErrorCode> {
  /** Path of the offending field, as in a field mask: `spec.v4_prefix.len`. */
  readonly field: string;
  /** What is wrong with it, without the path. */
  readonly problem: string;

  constructor(code: WireErrorCode, field: string, problem: string) {
    super({ code, op: 'translate message', message: `${field}: ${problem}` });
    this.field = field;
    this.problem = problem;
  }
}

/** A field that no server should have sent. */
export function malformed(field: string, problem: string): WireError {
  return new WireError('MALFORMED', field, problem);
}

/** A field that means something the specs cannot say. */
export function unexpressed(field: string, problem: string): WireError {
  return new WireError('UNEXPRESSED', field, problem);
}
