/**
 * Connection tracking: which flows were allowed, and what a packet is to them. Classification follows Linux, where
 * Felix's own data plane runs: see `icmp.ts` and `tcp.ts`.
 */
import type { Clock } from '../../base/clock.js';
import { icmpReplyType, isIcmpError, isUntrackedIcmp } from './icmp.js';
import { PROTOCOL, type Packet } from './packet.js';
import type { PortRef } from './port.js';
import { mayOpenTcp, nextTcpPhase, reopensTcp, validTcpFlags, type TcpPhase } from './tcp.js';

/** What a packet is to connection tracking. `UNTRACKED` packets have no entry and no invalid state. */
export type ConnectionState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';

/** One tracked flow. */
export interface Flow {
  /** Its first packet. */
  readonly original: Packet;
  readonly entry: PortRef;
  readonly exit: PortRef;
  /** Separates flows of routing domains with equal addresses. */
  readonly zone: string;
  replied: boolean;
  tcp: TcpPhase;
  lastSeenMs: number;
  packetCount: number;
  byteCount: number;
  /** Policy epoch that last judged the flow. */
  epoch: number;
}

/** Idle seconds after which a flow is forgotten (OPI SecurityProfile and its defaults). */
export interface IdleTimeouts {
  readonly tcp: number;
  readonly tcpSetup: number;
  readonly tcpHalfClose: number;
  readonly tcpClose: number;
  readonly udp: number;
  readonly icmp: number;
  readonly other: number;
}

/** Defaults of OPI's SecurityProfile (opi.md section 2), seconds. */
export const DEFAULT_IDLE_TIMEOUTS: IdleTimeouts = {
  tcp: 600,
  tcpSetup: 10,
  tcpHalfClose: 120,
  tcpClose: 15,
  udp: 120,
  icmp: 15,
  other: 90,
};

/** A packet's state, and the flow it belongs to where there is one. */
export interface Classified {
  readonly state: ConnectionState;
  readonly flow?: Flow;
  /** The packet travels against the flow's first packet. */
  readonly reply: boolean;
}

interface Side {
  readonly flow: Flow;
  readonly reply: boolean;
}

/** At most this often a full table looks for expired flows, milliseconds. */
const SWEEP_INTERVAL_MS = 1000;

/** See the file head. */
export class ConnectionTable {
  timeouts: IdleTimeouts = DEFAULT_IDLE_TIMEOUTS;
  private readonly clock: Clock;
  private readonly flowsMax: number;
  private readonly sides = new Map<string, Side>();
  private readonly all = new Set<Flow>();
  private readonly byAddress = new Map<string, Set<Flow>>();
  private sweptMs = -Infinity;

  constructor(clock: Clock, flowsMax: number) {
    this.clock = clock;
    this.flowsMax = flowsMax;
  }

  /** Number of tracked flows, expired ones that nobody met yet included. */
  get size(): number {
    return this.all.size;
  }

  /** Flows that have not expired. */
  *flows(): Generator<Flow> {
    for (const flow of this.all) if (!this.expired(flow)) yield flow;
  }

  /** What a packet is to the table. Changes nothing but expired flows. */
  classify(packet: Packet, zone: string): Classified {
    if (isUntrackedIcmp(packet)) return { state: 'UNTRACKED', reply: false };
    if (isIcmpError(packet)) return this.classifyError(packet, zone);
    if (packet.protocol === PROTOCOL.tcp && !validTcpFlags(packet.tcpFlags)) return INVALID;
    const side = this.lookup(flowKey(packet, zone));
    if (side === undefined || this.reopens(side, packet)) return opening(packet);
    return { state: 'ESTABLISHED', flow: side.flow, reply: side.reply };
  }

  /** Notes a packet of a flow. */
  touch(flow: Flow, packet: Packet, reply: boolean): void {
    flow.replied ||= reply;
    flow.tcp = nextTcpPhase(flow.tcp, packet.tcpFlags, reply, packet.protocol);
    flow.lastSeenMs = this.clock.monotonic();
    flow.packetCount += 1;
    flow.byteCount += packet.byteCount;
  }

  /** Tracks an allowed first packet. False if the table is full. */
  open(packet: Packet, zone: string, entry: PortRef, exit: PortRef, epoch: number): boolean {
    const key = flowKey(packet, zone);
    const old = this.sides.get(key);
    if (old !== undefined) this.forget(old.flow);
    if (this.all.size >= this.flowsMax && !this.sweep()) return false;
    const flow: Flow = {
      original: packet,
      entry,
      exit,
      zone,
      replied: false,
      tcp: 'SETUP',
      lastSeenMs: this.clock.monotonic(),
      packetCount: 1,
      byteCount: packet.byteCount,
      epoch,
    };
    this.all.add(flow);
    for (const address of addressesOf(flow)) this.atAddress(address).add(flow);
    this.sides.set(key, { flow, reply: false });
    const back = replyKey(packet, zone);
    if (back !== key) this.sides.set(back, { flow, reply: true });
    return true;
  }

  /** Forgets one flow. */
  forget(flow: Flow): void {
    this.all.delete(flow);
    for (const address of addressesOf(flow)) {
      const flows = this.atAddress(address);
      flows.delete(flow);
      if (flows.size === 0) this.byAddress.delete(address);
    }
    for (const key of [flowKey, replyKey].map((keyOf) => keyOf(flow.original, flow.zone))) {
      if (this.sides.get(key)?.flow === flow) this.sides.delete(key);
    }
  }

  /** Forgets the flows that `chosen` names and gives their number. */
  flush(chosen: (flow: Flow) => boolean = () => true): number {
    const doomed = [...this.flows()].filter(chosen);
    for (const flow of doomed) this.forget(flow);
    return doomed.length;
  }

  /** Forgets the flows from or to an address of a zone: it may belong to somebody else soon. */
  flushAddress(zone: string, address: string): void {
    for (const flow of [...(this.byAddress.get(`${zone}|${address}`) ?? [])]) this.forget(flow);
  }

  private atAddress(address: string): Set<Flow> {
    let flows = this.byAddress.get(address);
    if (flows === undefined) this.byAddress.set(address, (flows = new Set()));
    return flows;
  }

  private classifyError(packet: Packet, zone: string): Classified {
    if (packet.quoted === undefined) return INVALID;
    const side = this.lookup(flowKey(packet.quoted, zone));
    // The error goes to whoever sent the quoted packet.
    const meant = packet.destination.text === packet.quoted.source.text;
    if (side === undefined || !meant) return INVALID;
    return { state: 'RELATED', flow: side.flow, reply: !side.reply };
  }

  private lookup(key: string): Side | undefined {
    const side = this.sides.get(key);
    if (side === undefined || !this.expired(side.flow)) return side;
    this.forget(side.flow);
    return undefined;
  }

  private reopens(side: Side, packet: Packet): boolean {
    return packet.protocol === PROTOCOL.tcp && reopensTcp(side.flow.tcp, packet.tcpFlags);
  }

  private expired(flow: Flow): boolean {
    return this.clock.monotonic() - flow.lastSeenMs > this.idleSeconds(flow) * 1000;
  }

  private idleSeconds(flow: Flow): number {
    const { timeouts } = this;
    switch (flow.original.protocol) {
      case PROTOCOL.tcp:
        if (flow.tcp === 'CLOSED') return timeouts.tcpClose;
        if (flow.tcp === 'HALF_CLOSED' || flow.tcp === 'HALF_CLOSED_BY_REPLY') {
          return timeouts.tcpHalfClose;
        }
        return flow.tcp === 'SETUP' ? timeouts.tcpSetup : timeouts.tcp;
      case PROTOCOL.udp:
      case PROTOCOL.udplite:
        return timeouts.udp;
      case PROTOCOL.icmp:
      case PROTOCOL.icmpv6:
        return timeouts.icmp;
      default:
        return timeouts.other;
    }
  }

  private sweep(): boolean {
    const now = this.clock.monotonic();
    if (now - this.sweptMs < SWEEP_INTERVAL_MS) return false;
    this.sweptMs = now;
    for (const flow of this.all) if (this.expired(flow)) this.forget(flow);
    return this.all.size < this.flowsMax;
  }
}

const INVALID: Classified = { state: 'INVALID', reply: false };
const NEW: Classified = { state: 'NEW', reply: false };

/** State of a packet that belongs to no flow. */
function opening(packet: Packet): Classified {
  if (packet.protocol === PROTOCOL.tcp) return mayOpenTcp(packet.tcpFlags) ? NEW : INVALID;
  if (packet.icmp !== undefined) return icmpReplyType(packet) === undefined ? INVALID : NEW;
  return NEW;
}

function addressesOf({ zone, original }: Flow): string[] {
  return [original.source, original.destination].map(({ text }) => `${zone}|${text}`);
}

function flowKey(packet: Packet, zone: string): string {
  const { icmp, source, destination } = packet;
  const [from, to] =
    icmp === undefined
      ? [packet.sourcePort, packet.destinationPort]
      : [icmp.id, `${icmp.type}.${icmp.code}`];
  return `${zone}|${packet.protocol}|${source.text}|${from}|${destination.text}|${to}`;
}

function replyKey(packet: Packet, zone: string): string {
  const { icmp, source, destination } = packet;
  const [from, to] =
    icmp === undefined
      ? [packet.destinationPort, packet.sourcePort]
      : [icmp.id, `${icmpReplyType(packet) ?? icmp.type}.${icmp.code}`];
  return `${zone}|${packet.protocol}|${destination.text}|${from}|${source.text}|${to}`;
}
