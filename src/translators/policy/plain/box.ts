/**
 * A box: the packets that lie in one set per header field. Every rule is a union of boxes, and boxes are closed under
 * intersection; nothing else is needed to compose policies.
 */
import { addressBits, type Family } from '../../../base/ip.js';
import { bigintDomain, numberDomain, type Domain, type IntervalSet } from './interval-set.js';

/** Domains of the header fields. An ICMP value is `type * 256 + code`. */
export const PROTOCOLS = numberDomain(256);
/** Port numbers. */
export const PORTS = numberDomain(65536);
/** ICMP types and codes. */
export const ICMP = numberDomain(65536);
const ADDRESSES: Readonly<Record<Family, Domain<bigint>>> = {
  4: bigintDomain(addressBits(4)),
  6: bigintDomain(addressBits(6)),
};

/** Address domain of a family. */
export function addressDomain(family: Family): Domain<bigint> {
  return ADDRESSES[family];
}

/** A set of addresses of one family. */
export type AddressSet = IntervalSet<bigint>;
/** A set of small numbers. */
export type NumberSet = IntervalSet<number>;

/** One protocol as a set. */
export function protocolSet(...protocols: readonly number[]): NumberSet {
  return PROTOCOLS.ofRanges(protocols.map((protocol) => ({ low: protocol, high: protocol })));
}

/** Protocols whose packets have ports: TCP, UDP, SCTP, UDP-Lite. */
export const PORT_PROTOCOLS = protocolSet(6, 17, 132, 136);

/** ICMP of a family: 1, or 58. */
export function icmpProtocol(family: Family): 1 | 58 {
  return family === 4 ? 1 : 58;
}

/**
 * Packets of one family. Invariants: ports other than full stand beside protocols that have ports, ICMP other than full
 * beside the family's ICMP alone; no field is empty.
 */
export interface Box {
  readonly protocols: NumberSet;
  readonly source: AddressSet;
  readonly destination: AddressSet;
  readonly sourcePorts: NumberSet;
  readonly destinationPorts: NumberSet;
  readonly icmp: NumberSet;
}

const EVERYTHING: Readonly<Record<Family, Box>> = { 4: everyPacket(4), 6: everyPacket(6) };

function everyPacket(family: Family): Box {
  const addresses = addressDomain(family).full;
  return {
    protocols: PROTOCOLS.full,
    source: addresses,
    destination: addresses,
    sourcePorts: PORTS.full,
    destinationPorts: PORTS.full,
    icmp: ICMP.full,
  };
}

/** The box of every packet of a family. */
export function everything(family: Family): Box {
  return EVERYTHING[family];
}

/** True if no field is restricted. */
export function isEverything(box: Box): boolean {
  return (
    box.protocols.isFull &&
    box.source.isFull &&
    box.destination.isFull &&
    box.sourcePorts.isFull &&
    box.destinationPorts.isFull &&
    box.icmp.isFull
  );
}

/** Packets in both boxes; `undefined` if there are none. */
export function intersect(a: Box, b: Box): Box | undefined {
  if (!overlap(a, b)) return undefined;
  return {
    protocols: a.protocols.and(b.protocols),
    source: a.source.and(b.source),
    destination: a.destination.and(b.destination),
    sourcePorts: a.sourcePorts.and(b.sourcePorts),
    destinationPorts: a.destinationPorts.and(b.destinationPorts),
    icmp: a.icmp.and(b.icmp),
  };
}

/** True if some packet is in both. */
export function overlap(a: Box, b: Box): boolean {
  return (
    a.protocols.overlaps(b.protocols) &&
    a.destinationPorts.overlaps(b.destinationPorts) &&
    a.icmp.overlaps(b.icmp) &&
    a.source.overlaps(b.source) &&
    a.destination.overlaps(b.destination) &&
    a.sourcePorts.overlaps(b.sourcePorts)
  );
}

/** True if every packet of `inner` is in `outer`. */
export function contains(outer: Box, inner: Box): boolean {
  return (
    outer.protocols.covers(inner.protocols) &&
    outer.destinationPorts.covers(inner.destinationPorts) &&
    outer.icmp.covers(inner.icmp) &&
    outer.source.covers(inner.source) &&
    outer.destination.covers(inner.destination) &&
    outer.sourcePorts.covers(inner.sourcePorts)
  );
}

/** True if both hold the same packets. */
export function equalBoxes(a: Box, b: Box): boolean {
  return (
    a.protocols.equals(b.protocols) &&
    a.source.equals(b.source) &&
    a.destination.equals(b.destination) &&
    a.sourcePorts.equals(b.sourcePorts) &&
    a.destinationPorts.equals(b.destinationPorts) &&
    a.icmp.equals(b.icmp)
  );
}

/** A box with some fields narrowed further; `undefined` if nothing is left. */
export function narrow(box: Box, fields: Partial<Box>): Box | undefined {
  const narrowed: Box = {
    protocols: fields.protocols?.and(box.protocols) ?? box.protocols,
    source: fields.source?.and(box.source) ?? box.source,
    destination: fields.destination?.and(box.destination) ?? box.destination,
    sourcePorts: fields.sourcePorts?.and(box.sourcePorts) ?? box.sourcePorts,
    destinationPorts: fields.destinationPorts?.and(box.destinationPorts) ?? box.destinationPorts,
    icmp: fields.icmp?.and(box.icmp) ?? box.icmp,
  };
  return hasEmptyField(narrowed) ? undefined : narrowed;
}

function hasEmptyField(box: Box): boolean {
  return (
    box.protocols.isEmpty ||
    box.source.isEmpty ||
    box.destination.isEmpty ||
    box.sourcePorts.isEmpty ||
    box.destinationPorts.isEmpty ||
    box.icmp.isEmpty
  );
}
