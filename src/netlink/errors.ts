/** What can go wrong with the kernel's sockets. */
import { CodedError } from '../base/errors.js';

/**
 * `namespace`: no network namespace of that name. `call`: a system call failed; `errno` says why. `closed`: the socket
 * was closed before.
 */
export type NetlinkErrorCode = 'namespace' | 'call' | 'closed';

/** A failed operation on a socket or a namespace. */
export class NetlinkError extends CodedError<NetlinkErrorCode> {
  /** The kernel's name of the reason, such as `ENETDOWN`; empty where no system call failed. */
  readonly errno: string;

  constructor(code: NetlinkErrorCode, op: string, message: string, errno = '', cause?: unknown) {
    super({ code, op, message, ...(cause === undefined ? {} : { cause }) });
    this.errno = errno;
  }
}
