/**
 * Sends packets as real frames from one network namespace and tells by which interface of it each comes out. Everything
 * that a packet may come out by is an interface of that namespace, which itself needs no IP stack. I/O edge.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CodedError } from '../../base/errors.js';
import { systemClock } from '../../base/clock.js';
import { PacketSocket, type ReceivedFrame } from '../../netlink/packet-socket.js';
import { buildFrame, buildPacket } from './build.js';
import { concat, macText } from './bytes.js';
import { fragmentPacket } from './fragment.js';
import { icmpTypeOf } from './icmp.js';
import { Marker } from './marker.js';
import { parseFrame, type ParsedFrame, type ParsedPacket } from './parse.js';
import type { PacketSpec } from './spec.js';
import { decapsulate, encapsulate, type VxlanOuter } from './vxlan.js';

/** One packet to be sent. */
export interface ProbeSend {
  /** Interface of the namespace that it leaves by. */
  readonly via: string;
  /** MAC address of whoever is at the other end. */
  readonly destinationMac: string;
  /** Default the interface's own. */
  readonly sourceMac?: string;
  /** A marker is added to its payload. */
  readonly packet: PacketSpec;
  /** Carries the packet, as a node of the tunnel does, in a frame with these MAC addresses. */
  readonly tunnel?: VxlanOuter & {
    readonly innerSourceMac: string;
    readonly innerDestinationMac: string;
  };
  /** Cuts it into fragments of at most this many bytes; it has arrived when the piece with the end has. */
  readonly fragmentBytes?: number;
}

/** A packet that came out. */
export interface Arrival {
  /** Interface that it came in by; empty for one that is gone. */
  readonly via: string;
  /** The packet; inside the tunnel if it came through one. */
  readonly packet: ParsedPacket;
  readonly sourceMac: string;
  readonly destinationMac: string;
  /** The frame, or the one outside, was addressed to another MAC address than the interface's: a kernel would ignore it. */
  readonly forAnother: boolean;
  /** The outer addresses and the network, for a packet that came through VXLAN. */
  readonly tunnel?: { readonly source: string; readonly destination: string; readonly vni: number };
}

/** What became of one packet. Both lists may grow for as long as frames are collected. */
export interface ProbeOutcome {
  readonly arrivals: readonly Arrival[];
  /** ICMP errors about it. */
  readonly errors: readonly Arrival[];
}

/** `dropped`: frames were lost for lack of room on this machine, so a packet that did not arrive may have been let through. */
export class PacketProbeError extends CodedError<'dropped'> {}

/** How a probe is opened. */
export interface PacketProbeOptions {
  /** Namespace, by name or path; default the own one. */
  readonly netns?: string;
  /** Milliseconds without a frame after which what has not arrived will not. Default 15. */
  readonly settleMs?: number;
  /** Bytes of frames that may wait while nobody collects; default that of `PacketSocket`. */
  readonly receiveBufferBytes?: number;
}

interface Sent {
  readonly spec: PacketSpec;
  readonly arrivals: Arrival[];
  readonly errors: Arrival[];
}

const SETTLE_MS = 15;
/** Longest single wait on a pool thread. */
const WAIT_MS_MAX = 50;
/** Packets whose late arrivals are still recognised. */
const SENT_MAX = 65_536;
/** Per-CPU counts; the second column is packets that found a CPU's backlog full. */
const SOFTNET_FILE = '/proc/net/softnet_stat';

/** See the file head. Close it after use. */
export class PacketProbe {
  private readonly socket: PacketSocket;
  private readonly settleMs: number;
  private readonly marker = new Marker(randomInt(2 ** 32));
  private readonly sent = new Map<number, Sent>();
  private nextId = 1;

  private constructor(socket: PacketSocket, settleMs: number) {
    this.socket = socket;
    this.settleMs = settleMs;
  }

  /** Opens one: root only. Throws `NetlinkError`. */
  static open({ settleMs = SETTLE_MS, ...options }: PacketProbeOptions = {}): PacketProbe {
    return new PacketProbe(PacketSocket.open(options), settleMs);
  }

  /**
   * Sends packets in this order and waits until all have arrived or nothing comes any more. Outcomes are in the order of
   * `sends`. Fails with `PacketProbeError`, or with `NetlinkError` where an interface is not there or down.
   */
  async exchange(sends: readonly ProbeSend[]): Promise<readonly ProbeOutcome[]> {
    this.collectWaiting();
    this.socket.takeDropCount();
    const dropped = backlogDrops();
    const outcomes: Sent[] = [];
    for (const send of sends) outcomes.push(await this.send(send));
    await this.settle(() => outcomes.every(({ arrivals }) => arrivals.length > 0));
    this.checkDrops(dropped);
    return outcomes;
  }

  /** Takes what arrives until nothing has for `quietMs`. */
  async collect(quietMs: number): Promise<void> {
    await this.settle(() => false, quietMs);
  }

  /** MAC address of an interface of the namespace. Throws `NetlinkError`. */
  macOf(ifname: string): string {
    return macText(this.socket.hardwareAddress(ifname));
  }

  /** Ends it. May be called again. */
  close(): void {
    this.socket.close();
  }

  private async send(send: ProbeSend): Promise<Sent> {
    const id = this.nextId++;
    const sent: Sent = { spec: send.packet, arrivals: [], errors: [] };
    this.sent.set(id, sent);
    this.sent.delete(id - SENT_MAX);
    const index = this.socket.interfaceIndex(send.via);
    for (const frame of this.framesOf(send, id)) {
      while (!this.socket.send(index, frame)) await this.wait(1);
    }
    return sent;
  }

  private framesOf(send: ProbeSend, id: number): Uint8Array[] {
    const { via, destinationMac, packet, tunnel, fragmentBytes } = send;
    const sourceMac = send.sourceMac ?? this.macOf(via);
    const payload = concat(packet.payload ?? new Uint8Array(), this.marker.mark(id));
    const bytes = buildPacket({ ...packet, payload });
    const pieces = fragmentBytes === undefined ? [bytes] : fragmentPacket(bytes, fragmentBytes, id);
    if (tunnel === undefined) {
      return pieces.map((piece) => buildFrame(sourceMac, destinationMac, piece));
    }
    return pieces.map((piece) => {
      const inner = buildFrame(tunnel.innerSourceMac, tunnel.innerDestinationMac, piece);
      return buildFrame(sourceMac, destinationMac, encapsulate(tunnel, inner));
    });
  }

  private async settle(isDone: () => boolean, quietMs = this.settleMs): Promise<void> {
    this.collectWaiting();
    let last = systemClock.monotonic();
    while (!isDone()) {
      const left = last + quietMs - systemClock.monotonic();
      if (left <= 0) return;
      if (await this.wait(Math.min(Math.ceil(left), WAIT_MS_MAX))) last = systemClock.monotonic();
    }
  }

  private async wait(timeoutMs: number): Promise<boolean> {
    const ready = await this.socket.readable(timeoutMs);
    if (ready) this.collectWaiting();
    return ready;
  }

  private collectWaiting(): void {
    for (let one = this.socket.receive(); one !== undefined; one = this.socket.receive()) {
      this.take(one);
    }
  }

  private take({ frame, interfaceIndex, forAnother }: ReceivedFrame): void {
    const outside = parseFrame(frame);
    if (outside === undefined) return;
    const { seen, tunnel } = openTunnel(outside);
    const id = this.marker.read(seen.packet.payload);
    const sent = id === undefined ? undefined : this.sent.get(id);
    if (sent === undefined) return;
    const via = this.socket.interfaceName(interfaceIndex) ?? '';
    const arrival: Arrival = { via, ...seen, forAnother, ...(tunnel && { tunnel }) };
    if (isItself(sent.spec, seen.packet)) sent.arrivals.push(arrival);
    else if (seen.packet.icmp?.quoted !== undefined) sent.errors.push(arrival);
  }

  private checkDrops(backlogBefore: number): void {
    const full = this.socket.takeDropCount();
    const backlog = backlogDrops() - backlogBefore;
    if (full === 0 && backlog === 0) return;
    throw new PacketProbeError({
      code: 'dropped',
      op: 'send probes',
      message: `${full} frames found the receive buffer full, ${backlog} the backlog of a CPU`,
    });
  }
}

/** MAC address of an interface in a namespace, by name or path. Throws `NetlinkError`. */
export function interfaceMac(netns: string | undefined, ifname: string): string {
  const socket = PacketSocket.open({ ...(netns === undefined ? {} : { netns }), ifname });
  try {
    return macText(socket.hardwareAddress(ifname));
  } finally {
    socket.close();
  }
}

/** The frame inside a VXLAN packet, if it is one. */
function openTunnel(outside: ParsedFrame): {
  readonly seen: ParsedFrame;
  readonly tunnel?: NonNullable<Arrival['tunnel']>;
} {
  const inside = decapsulate(outside.packet);
  const seen = inside && parseFrame(inside.frame);
  if (inside === undefined || seen === undefined) return { seen: outside };
  const { source, destination } = outside.packet;
  return { seen, tunnel: { source, destination, vni: inside.vni } };
}

/** False for an ICMP error that carries the marker only because it quotes the packet. */
function isItself({ protocol, icmp }: PacketSpec, packet: ParsedPacket): boolean {
  if (packet.protocol !== protocol) return false;
  return packet.icmp === undefined || packet.icmp.type === icmpTypeOf(packet.family, icmp);
}

function backlogDrops(): number {
  const lines = readFileSync(SOFTNET_FILE, 'utf8').trim().split('\n');
  return lines.reduce((sum, line) => sum + parseInt(line.split(' ')[1] ?? '0', 16), 0);
}
