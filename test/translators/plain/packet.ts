/** Packets for the plain lowering's tests: the first packet of a flow, seen by one Vnic. */
import { formatIp, parseIp, type Family } from '../../../src/base/ip.js';

/** Ports are there for protocols 6, 17, 132 and 136; ICMP fields for the family's ICMP. */
export interface Packet {
  readonly family: Family;
  readonly protocol: number;
  readonly source: bigint;
  readonly destination: bigint;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** Text of a packet for messages. */
export function packetText(packet: Packet): string {
  const { family, protocol, sourcePort, destinationPort, icmpType, icmpCode } = packet;
  const source = formatIp({ family, value: packet.source });
  const destination = formatIp({ family, value: packet.destination });
  const ports = sourcePort === undefined ? '' : ` ${sourcePort}->${destinationPort ?? ''}`;
  const icmp = icmpType === undefined ? '' : ` icmp ${icmpType}/${icmpCode ?? ''}`;
  return `${source} > ${destination} proto ${protocol}${ports}${icmp}`;
}

/** True for protocols with ports. */
export function hasPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 132 || protocol === 136;
}

/** True for the ICMP of a family. */
export function isIcmp(protocol: number, family: Family): boolean {
  return family === 4 ? protocol === 1 : protocol === 58;
}

/** A packet of a protocol with ports. */
export function withPorts(
  protocol: number,
  source: string,
  destination: string,
  destinationPort: number,
  sourcePort = 40000,
): Packet {
  return { ...between(protocol, source, destination), sourcePort, destinationPort };
}

/** A TCP packet. */
export function tcp(
  source: string,
  destination: string,
  port: number,
  sourcePort?: number,
): Packet {
  return withPorts(6, source, destination, port, sourcePort);
}

/** A UDP packet. */
export function udp(source: string, destination: string, port: number): Packet {
  return withPorts(17, source, destination, port);
}

/** An ICMP packet of the addresses' family. */
export function icmp(source: string, destination: string, icmpType: number, icmpCode = 0): Packet {
  const packet = between(1, source, destination);
  return { ...packet, protocol: packet.family === 4 ? 1 : 58, icmpType, icmpCode };
}

/** A packet of any protocol, without ports. */
export function between(protocol: number, source: string, destination: string): Packet {
  const [from, to] = [parseIp(source), parseIp(destination)];
  if (from === undefined || to === undefined) throw new Error(`${source} or ${destination}`);
  return { family: from.family, protocol, source: from.value, destination: to.value };
}
