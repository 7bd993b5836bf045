/** IP sets as interval sets, one family at a time. Kept until their membership changes. */
import { cidrRange, parseCidr, parseIp, type Family } from '../../../base/ip.js';
import type { IpSetId } from '../../../model/ids.js';
import type { SetView } from '../lowering.js';
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

/** Materialised sets. Equal content of the same set keeps its object until `forget`. */
export class MemberSets {
  private readonly cache = new Map<IpSetId, Map<Family, MemberSet>>();
  private lookup: SetLookup = () => undefined;

  /** Where to look sets up from now on. */
  read(lookup: SetLookup): void {
    this.lookup = lookup;
  }

  /** The membership of a set changed, or the set is gone. */
  forget(id: IpSetId): void {
    this.cache.delete(id);
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

function netSet(id: IpSetId, view: SetView, family: Family): MemberSet {
  const ranges: { low: bigint; high: bigint }[] = [];
  for (const member of view.members) {
    const cidr = parseCidr(member);
    if (cidr === undefined) return malformed(id, member);
    if (cidr.family === family) ranges.push(cidrRange(cidr));
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
