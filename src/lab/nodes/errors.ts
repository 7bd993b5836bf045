/** Errors of the lab: one closed set. */
import { CodedError } from '../../base/errors.js';

/**
 * - `requirement`: root or a program of the system is missing.
 * - `name`: no name that a lab can have, or not clear which lab is meant.
 * - `exists`, `absent`: a lab of the name is there already, or is not.
 * - `scenario`: what the lab cannot build: an unknown node, two pods of one name, an address twice.
 * - `kernel`: the kernel refused a namespace, link, address or route.
 * - `not-ready`: a process of the lab did not become ready in time.
 * - `place`: no such pod or node, or its process does not answer.
 */
export type LabErrorCode =
  'requirement' | 'name' | 'exists' | 'absent' | 'scenario' | 'kernel' | 'not-ready' | 'place';

/** A failure of the lab. */
export class LabError extends CodedError<LabErrorCode> {}
