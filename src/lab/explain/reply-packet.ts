/** The packet that answers another one. Pure. */
import { PROTOCOL, TCP, type Packet } from '../../soft-xpu/memory/packet.js';

/** Echo replies of ICMP and ICMPv6, by the request that they answer. */
const ECHO_REPLIES: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [128, 129],
]);

/** Ends changed; SYN and ACK of TCP, the reply of an echo. */
export function replyTo(packet: Packet): Packet {
  const { source, destination, sourcePort, destinationPort, icmp } = packet;
  return {
    ...packet,
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    tcpFlags: packet.protocol === PROTOCOL.tcp ? TCP.syn | TCP.ack : packet.tcpFlags,
    ...(icmp === undefined
      ? {}
      : { icmp: { ...icmp, type: ECHO_REPLIES.get(icmp.type) ?? icmp.type } }),
  };
}
