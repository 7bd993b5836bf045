/** IP sets as interval sets, one family at a time. Kept until their membership changes. */
import {
  addressBits,
  cidrRange,
  formatCidr,
  parseCidr,
  parseIp,
  prefixMask,
  type Cidr,
  type Family,
} from '../../../base/ip.js';
import type { IpSetId } from '../../../model/ids.js';
import type { CanonicalChange, SetView } from '../lowering.js';
import { addressDomain, PORTS, type AddressSet, type NumberSet } from './box.js';

/** Addresses that hold the same ports of one protocol in an `ip-port` set. */
export interface PortGroup {
  readonly protocol: number;
  readonly addresses: AddressSet;
  readonly ports: NumberSet;
}

/** A set of one family. A set of the other type, or with a member that cannot be read, is `unusable`. */
export type MemberSet =
  | { readonly kind: 'net'; readonly addresses: AddressSet }
  | { readonly kind: 'ip-port'; readonly groups: readonly PortGroup[] }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Looks up a set of the view. */
export type SetLookup = (id: IpSetId) => SetView | undefined;

/** Materialised sets. A set keeps its object for as long as its members of that family do not change. */
export class MemberSets {
  private readonly cache = new Map<IpSetId, Map<Family, MemberSet>>();
  private lookup: SetLookup = () => undefined;
  private changes = 0;

  /** Another number than before whenever some set may have changed. */
  get version(): number {
    return this.changes;
  }

  /** Where to look sets up from now on. */
  read(lookup: SetLookup): void {
    this.lookup = lookup;
  }

  /** The set is new, gone or of another type. */
  forget(id: IpSetId): void {
    this.changes++;
    this.cache.delete(id);
  }

  /** Members of a set came and went; the set in `read` has them already. */
  follow(id: IpSetId, change: CanonicalChange): void {
    this.changes++;
    const families = this.cache.get(id);
    const view = this.lookup(id);
    for (const [family, set] of families ?? []) {
      const followed = view === undefined ? undefined : followedSet(set, view, change, family);
      if (followed === undefined) families?.delete(family);
      else families?.set(family, followed);
    }
  }

  /** One family of a set. */
  get(id: IpSetId, family: Family): MemberSet {
    let families = this.cache.get(id);
    if (families === undefined) {
      families = new Map();
      this.cache.set(id, families);
    }
    let members = families.get(family);
    if (members === undefined) {
      members = materialise(id, this.lookup(id), family);
      families.set(family, members);
    }
    return members;
  }
}

/** One family of a set view as interval sets. */
export function materialise(id: IpSetId, view: SetView | undefined, family: Family): MemberSet {
  if (view === undefined) return { kind: 'unusable', reason: `IP set ${id} is not there` };
  return view.type === 'net' ? netSet(id, view, family) : ipPortSet(id, view, family);
}

/** A changed `net` set without reading all of it; `undefined` if it must be read anew. */
function followedSet(
  set: MemberSet,
  view: SetView,
  change: CanonicalChange,
  family: Family,
): MemberSet | undefined {
  if (set.kind !== 'net' || view.type !== 'net') return undefined;
  const added = prefixesOf(change.added, family);
  const removed = prefixesOf(change.removed, family);
  if (added.length + removed.length === 0) return set;
  // A prefix that goes may have held single addresses that are members themselves.
  if (removed.some(({ length }) => length < addressBits(family))) return undefined;
  const domain = addressDomain(family);
  const gone = removed.filter((cidr) => !isInside(cidr, view.members)).map(cidrRange);
  const addresses = set.addresses
    .minus(domain.ofRanges(gone))
    .or(domain.ofRanges(added.map(cidrRange)));
  return { kind: 'net', addresses };
}

function prefixesOf(members: readonly string[], family: Family): Cidr[] {
  return members.flatMap((member) => {
    const cidr = isOfOther(member, family) ? undefined : parseCidr(member);
    return cidr === undefined ? [] : [cidr];
  });
}

/** True if a member is a prefix that holds the address. */
function isInside({ family, value }: Cidr, members: ReadonlySet<string>): boolean {
  for (let length = 0; length < addressBits(family); length++) {
    const outer = { family, value: value & prefixMask(family, length), length };
    if (members.has(formatCidr(outer))) return true;
  }
  return false;
}

/** Told without parsing: most of what is read is of one family. */
function isOfOther(member: string, family: Family): boolean {
  const hasColon = member.includes(':');
  return family === 4 ? hasColon : !hasColon && member.includes('.');
}

function netSet(id: IpSetId, view: SetView, family: Family): MemberSet {
  const ranges: { low: bigint; high: bigint }[] = [];
  for (const member of view.members) {
    if (isOfOther(member, family)) continue;
    const cidr = parseCidr(member);
    if (cidr === undefined) return malformed(id, member);
    ranges.push(cidrRange(cidr));
  }
  return { kind: 'net', addresses: addressDomain(family).ofRanges(ranges) };
}

function ipPortSet(id: IpSetId, view: SetView, family: Family): MemberSet {
  const byPort = new Map<number, bigint[]>();
  for (const member of view.members) {
    const parsed = parseIpPort(member);
    if (parsed === undefined) return malformed(id, member);
    if (parsed.family !== family) continue;
    const key = parsed.protocol * PORT_COUNT + parsed.port;
    const addresses = byPort.get(key);
    if (addresses === undefined) byPort.set(key, [parsed.value]);
    else addresses.push(parsed.value);
  }
  return { kind: 'ip-port', groups: mergeEqualAddresses(byPort, family) };
}

function malformed(id: IpSetId, member: string): MemberSet {
  return {
    kind: 'unusable',
    reason: `IP set ${id}: member ${JSON.stringify(member)} is malformed`,
  };
}

const PORT_COUNT = 65536;

interface IpPort {
  readonly family: Family;
  readonly value: bigint;
  readonly protocol: number;
  readonly port: number;
}

/** Reads `ip,proto:port` with a protocol number; the address may hold colons. */
function parseIpPort(member: string): IpPort | undefined {
  const match = /^([^,]+),(\d{1,3}):(\d{1,5})$/.exec(member);
  const ip = parseIp(match?.[1] ?? '');
  if (match === null || ip === undefined) return undefined;
  const protocol = Number(match[2]);
  const port = Number(match[3]);
  if (protocol > 255 || port >= PORT_COUNT) return undefined;
  return { family: ip.family, value: ip.value, protocol, port };
}

/** Ports of one protocol that the same addresses hold become one group, ordered by protocol and first port. */
function mergeEqualAddresses(byPort: ReadonlyMap<number, bigint[]>, family: Family): PortGroup[] {
  const merged = new Map<string, { protocol: number; addresses: AddressSet; ports: number[] }>();
  for (const key of [...byPort.keys()].sort((a, b) => a - b)) {
    const values = byPort.get(key) ?? [];
    const addresses = addressDomain(family).ofRanges(
      values.map((value) => ({ low: value, high: value })),
    );
    const protocol = Math.floor(key / PORT_COUNT);
    const text = `${protocol} ${addresses.bounds.join(' ')}`;
    const group = merged.get(text);
    if (group === undefined) {
      merged.set(text, { protocol, addresses, ports: [key % PORT_COUNT] });
    } else group.ports.push(key % PORT_COUNT);
  }
  return [...merged.values()].map(({ protocol, addresses, ports }) => ({
    protocol,
    addresses,
    ports: PORTS.ofRanges(ports.map((port) => ({ low: port, high: port }))),
  }));
}
