/** Raw Ethernet frames on the interfaces of one network namespace. */
import { NetlinkError } from './errors.js';
import {
  bind,
  closeFd,
  getOption,
  interfaceRequest,
  LINUX,
  LITTLE_ENDIAN,
  receiveFrom,
  sendTo,
  setOption,
  waitReadable,
} from './ffi.js';
import { socketIn } from './netns.js';

/** How a packet socket is opened. */
export interface PacketSocketOptions {
  /** Namespace, by name or path; default the own one. */
  readonly netns?: string;
  /** Interface whose frames are received; default all that are or will be in the namespace. */
  readonly ifname?: string;
  /** Bytes that may wait to be received, the kernel's overhead of some 500 bytes a frame included. Default 64 MiB. */
  readonly receiveBufferBytes?: number;
}

/** A frame that came in. */
export interface ReceivedFrame {
  /** Index of the interface that it came in by. */
  readonly interfaceIndex: number;
  /** Addressed to one MAC address, and it is not the interface's. */
  readonly forAnother: boolean;
  /** From the Ethernet header on; the receiver's own copy. */
  readonly frame: Uint8Array;
}

const RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024;
/** The greatest frame that is received whole: a jumbo frame of any device. */
const FRAME_BYTES_MAX = 65_536 + 14;
const SOCKADDR_LL_BYTES = 20;
const IFREQ_BYTES = 40;
const IFNAME_BYTES_MAX = 15;

/**
 * Sends and receives. Nothing is received before the socket is bound, and what this namespace sends itself is not received
 * at all. Every method but `close` throws `NetlinkError`.
 */
export class PacketSocket {
  private fd: number;
  private readonly data = new Uint8Array(FRAME_BYTES_MAX);
  private readonly from = new Uint8Array(SOCKADDR_LL_BYTES);
  private readonly fromView = new DataView(this.from.buffer);

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Opens one: root only. Throws `NetlinkError`. */
  static open(options: PacketSocketOptions = {}): PacketSocket {
    // Protocol 0 receives nothing until `bind` names one.
    const type = LINUX.SOCK_RAW | LINUX.SOCK_NONBLOCK;
    const opened = new PacketSocket(socketIn(options.netns, LINUX.AF_PACKET, type, 0));
    try {
      opened.prepare(options);
    } catch (error) {
      opened.close();
      throw error;
    }
    return opened;
  }

  /** Index of an interface of the socket's namespace. */
  interfaceIndex(ifname: string): number {
    const ifreq = this.ask(LINUX.SIOCGIFINDEX, ifname);
    return ifreq.getInt32(16, LITTLE_ENDIAN);
  }

  /** Name of the interface of an index; `undefined` where there is none any more. */
  interfaceName(index: number): string | undefined {
    const ifreq = new Uint8Array(IFREQ_BYTES);
    new DataView(ifreq.buffer).setInt32(16, index, LITTLE_ENDIAN);
    try {
      interfaceRequest(this.descriptor, LINUX.SIOCGIFNAME, ifreq);
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === 'ENODEV') return undefined;
      throw error;
    }
    const name = ifreq.subarray(0, IFNAME_BYTES_MAX + 1);
    return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
  }

  /** MAC address of an interface of the socket's namespace, six bytes. */
  hardwareAddress(ifname: string): Uint8Array {
    const ifreq = this.ask(LINUX.SIOCGIFHWADDR, ifname);
    return new Uint8Array(ifreq.buffer.slice(18, 24));
  }

  /** Hands a frame to an interface; false where the socket has no room now. Fails with `ENETDOWN` while the interface is down. */
  send(interfaceIndex: number, frame: Uint8Array): boolean {
    return sendTo(this.descriptor, frame, linkAddress(interfaceIndex));
  }

  /** The next frame that waits, if any does. A frame longer than 65550 bytes comes cut. */
  receive(): ReceivedFrame | undefined {
    for (;;) {
      const length = receiveFrom(this.descriptor, this.data, this.from);
      if (length === undefined) return undefined;
      const kind = this.from[10];
      if (kind === LINUX.PACKET_OUTGOING) continue;
      return {
        forAnother: kind === LINUX.PACKET_OTHERHOST,
        interfaceIndex: this.fromView.getInt32(4, LITTLE_ENDIAN),
        frame: this.data.slice(0, Math.min(length, FRAME_BYTES_MAX)),
      };
    }
  }

  /** Waits until a frame can be received; false if none was there after `timeoutMs`. The event loop goes on. */
  readable(timeoutMs: number): Promise<boolean> {
    return waitReadable(this.descriptor, timeoutMs);
  }

  /** Frames that found the receive buffer full since this was last asked. Above 0, what did not come may have been lost. */
  takeDropCount(): number {
    const statistics = new Uint8Array(8);
    getOption(this.descriptor, LINUX.SOL_PACKET, LINUX.PACKET_STATISTICS, statistics);
    return new DataView(statistics.buffer).getUint32(4, LITTLE_ENDIAN);
  }

  /** Closes it; a wait that is on its way ends by its time. May be called again. */
  close(): void {
    if (this.fd < 0) return;
    closeFd(this.fd);
    this.fd = -1;
  }

  private prepare({
    ifname,
    receiveBufferBytes = RECEIVE_BUFFER_BYTES,
  }: PacketSocketOptions): void {
    // The kernel doubles what is asked for.
    setOption(this.fd, LINUX.SOL_SOCKET, LINUX.SO_RCVBUFFORCE, Math.ceil(receiveBufferBytes / 2));
    setOption(this.fd, LINUX.SOL_PACKET, LINUX.PACKET_IGNORE_OUTGOING, 1);
    const index = ifname === undefined ? 0 : this.interfaceIndex(ifname);
    bind(this.fd, linkAddress(index));
  }

  private ask(request: number, ifname: string): DataView {
    const name = new TextEncoder().encode(ifname);
    if (name.length > IFNAME_BYTES_MAX) {
      throw new NetlinkError('call', 'look up interface', `${ifname}: name too long`, 'ENODEV');
    }
    const ifreq = new Uint8Array(IFREQ_BYTES);
    ifreq.set(name);
    try {
      interfaceRequest(this.descriptor, request, ifreq);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      throw new NetlinkError(error.code, error.op, `${ifname}: ${error.errno}`, error.errno, error);
    }
    return new DataView(ifreq.buffer);
  }

  private get descriptor(): number {
    if (this.fd < 0) throw new NetlinkError('closed', 'use packet socket', 'it is closed');
    return this.fd;
  }
}

/** `struct sockaddr_ll` of an interface, for frames of every protocol. */
function linkAddress(interfaceIndex: number): Uint8Array {
  const address = new Uint8Array(SOCKADDR_LL_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, LINUX.AF_PACKET, LITTLE_ENDIAN);
  view.setUint16(2, LINUX.ETH_P_ALL, false);
  view.setInt32(4, interfaceIndex, LITTLE_ENDIAN);
  return address;
}
