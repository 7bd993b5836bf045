/** VXLAN (RFC 7348): a frame inside a datagram between two nodes. */
import { buildPacket } from './build.js';
import { concat, viewOf } from './bytes.js';
import type { ParsedPacket } from './parse.js';
import { PROTOCOL } from './spec.js';

/** The port of VXLAN. */
export const VXLAN_PORT = 4789;

/** The outside of a VXLAN packet. */
export interface VxlanOuter {
  /** Addresses of the two nodes, of one family. */
  readonly source: string;
  readonly destination: string;
  /** VXLAN network identifier, 24 bits. */
  readonly vni: number;
  /** Default 50000; senders spread flows by it. */
  readonly sourcePort?: number;
}

const HEADER_BYTES = 8;
const HAS_VNI = 0x08;
const UDP_BYTES = 8;
const SOURCE_PORT = 50_000;

/** The IP packet that carries a frame. */
export function encapsulate(outer: VxlanOuter, frame: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header[0] = HAS_VNI;
  viewOf(header).setUint32(4, outer.vni << 8);
  return buildPacket({
    source: outer.source,
    destination: outer.destination,
    protocol: PROTOCOL.udp,
    sourcePort: outer.sourcePort ?? SOURCE_PORT,
    destinationPort: VXLAN_PORT,
    dontFragment: false,
    payload: concat(header, frame),
  });
}

/** The frame that a packet carries, and its network; `undefined` unless it is VXLAN. */
export function decapsulate(
  packet: ParsedPacket,
): { readonly vni: number; readonly frame: Uint8Array } | undefined {
  if (packet.protocol !== PROTOCOL.udp || packet.destinationPort !== VXLAN_PORT) return undefined;
  const body = packet.payload.subarray(UDP_BYTES);
  if (body.length < HEADER_BYTES || ((body[0] ?? 0) & HAS_VNI) === 0) return undefined;
  return { vni: viewOf(body).getUint32(4) >>> 8, frame: body.subarray(HEADER_BYTES) };
}
