/** Which probes may be under way together: no two of which one could pass as part of another's connection. Pure. */
import { parseIp } from '../../base/ip.js';
import { isIcmpError, icmpTypeOf } from '../packets/icmp.js';
import { PROTOCOL } from '../packets/spec.js';
import type { ProbePacket } from './probe.js';

/** Splits items into batches of at most `sizeMax`, in the order of the items, no batch with two items that share a key. */
export function disjointBatches<T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
  sizeMax: number,
): T[][] {
  const batches: { readonly items: T[]; readonly keys: Set<string> }[] = [];
  let firstOpen = 0;
  for (const item of items) {
    const keys = keysOf(item);
    let at = firstOpen;
    while (
      batches[at]?.items.length === sizeMax ||
      keys.some((key) => batches[at]?.keys.has(key))
    ) {
      at++;
    }
    const batch = (batches[at] ??= { items: [], keys: new Set() });
    batch.items.push(item);
    for (const key of keys) batch.keys.add(key);
    while (batches[firstOpen]?.items.length === sizeMax) firstOpen++;
  }
  return batches.map((batch) => batch.items);
}

/**
 * Texts that two packets share if connection tracking could take one for part of the other's connection, in whichever
 * direction. `icmpId` tells queries of ICMP apart.
 */
export function connectionKeys(packet: ProbePacket, icmpId: number): string[] {
  const { source, destination, protocol, sourcePort = 0, destinationPort = 0 } = packet;
  const family = parseIp(source)?.family ?? 4;
  const isIcmp = protocol === (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6);
  if (!isIcmp) {
    return [key(protocol, `${source} ${sourcePort}`, `${destination} ${destinationPort}`)];
  }
  const icmp = packet.icmpType === undefined ? undefined : { type: packet.icmpType };
  if (!isIcmpError(family, icmpTypeOf(family, icmp))) {
    return [key(protocol, `${source} ${icmpId}`, `${destination} ${icmpId}`)];
  }
  // What the error quotes: see the default of `IcmpSpec.quoted`.
  return [key(PROTOCOL.udp, `${source} 1`, `${destination} 1`)];
}

/** One for both directions. */
function key(protocol: number, one: string, other: string): string {
  return [protocol, ...[one, other].sort()].join('|');
}
