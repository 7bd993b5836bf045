/** Membership of IP sets; felix-protocol: IP sets. */
import { parseCidr, parseIp, prefixMask } from '../base/ip.js';
import type { Family, IpAddress } from '../base/ip.js';
import { protocolNumber } from './packet.js';

/** One IP set. Members of both families live side by side; a member that cannot be read matches nothing. */
export class IpSet {
  /** Prefix values by length, for each family. */
  private readonly prefixes = {
    4: new Map<number, Set<bigint>>(),
    6: new Map<number, Set<bigint>>(),
  };
  /** `family/value,protocol:port`. */
  private readonly ports = new Set<string>();

  constructor(members: readonly string[]) {
    for (const member of members) this.add(member);
  }

  /** Adds one member text: an address, a prefix, or `ip,proto:port`. */
  add(member: string): void {
    const port = portKey(member);
    if (port !== undefined) this.ports.add(port);
    const cidr = parseCidr(member);
    if (cidr === undefined) return;
    const byLength = this.prefixes[cidr.family];
    byLength.set(cidr.length, (byLength.get(cidr.length) ?? new Set()).add(cidr.value));
  }

  /** Removes that very member; others that cover it stay. */
  remove(member: string): void {
    const port = portKey(member);
    if (port !== undefined) this.ports.delete(port);
    const cidr = parseCidr(member);
    if (cidr !== undefined) this.prefixes[cidr.family].get(cidr.length)?.delete(cidr.value);
  }

  /** True if a member prefix covers the address. */
  hasAddress(ip: IpAddress): boolean {
    return [...this.prefixes[ip.family]].some(([length, values]) =>
      values.has(ip.value & prefixMask(ip.family, length)),
    );
  }

  /** True if (address, protocol, port) is a member. */
  hasPort(ip: IpAddress, protocol: number, port: number | undefined): boolean {
    return port !== undefined && this.ports.has(keyOf(ip.family, ip.value, protocol, port));
  }
}

/** The address has no brackets, so the port is behind the last colon. */
function portKey(member: string): string | undefined {
  const match = /^([^,]+),([a-z]+):(\d+)$/i.exec(member);
  const ip = parseIp(match?.[1] ?? '');
  const protocol = protocolNumber(match?.[2] ?? '');
  if (ip === undefined || protocol === undefined) return undefined;
  return keyOf(ip.family, ip.value, protocol, Number(match?.[3]));
}

function keyOf(family: Family, value: bigint, protocol: number, port: number): string {
  return `${family}/${value},${protocol}:${port}`;
}
