/** Errors of felix-sim: one closed set. */
import { CodedError } from '../base/errors.js';

/**
 * - `driver-start`: the driver's file cannot be executed.
 * - `driver-exit`: the driver ended although Felix had not closed its pipes.
 * - `driver-frame`: the driver wrote something that Felix could not read.
 * - `recording`: a recording's folder or file is missing, or not of the form a recording has.
 * - `scenario`: a scenario is malformed, or does what Felix never does.
 * - `not-applied`: the driver did not apply a step in time.
 * - `xpu`: the XPU could not be started, or is not what was asked for.
 */
export type SimErrorCode =
  | 'driver-start'
  | 'driver-exit'
  | 'driver-frame'
  | 'recording'
  | 'scenario'
  | 'not-applied'
  | 'xpu';

/** A failure of felix-sim. */
export class SimError extends CodedError<SimErrorCode> {}
