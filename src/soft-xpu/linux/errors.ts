/** Errors of the linux data plane. */
import { CodedError } from '../../base/errors.js';

/**
 * - `command`: a program of the system cannot be run, or does not end.
 * - `refused`: the kernel refuses a change.
 * - `namespace`: a network namespace cannot be used.
 * - `forwarding`: the machine does not forward, and it is not ours to change that.
 * - `state`: the state file cannot be read or written.
 * - `in_use`: another server has this state directory.
 */
export type LinuxErrorCode =
  'command' | 'refused' | 'namespace' | 'forwarding' | 'state' | 'in_use';

/** See the codes. */
export class LinuxError extends CodedError<LinuxErrorCode> {}
