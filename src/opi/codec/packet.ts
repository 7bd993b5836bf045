/** Ports and packets of network/k8s: what lookups, walks and flow lists speak of. */
import type { Draft } from './draft.js';
import type { k8s } from '../../gen/opi/types.js';
import type { IcmpSpec } from '../objects/match.js';
import type { PortRefSpec } from '../objects/specs.js';
import { bounded, decodeIp, encodeIp, isSet, type Maybe } from './address.js';
import { malformed } from './errors.js';
import { refKey, type NameOf } from './names.js';

/** A port by which a packet can enter or leave; unlike a binding's port it may be the host's. */
export type PortSpec = PortRefSpec | { readonly port: 'HOST' };

/** Header fields of one packet. Addresses are canonical text of one family. */
export interface PacketSpec {
  readonly source: string;
  readonly destination: string;
  /** IP protocol number. */
  readonly protocol: number;
  /** Ports are 0 for protocols without ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly icmp?: IcmpSpec;
  /** TCP flag byte; absent = SYN. */
  readonly tcpFlags?: number;
}

/** Message of a port. */
export function encodePort(port: PortSpec, nameOf: NameOf): Draft<k8s.PortRef> {
  return 'vnic' in port
    ? { vnic_name_ref: nameOf(port.vnic) }
    : { well_known_port: `WELL_KNOWN_PORT_${port.port}` };
}

/** Port of a message. */
export function decodePort(message: Maybe<k8s.PortRef>, field: string): PortSpec {
  if (message?.port === 'vnic_name_ref') {
    return { vnic: refKey('vnic', message.vnic_name_ref, `${field}.vnic_name_ref`) };
  }
  if (message?.port === undefined) throw malformed(field, 'no port');
  switch (message.well_known_port) {
    case 'WELL_KNOWN_PORT_UPLINK':
      return { port: 'UPLINK' };
    case 'WELL_KNOWN_PORT_TUNNEL':
      return { port: 'TUNNEL' };
    case 'WELL_KNOWN_PORT_HOST':
      return { port: 'HOST' };
    default:
      throw malformed(`${field}.well_known_port`, `${message.well_known_port} is no port`);
  }
}

/** Message of a packet. */
export function encodePacket(packet: PacketSpec): Draft<k8s.PacketTuple> {
  return {
    source_address: encodeIp(packet.source, 'packet.source_address'),
    destination_address: encodeIp(packet.destination, 'packet.destination_address'),
    protocol: packet.protocol,
    source_port: packet.sourcePort,
    destination_port: packet.destinationPort,
    icmp: packet.icmp,
    tcp_flags: packet.tcpFlags,
  };
}

/** Packet of a message. */
export function decodePacket(message: Maybe<k8s.PacketTuple>, field = 'packet'): PacketSpec {
  if (!isSet(message)) throw malformed(field, 'missing');
  const { icmp, tcp_flags: tcpFlags } = message;
  return {
    source: decodeIp(message.source_address, `${field}.source_address`),
    destination: decodeIp(message.destination_address, `${field}.destination_address`),
    protocol: bounded(message.protocol, 255, `${field}.protocol`),
    sourcePort: bounded(message.source_port, 65535, `${field}.source_port`),
    destinationPort: bounded(message.destination_port, 65535, `${field}.destination_port`),
    ...(isSet(icmp) ? { icmp: decodeIcmpMatch(icmp, `${field}.icmp`) } : {}),
    ...(isSet(tcpFlags) ? { tcpFlags: bounded(tcpFlags, 255, `${field}.tcp_flags`) } : {}),
  };
}

/** ICMP type and optional code of a message. */
export function decodeIcmpMatch(message: k8s.IcmpTypeMatch, field: string): IcmpSpec {
  const type = bounded(message.type, 255, `${field}.type`);
  return isSet(message.code)
    ? { type, code: bounded(message.code, 255, `${field}.code`) }
    : { type };
}
