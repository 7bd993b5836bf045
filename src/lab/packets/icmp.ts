/** Bodies of ICMP and ICMPv6 messages (RFC 792, RFC 4443, RFC 4861). */
import type { Family } from '../../base/ip.js';
import { addressBytes, concat, viewOf } from './bytes.js';
import type { IcmpSpec, PacketSpec } from './spec.js';

const ERRORS: Readonly<Record<Family, ReadonlySet<number>>> = {
  4: new Set([3, 4, 5, 11, 12]),
  6: new Set([1, 2, 3, 4]),
};
/** Types whose first word is identifier and sequence number. */
const WITH_ID: Readonly<Record<Family, ReadonlySet<number>>> = {
  4: new Set([0, 8, 13, 14, 15, 16, 17, 18]),
  6: new Set([128, 129]),
};
const TIMESTAMPS = new Set([13, 14]);
const MASKS = new Set([17, 18]);
const NEIGHBOUR_DISCOVERY = new Set([133, 134, 135, 136, 137]);
/** Bytes between first word and options. */
const DISCOVERY_BYTES: Readonly<Record<number, number>> = {
  133: 0,
  134: 8,
  135: 16,
  136: 16,
  137: 32,
};
/** RFC 4727: an option for experiments, which whoever does not know it passes over. */
const EXPERIMENTAL_OPTION = 253;

/** Type of a message; echo request where none is said. */
export function icmpTypeOf(family: Family, icmp: IcmpSpec | undefined): number {
  return icmp?.type ?? (family === 4 ? 8 : 128);
}

/** True for messages that quote the packet they are about. */
export function isIcmpError(family: Family, type: number): boolean {
  return ERRORS[family].has(type);
}

/** True for messages that are believed with a hop limit of 255 only. */
export function isNeighbourDiscovery(type: number): boolean {
  return NEIGHBOUR_DISCOVERY.has(type);
}

/** Type, code, zero checksum and body; `quoted` is what an error is about. */
export function icmpMessage(
  spec: PacketSpec,
  family: Family,
  type: number,
  quoted: Uint8Array,
): Uint8Array {
  const { icmp, payload = new Uint8Array() } = spec;
  const head = new Uint8Array(8);
  head[0] = type;
  head[1] = icmp?.code ?? 0;
  const view = viewOf(head);
  if (WITH_ID[family].has(type)) {
    view.setUint16(4, icmp?.id ?? 0);
    view.setUint16(6, icmp?.sequence ?? 0);
  } else if (icmp?.mtu !== undefined) {
    view.setUint32(4, icmp.mtu);
  }
  return concat(head, bodyOf(spec, family, type, quoted), discoveryAware(family, type, payload));
}

function bodyOf(
  { destination }: PacketSpec,
  family: Family,
  type: number,
  quoted: Uint8Array,
): Uint8Array {
  if (isIcmpError(family, type)) return quoted;
  if (family === 4) {
    if (TIMESTAMPS.has(type)) return new Uint8Array(12);
    return new Uint8Array(MASKS.has(type) ? 4 : 0);
  }
  const body = new Uint8Array(DISCOVERY_BYTES[type] ?? 0);
  if (type === 135 || type === 136) body.set(addressBytes(destination));
  return body;
}

/** Behind a neighbour discovery message come options in units of eight bytes: the payload ends one. */
function discoveryAware(family: Family, type: number, payload: Uint8Array): Uint8Array {
  if (family === 4 || !isNeighbourDiscovery(type) || payload.length === 0) return payload;
  const units = Math.ceil((payload.length + 2) / 8);
  const option = new Uint8Array(8 * units);
  option[0] = EXPERIMENTAL_OPTION;
  option[1] = units;
  option.set(payload, option.length - payload.length);
  return option;
}
