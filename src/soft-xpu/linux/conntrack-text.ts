/** Connections as `conntrack -L -o extended,id` prints them. Pure. */
import { parseIp } from '../../base/ip.js';
import type { TrackedFlow } from '../data-plane.js';
import type { IdleTimeouts } from '../memory/conntrack.js';
import { packetOf, PROTOCOL, type Packet } from '../memory/packet.js';

/** One tuple of a connection. */
export interface Tuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number };
}

/** One connection. */
export interface ConnectionEntry {
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly zone: number;
  readonly id: string;
  /** Seconds until the kernel forgets it. */
  readonly timeout: number;
  readonly state: TrackedFlow['state'];
  /** The kernel's word for a TCP or SCTP state; '' for other protocols. */
  readonly word: string;
  readonly original: Tuple;
  readonly reply: Tuple;
  readonly packetCount: number;
  readonly byteCount: number;
}

/** Entries of a listing; lines that are none are left out. */
export function parseConnections(text: string): ConnectionEntry[] {
  return text.split('\n').flatMap((line) => parseConnection(line) ?? []);
}

/** `ipv4 2 tcp 6 431999 ESTABLISHED src=... dst=... ... [ASSURED] mark=0 zone=1 use=1 id=123`. */
function parseConnection(line: string): ConnectionEntry | undefined {
  const words = line.trim().split(/\s+/);
  const [familyName, , , protocolText = '', timeoutText = '', state = ''] = words;
  const protocol = Number(protocolText);
  if (!/^ipv[46]$/.test(familyName ?? '') || !Number.isInteger(protocol)) return undefined;
  const fields = words.flatMap((word) => {
    const equals = word.indexOf('=');
    return equals < 0 ? [] : [[word.slice(0, equals), word.slice(equals + 1)] as const];
  });
  const sources = fields.flatMap(([name], index) => (name === 'src' ? index : []));
  const [first = 0, second = fields.length] = sources;
  const one = (name: string): string => fields.findLast(([field]) => field === name)?.[1] ?? '0';
  const [original, reply] = [fields.slice(first, second), fields.slice(second)];
  const sum = (name: string): number =>
    fields.reduce((total, [field, value]) => (field === name ? total + Number(value) : total), 0);
  return {
    family: familyName === 'ipv4' ? 4 : 6,
    protocol,
    zone: Number(one('zone')),
    id: one('id'),
    timeout: Number(timeoutText),
    word: /^[A-Z_]+$/.test(state) ? state : '',
    state: stateOf(state, words.includes('[UNREPLIED]')),
    original: tupleOf(original),
    reply: tupleOf(reply),
    packetCount: sum('packets'),
    byteCount: sum('bytes'),
  };
}

type Fields = readonly (readonly [string, string])[];

function tupleOf(fields: Fields): Tuple {
  const of = (name: string): string => fields.find(([field]) => field === name)?.[1] ?? '';
  const type = of('type');
  const icmp = { type: Number(type), code: Number(of('code')), id: Number(of('id')) };
  return {
    source: of('src'),
    destination: of('dst'),
    sourcePort: Number(of('sport') || 0),
    destinationPort: Number(of('dport') || 0),
    ...(type === '' ? {} : { icmp }),
  };
}

function stateOf(word: string, unreplied: boolean): TrackedFlow['state'] {
  if (CLOSING.has(word)) return 'CLOSING';
  if (unreplied || word === 'SYN_SENT' || word === 'SYN_RECV') return 'NEW';
  return 'ESTABLISHED';
}

const CLOSING = new Set([
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
]);

/** The first packet of a connection, as far as the kernel remembers it; undefined if it is no packet of ours. */
export function firstPacket({ protocol, original }: ConnectionEntry): Packet | undefined {
  const { source, destination, sourcePort, destinationPort, icmp } = original;
  if (parseIp(source) === undefined || parseIp(destination) === undefined) return undefined;
  return packetOf({
    source,
    destination,
    protocol,
    sourcePort,
    destinationPort,
    ...(icmp === undefined ? {} : { icmp }),
    ...(protocol === PROTOCOL.tcp ? { tcpFlags: 2 } : {}),
  });
}

/** Prefix of the kernel's idle times among the sysctls. */
const SETTING = 'net/netfilter/nf_conntrack_';

/** Settings of the kernel's own idle times, `name=seconds`, that come nearest to OPI's. */
export function timeoutSettings(timeouts: IdleTimeouts): string[] {
  const { tcp, tcpSetup, tcpHalfClose, tcpClose, udp, icmp, other } = timeouts;
  const settings: [string, number][] = [
    ['tcp_timeout_established', tcp],
    ['tcp_timeout_syn_sent', tcpSetup],
    ['tcp_timeout_syn_recv', tcpSetup],
    ['tcp_timeout_fin_wait', tcpHalfClose],
    ['tcp_timeout_close_wait', tcpHalfClose],
    ['tcp_timeout_last_ack', tcpClose],
    ['tcp_timeout_time_wait', tcpClose],
    ['tcp_timeout_close', tcpClose],
    ['udp_timeout', udp],
    ['udp_timeout_stream', udp],
    ['icmp_timeout', icmp],
    ['icmpv6_timeout', icmp],
    ['generic_timeout', other],
  ];
  return settings.map(([name, seconds]) => `${SETTING}${name}=${seconds}`);
}

/** Seconds by the sysctl's path. */
export type TimeoutValues = ReadonlyMap<string, number>;

/** Paths of the settings that `idleMsOf` asks for. */
export const TIMEOUT_PATHS: readonly string[] = timeoutSettings({
  tcp: 0,
  tcpSetup: 0,
  tcpHalfClose: 0,
  tcpClose: 0,
  udp: 0,
  icmp: 0,
  other: 0,
}).map((setting) => setting.slice(0, setting.indexOf('=')));

/** How long a connection had no packet: what is missing from its whole idle time. 0 if that is not known. */
export function idleMsOf(entry: ConnectionEntry, values: TimeoutValues): number {
  const whole = values.get(SETTING + timeoutName(entry));
  return whole === undefined ? 0 : Math.max(0, whole - entry.timeout) * 1000;
}

function timeoutName({ protocol, state, word }: ConnectionEntry): string {
  if (protocol === PROTOCOL.tcp) return `tcp_timeout_${word.toLowerCase()}`;
  if (protocol === PROTOCOL.udp) return state === 'NEW' ? 'udp_timeout' : 'udp_timeout_stream';
  if (protocol === PROTOCOL.icmp) return 'icmp_timeout';
  return protocol === PROTOCOL.icmpv6 ? 'icmpv6_timeout' : 'generic_timeout';
}
