/** Why a question about policy cannot be answered. */
import { CodedError } from '../../base/errors.js';

/**
 * - `not-in-sync`: Felix has not told everything, so there is no policy to ask.
 * - `unknown-place`, `ambiguous-place`: no local pod, address or node, or several.
 * - `no-port`: a pod's endpoint is bound to nothing.
 * - `no-address`: a place has no address of the family.
 * - `capabilities`: a description of capabilities that cannot be used.
 */
export type ExplainErrorCode =
  'not-in-sync' | 'unknown-place' | 'ambiguous-place' | 'no-port' | 'no-address' | 'capabilities';

/** A question that cannot be answered; the message names what was asked. */
export class ExplainError extends CodedError<ExplainErrorCode> {}
