/**
 * Membership of an AddressGroup (k8s-extension: objects). Members are idempotent; adding or removing one costs the same
 * at ten members and at a million.
 */
import { formatIp, parseCidr, parseIp, type Cidr } from '../../base/ip.js';
import type { MemberType } from '../../opi/objects/specs.js';
import type { Address } from './address.js';
import { PrefixSet } from './prefix-set.js';

/** What every form of membership can do. Texts are canonical members. */
export interface MemberSet {
  readonly type: MemberType;
  readonly size: number;
  /** False if it was there. `text` must have passed `canonicalMember`. */
  add(text: string): boolean;
  /** False if it was not there. */
  delete(text: string): boolean;
  /** `text` must have passed `canonicalMember`. */
  has(text: string): boolean;
  texts(): Iterable<string>;
}

/** Members that are prefixes. */
export class PrefixMembers implements MemberSet {
  readonly type = 'PREFIX';
  private readonly prefixes = new PrefixSet();

  get size(): number {
    return this.prefixes.size;
  }

  add(text: string): boolean {
    return this.prefixes.add(cidrOf(text));
  }

  delete(text: string): boolean {
    return this.prefixes.delete(cidrOf(text));
  }

  has(text: string): boolean {
    return this.prefixes.has(cidrOf(text));
  }

  texts(): Iterable<string> {
    return this.prefixes.texts();
  }

  /** True if a member of the address's family holds it. */
  containsAddress(address: Address): boolean {
    return this.prefixes.contains(address);
  }
}

/** Members that are `address,protocol:port`. */
export class IpPortMembers implements MemberSet {
  readonly type = 'IP_PORT';
  private readonly members = new Set<string>();

  get size(): number {
    return this.members.size;
  }

  add(text: string): boolean {
    if (this.members.has(text)) return false;
    this.members.add(text);
    return true;
  }

  delete(text: string): boolean {
    return this.members.delete(text);
  }

  has(text: string): boolean {
    return this.members.has(text);
  }

  texts(): Iterable<string> {
    return this.members;
  }

  /** True if exactly this address, protocol and port is a member. */
  containsPort(address: Address, protocol: number, port: number): boolean {
    return this.members.has(`${address.text},${protocol}:${port}`);
  }
}

/** An empty membership of a type. */
export function emptyMembers(type: MemberType): PrefixMembers | IpPortMembers {
  return type === 'PREFIX' ? new PrefixMembers() : new IpPortMembers();
}

/** Canonical text of a member, or undefined if it is malformed for the type. */
export function canonicalMember(type: MemberType, text: string): string | undefined {
  return type === 'PREFIX' ? canonicalPrefix(text) : canonicalIpPort(text);
}

function canonicalPrefix(text: string): string | undefined {
  const cidr = parseCidr(text);
  return cidr === undefined ? undefined : `${formatIp(cidr)}/${cidr.length}`;
}

function canonicalIpPort(text: string): string | undefined {
  const parts = /^([^,]+),(\d{1,3}):(\d{1,5})$/.exec(text);
  const ip = parseIp(parts?.[1] ?? '');
  const protocol = Number(parts?.[2]);
  const port = Number(parts?.[3]);
  if (ip === undefined || protocol > 255 || port > 65535) return undefined;
  return `${formatIp(ip)},${protocol}:${port}`;
}

function cidrOf(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new RangeError(`member ${text} is not canonical`);
  return cidr;
}
