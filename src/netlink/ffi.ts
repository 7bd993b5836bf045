/** Calls of the C library that Node has no way to. The only file of this module that loads native code. I/O edge. */
import koffi from 'koffi';
import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { NetlinkError } from './errors.js';

/** Constants of Linux, the same on every architecture that Node runs on. */
export const LINUX = {
  AF_PACKET: 17,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_RCVBUFFORCE: 33,
  SOL_PACKET: 263,
  PACKET_STATISTICS: 6,
  PACKET_IGNORE_OUTGOING: 23,
  PACKET_OTHERHOST: 3,
  PACKET_OUTGOING: 4,
  ETH_P_ALL: 0x0003,
  MSG_TRUNC: 0x20,
  POLLIN: 1,
  CLONE_NEWNET: 0x4000_0000,
  SIOCGIFNAME: 0x8910,
  SIOCGIFINDEX: 0x8933,
  SIOCGIFHWADDR: 0x8927,
} as const;

/** `EAGAIN`: a non-blocking call has nothing to give, or no room, now. */
const EAGAIN = 11;

type Call = (...args: unknown[]) => number;
type AsyncCall = Call & {
  async(...args: [...unknown[], (error: unknown, result: number) => void]): void;
};

// The process itself has the C library loaded, whichever one it is.
const library = koffi.load(null);
const calls = {
  socket: library.func('int socket(int domain, int type, int protocol)') as Call,
  bind: library.func('int bind(int fd, const void *address, uint32_t length)') as Call,
  setsockopt: library.func(
    'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
  ) as Call,
  getsockopt: library.func(
    'int getsockopt(int fd, int level, int name, void *value, void *length)',
  ) as Call,
  ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)') as Call,
  setns: library.func('int setns(int fd, int kind)') as Call,
  sendto: library.func(
    'intptr_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
  ) as Call,
  recvfrom: library.func(
    'intptr_t recvfrom(int fd, void *data, size_t length, int flags, void *address, void *addressLength)',
  ) as Call,
  poll: library.func('int poll(void *fds, unsigned long count, int timeoutMs)') as AsyncCall,
};

/** A descriptor of a new socket, closed on exec. Throws `NetlinkError`. */
export function socket(domain: number, type: number, protocol: number): number {
  return checked('open socket', calls.socket(domain, type | LINUX.SOCK_CLOEXEC, protocol));
}

/** Closes a descriptor. */
export function closeFd(fd: number): void {
  closeSync(fd);
}

/** Binds a socket to an address. Throws `NetlinkError`. */
export function bind(fd: number, address: Uint8Array): void {
  checked('bind socket', calls.bind(fd, address, address.length));
}

/** Sets an option whose value is an int. Throws `NetlinkError`. */
export function setOption(fd: number, level: number, name: number, value: number): void {
  const bytes = new Uint8Array(new Int32Array([value]).buffer);
  checked('set socket option', calls.setsockopt(fd, level, name, bytes, bytes.length));
}

/** Fills `value` with an option. Throws `NetlinkError`. */
export function getOption(fd: number, level: number, name: number, value: Uint8Array): void {
  const length = new Uint32Array([value.length]);
  checked('get socket option', calls.getsockopt(fd, level, name, value, length));
}

/** Asks about the interface whose request (`struct ifreq`) this is. Throws `NetlinkError`. */
export function interfaceRequest(fd: number, request: number, ifreq: Uint8Array): void {
  checked('look up interface', calls.ioctl(fd, request, ifreq));
}

/** Moves this thread, and nothing else, into a network namespace. Throws `NetlinkError`. */
export function setNetworkNamespace(fd: number): void {
  checked('enter network namespace', calls.setns(fd, LINUX.CLONE_NEWNET));
}

/** Sends; false where there is no room now. Throws `NetlinkError`. */
export function sendTo(fd: number, data: Uint8Array, address: Uint8Array): boolean {
  const sent = calls.sendto(fd, data, data.length, 0, address, address.length);
  return sent >= 0 || !wouldBlock('send frame');
}

/**
 * Receives into `data`, and the sender into `address`. Gives the length of the frame even if `data` is shorter, `undefined`
 * where nothing waits. Throws `NetlinkError`.
 */
export function receiveFrom(fd: number, data: Uint8Array, address: Uint8Array): number | undefined {
  const length = new Uint32Array([address.length]);
  const got = calls.recvfrom(fd, data, data.length, LINUX.MSG_TRUNC, address, length);
  if (got >= 0) return got;
  wouldBlock('receive frame');
  return undefined;
}

/**
 * Waits on a thread of the pool until something can be read; false after `timeoutMs`. Keep that short: the process cannot
 * end before.
 */
export function waitReadable(fd: number, timeoutMs: number): Promise<boolean> {
  const pollfd = new Uint8Array(8);
  const view = new DataView(pollfd.buffer);
  view.setInt32(0, fd, LITTLE_ENDIAN);
  view.setInt16(4, LINUX.POLLIN, LITTLE_ENDIAN);
  return new Promise((resolve, reject) => {
    calls.poll.async(pollfd, 1, timeoutMs, (error, ready) => {
      if (error) reject(new NetlinkError('call', 'wait for frame', 'poll failed', '', error));
      // An interrupted wait (-1) has seen nothing; who waits asks again.
      else resolve(ready > 0);
    });
  });
}

/** Byte order of this machine, for the kernel's structures. */
export const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function checked(op: string, result: number): number {
  if (result >= 0) return result;
  throw failure(op, koffi.errno());
}

/** True if the call that just failed may be made again later. Throws `NetlinkError` for any other failure. */
function wouldBlock(op: string): true {
  const errno = koffi.errno();
  if (errno !== EAGAIN) throw failure(op, errno);
  return true;
}

function failure(op: string, errno: number): NetlinkError {
  const name = getSystemErrorName(-errno);
  return new NetlinkError('call', op, name, name);
}
