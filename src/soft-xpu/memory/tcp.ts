/** TCP as connection tracking sees it: which flag bytes are sound, which may open a flow, when a flow ends. */
import { PROTOCOL, TCP } from './packet.js';

/** Life of a TCP flow; flows of other protocols stay in `SETUP`. */
export type TcpPhase = 'SETUP' | 'OPEN' | 'HALF_CLOSED' | 'HALF_CLOSED_BY_REPLY' | 'CLOSED';

const MEANINGFUL = TCP.fin | TCP.syn | TCP.rst | TCP.ack;

const SOUND: ReadonlySet<number> = new Set([
  TCP.syn,
  TCP.syn | TCP.ack,
  TCP.rst,
  TCP.rst | TCP.ack,
  TCP.fin | TCP.ack,
  TCP.ack,
]);

/** False for flag bytes that no TCP sends (none, SYN and FIN, FIN alone, ...). */
export function validTcpFlags(flags: number): boolean {
  return SOUND.has(flags & MEANINGFUL);
}

/** A SYN opens a flow; so does a lone ACK, which picks up a flow in mid-stream (Linux's tcp_loose). */
export function mayOpenTcp(flags: number): boolean {
  const meaning = flags & MEANINGFUL;
  return meaning === TCP.syn || meaning === TCP.ack;
}

/** A SYN on a finished flow begins another one, which policy judges anew. */
export function reopensTcp(phase: TcpPhase, flags: number): boolean {
  return phase === 'CLOSED' && (flags & MEANINGFUL) === TCP.syn;
}

/** Phase after a packet. `reply`: the packet travels against the flow's first one. */
export function nextTcpPhase(
  phase: TcpPhase,
  flags: number,
  reply: boolean,
  protocol: number,
): TcpPhase {
  if (protocol !== PROTOCOL.tcp || phase === 'CLOSED') return phase;
  if ((flags & TCP.rst) !== 0) return 'CLOSED';
  if ((flags & TCP.fin) !== 0) return afterFin(phase, reply);
  return phase === 'SETUP' && (flags & TCP.syn) === 0 ? 'OPEN' : phase;
}

function afterFin(phase: TcpPhase, reply: boolean): TcpPhase {
  const closedByThis = reply ? 'HALF_CLOSED_BY_REPLY' : 'HALF_CLOSED';
  const closedByOther = reply ? 'HALF_CLOSED' : 'HALF_CLOSED_BY_REPLY';
  return phase === closedByOther ? 'CLOSED' : closedByThis;
}
