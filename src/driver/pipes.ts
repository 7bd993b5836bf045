/**
 * The two pipes Felix hands to its driver: fd 3 to read, fd 4 to write. I/O edge.
 *
 * Node itself puts its epoll handle and an internal pipe on these numbers when they were not passed, so fd 3 is checked
 * to be a pipe (or socket, for tests) before it is touched; fd 4 alone proves nothing.
 */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { DriverError } from './errors.js';

/** The open pipes. `input` ends when Felix is gone. */
export interface FelixPipes {
  readonly input: Socket;
  readonly output: Socket;
}

const INPUT_FD = 3;
const OUTPUT_FD = 4;

/** True if this process was started the way Felix starts its driver. */
export function startedByFelix(): boolean {
  return isPipe(INPUT_FD) && isPipe(OUTPUT_FD);
}

/** Opens fd 3 and 4. Fails with `no-pipes` when the process was started by hand. */
export function openFelixPipes(): FelixPipes {
  if (!startedByFelix()) {
    throw new DriverError({
      code: 'no-pipes',
      op: 'open pipes',
      message: 'file descriptors 3 and 4 are not pipes: this program is started by Felix',
    });
  }
  // net.Socket, not a file stream: an idle file stream keeps a thread in read() and process.exit() waits for it.
  return {
    input: new Socket({ fd: INPUT_FD, readable: true, writable: false }),
    output: new Socket({ fd: OUTPUT_FD, readable: false, writable: true }),
  };
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
