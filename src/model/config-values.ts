/**
 * Parsers of Felix's configuration values: each takes a raw text and gives a value, or `undefined` where Felix would
 * refuse the text (felix-protocol: ConfigUpdate).
 */
import { formatIp, parseCidr, parseIp, type Cidr } from '../base/ip.js';
import type { PortRange } from './policy.js';

/** Gives the value of a raw text, or `undefined` if it is malformed. */
export type ValueParser<T> = (raw: string) => T | undefined;

/** One port that host endpoint policy never cuts off. */
export interface FailsafePort {
  /** Inbound: to this host's `port`. Outbound: from this host to the remote `port`. */
  readonly direction: 'inbound' | 'outbound';
  /** IANA number: 6 or 17. */
  readonly protocol: number;
  readonly port: number;
  /** Remote side; it also limits the entry to its family. Absent = any remote of both families. */
  readonly prefix?: Cidr;
}

const TRUE_TEXTS = new Set(['true', '1', 'yes', 'y', 't']);
const FALSE_TEXTS = new Set(['false', '0', 'no', 'n', 'f']);
const FAILSAFE_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
]);
const PORT_MAX = 65535;

/** `true 1 yes y t`, `false 0 no n f`, in any case. */
export const parseBool: ValueParser<boolean> = (raw) => {
  const text = raw.toLowerCase();
  if (TRUE_TEXTS.has(text)) return true;
  return FALSE_TEXTS.has(text) ? false : undefined;
};

/** An integer within inclusive bounds: decimal, `0x`, `0b`, or octal (`0o17`, `017`), as Go reads them. */
export function parseInteger(low: number, high: number): ValueParser<number> {
  return (raw) => {
    const match =
      /^([+-]?)(?:(0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]+)|(0|[1-9]\d*))$/.exec(raw);
    if (match === null) return undefined;
    const [, sign, based, decimal] = match;
    const magnitude =
      based === undefined ? Number(decimal) : Number(based.replace(/^0(?=[0-7])/, '0o'));
    const value = sign === '-' ? -magnitude : magnitude;
    return value >= low && value <= high ? value : undefined;
  };
}

/** A duration in seconds, fractions allowed, as milliseconds. Negative and non-finite ones are refused. */
export const parseSecondsToMs: ValueParser<number> = (raw) => {
  if (!/^\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(raw)) return undefined;
  const milliseconds = Number(raw) * 1000;
  return Number.isFinite(milliseconds) ? milliseconds : undefined;
};

/** One of `values`, whatever its case; gives the canonical spelling. */
export function parseOneOf<T extends string>(...values: readonly T[]): ValueParser<T> {
  const canonical = new Map(values.map((value) => [value.toLowerCase(), value]));
  return (raw) => canonical.get(raw.toLowerCase());
}

/** Any text. */
export const parseText: ValueParser<string> = (raw) => raw;

/** A comma list of interface name prefixes; one that is no possible interface name spoils the value. */
export const parseInterfacePrefixes: ValueParser<readonly string[]> = (raw) => {
  const prefixes = raw.split(',').map((part) => part.trim());
  return prefixes.every((prefix) => /^[A-Za-z0-9_.-]{1,15}$/.test(prefix)) ? prefixes : undefined;
};

/** A bare IPv4 address in canonical text. */
export const parseIpv4Text: ValueParser<string> = (raw) => {
  const ip = parseIp(raw);
  return ip?.family === 4 ? formatIp(ip) : undefined;
};

/** `first:last` or a single port. */
export const parsePortRange: ValueParser<PortRange> = (raw) => {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(raw);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= PORT_MAX ? { first, last } : undefined;
};

/** A DSCP value 0..63, or one of the standard names (`EF`, `AF11`.., `CS0`.., `DF`). */
export const parseDscp: ValueParser<number> = (raw) => {
  const text = raw.toUpperCase();
  if (text === 'EF') return 46;
  if (text === 'DF') return 0;
  const selector = /^CS([0-7])$/.exec(text);
  if (selector !== null) return Number(selector[1]) * 8;
  const assured = /^AF([1-4])([1-3])$/.exec(text);
  if (assured !== null) return Number(assured[1]) * 8 + Number(assured[2]) * 2;
  return parseInteger(0, 63)(raw);
};

/** `count/unit` of the log action. */
export const parseRateLimit: ValueParser<string> = (raw) =>
  /^[1-9]\d{0,8}\/(second|minute|hour|day)$/.test(raw) ? raw : undefined;

/** A comma list of failsafe ports; one malformed entry spoils the list. Empty entries are left out. */
export function parseFailsafes(
  direction: FailsafePort['direction'],
): ValueParser<readonly FailsafePort[]> {
  return (raw) => {
    const entries = raw
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => parseFailsafe(direction, part));
    return entries.every((entry) => entry !== undefined) ? entries : undefined;
  };
}

/** `port` (tcp), `proto:port`, `proto:cidr:port` or `proto:[v6cidr]:port`. */
function parseFailsafe(
  direction: FailsafePort['direction'],
  text: string,
): FailsafePort | undefined {
  const match = /^(?:([A-Za-z]+):(?:(.+):)?)?(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, protocolText = 'tcp', net, portText] = match;
  const protocol = FAILSAFE_PROTOCOLS.get(protocolText.toLowerCase());
  const port = Number(portText);
  if (protocol === undefined || port > PORT_MAX) return undefined;
  if (net === undefined) return { direction, protocol, port };
  const prefix = parseCidr(net.replace(/^\[(.*)\]$/, '$1'));
  return prefix === undefined ? undefined : { direction, protocol, port, prefix };
}
