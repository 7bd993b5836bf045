/** Canonical texts of IP set members: what two spellings of one member have in common. */
import { formatCidr, formatIp, parseCidr, parseIp } from '../base/ip.js';
import type { IpSetType } from '../model/policy.js';

/** Canonical text of Felix's member text; `undefined` if it is malformed (felix-protocol: IP sets). */
export function canonicalMember(type: IpSetType, text: string): string | undefined {
  return type === 'net' ? canonicalPrefix(text) : canonicalIpPort(text);
}

/** `addr/len`; a bare address is a host prefix. */
function canonicalPrefix(text: string): string | undefined {
  if (isCanonicalHostV4(text)) return text;
  const cidr = parseCidr(text);
  return cidr === undefined ? undefined : formatCidr(cidr);
}

/** `ip,proto:port` with a protocol number; an IPv6 address is not bracketed, so the last colon parts the port. */
function canonicalIpPort(text: string): string | undefined {
  const comma = text.indexOf(',');
  const colon = text.lastIndexOf(':');
  if (comma < 0 || colon < comma) return undefined;
  const ip = parseIp(text.slice(0, comma));
  const protocol = PROTOCOLS.get(text.slice(comma + 1, colon).toLowerCase());
  const port = decimal(text.slice(colon + 1), 65535);
  if (ip === undefined || protocol === undefined || port === undefined) return undefined;
  return `${formatIp(ip)},${protocol}:${port}`;
}

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['sctp', 132],
]);

function decimal(text: string, max: number): number | undefined {
  if (!/^(0|[1-9]\d{0,4})$/.test(text)) return undefined;
  const value = Number(text);
  return value > max ? undefined : value;
}

const DOT = 46;
const ZERO = 48;

/**
 * True for a strictly spelled `a.b.c.d/32`, the member by far most common: told without the big integers of
 * `parseCidr`, which a set of a million members would feel.
 */
function isCanonicalHostV4(text: string): boolean {
  if (!text.endsWith('/32')) return false;
  const end = text.length - 3;
  let parts = 1;
  let digits = 0;
  let value = 0;
  for (let index = 0; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (digits === 0 || ++parts > 4) return false;
      digits = 0;
      value = 0;
      continue;
    }
    if (code < ZERO || code > ZERO + 9 || (digits > 0 && value === 0)) return false;
    value = value * 10 + code - ZERO;
    if (value > 255) return false;
    digits++;
  }
  return parts === 4 && digits > 0;
}
