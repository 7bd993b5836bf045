/**
 * Sockets born in another network namespace. A socket stays where it was made, so nobody ever has to run there: the thread
 * enters, makes it and comes back before anything else can run. I/O edge.
 */
import { closeSync, openSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { errorText } from '../base/errors.js';
import { NetlinkError } from './errors.js';
import { setNetworkNamespace, socket } from './ffi.js';

/** Where iproute2 keeps the names of namespaces. */
const NAMES_FOLDER = '/run/netns';
/** The calling thread's; `/proc/self` would be the main thread's. */
const OWN_NAMESPACE = '/proc/thread-self/ns/net';

/** File of a namespace: of a name as `ip netns` knows it, or an absolute path as it is. */
export function namespaceFile(netns: string): string {
  return isAbsolute(netns) ? netns : join(NAMES_FOLDER, netns);
}

/**
 * Makes a socket in a namespace, given by name or path; `undefined` is the own one. Throws `NetlinkError`, with no
 * descriptor left open.
 */
export function socketIn(
  netns: string | undefined,
  domain: number,
  type: number,
  protocol: number,
): number {
  if (netns === undefined) return socket(domain, type, protocol);
  const there = openNamespace(namespaceFile(netns));
  try {
    return within(there, netns, () => socket(domain, type, protocol));
  } finally {
    closeSync(there);
  }
}

/** Nothing asynchronous may be begun in `birth`: a pool thread that starts meanwhile would stay in the namespace. */
function within(there: number, name: string, birth: () => number): number {
  const home = openNamespace(OWN_NAMESPACE);
  try {
    enter(there, name);
    try {
      return birth();
    } finally {
      comeBack(home);
    }
  } finally {
    closeSync(home);
  }
}

function enter(fd: number, name: string): void {
  try {
    setNetworkNamespace(fd);
  } catch (error) {
    // EINVAL: a file that is no namespace, such as the leftover of one that is gone.
    if (!(error instanceof NetlinkError) || error.errno !== 'EINVAL') throw error;
    throw new NetlinkError('namespace', error.op, `${name} is no network namespace`, error.errno);
  }
}

/** A thread that cannot come back would do everything from now on in the wrong network. */
function comeBack(home: number): void {
  try {
    setNetworkNamespace(home);
  } catch (error) {
    process.stderr.write(`calico-xpu: cannot leave a network namespace: ${errorText(error)}\n`);
    process.abort();
  }
}

function openNamespace(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? '';
    throw new NetlinkError('namespace', 'open network namespace', errorText(cause), errno, cause);
  }
}
