/** Failsafes: connections to and from the host that host policy never cuts (k8s-extension: path and stages). */
import { cidrContains } from '../../base/ip.js';
import type { Direction } from '../../opi/objects/specs.js';
import type { CompiledFailsafe } from './compiled-policy.js';
import type { Packet } from './packet.js';

/** True if a failsafe allows the packet: inbound ones towards the host, outbound ones from it, by destination port. */
export function failsafeAllows(
  failsafes: readonly CompiledFailsafe[],
  packet: Packet,
  direction: Direction,
): boolean {
  const wanted = direction === 'FROM_PORT' ? 'INBOUND' : 'OUTBOUND';
  return failsafes.some(
    (failsafe) =>
      failsafe.spec.direction === wanted &&
      failsafe.spec.port === packet.destinationPort &&
      concerns(failsafe, packet, direction),
  );
}

/** True if the packet looks like a reply of a failsafe connection: the other direction's list, by source port. */
export function failsafeReply(
  failsafes: readonly CompiledFailsafe[],
  packet: Packet,
  direction: Direction,
): boolean {
  const wanted = direction === 'FROM_PORT' ? 'OUTBOUND' : 'INBOUND';
  return failsafes.some(
    (failsafe) =>
      failsafe.spec.direction === wanted &&
      failsafe.spec.port === packet.sourcePort &&
      concerns(failsafe, packet, direction),
  );
}

/** Protocol and remote side. */
function concerns(
  { spec, prefix }: CompiledFailsafe,
  packet: Packet,
  direction: Direction,
): boolean {
  const remote = direction === 'FROM_PORT' ? packet.source : packet.destination;
  return (
    spec.protocol === packet.protocol && (prefix === undefined || cidrContains(prefix, remote))
  );
}
