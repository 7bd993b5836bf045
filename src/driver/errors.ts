/** Errors of the driver: one closed set. */
import { CodedError } from '../base/errors.js';

/**
 * - `frame-length`: a frame announces more bytes than the cap allows.
 * - `frame-body`: a frame's body is no ToDataplane message.
 * - `truncated`: the stream ended inside a frame.
 * - `no-pipes`: fd 3 and 4 are not the pipes that Felix passes.
 * - `locked`: another process still writes to the same XPU.
 * - `recorder`: the flight recorder's folder cannot be used.
 */
export type DriverErrorCode =
  'frame-length' | 'frame-body' | 'truncated' | 'no-pipes' | 'locked' | 'recorder';

/** A failure of the driver. */
export class DriverError extends CodedError<DriverErrorCode> {}
