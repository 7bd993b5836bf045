/** Packet and byte counters. */
import type { Packet } from './packet.js';

/** Packets and their bytes, from the IP header on. */
export interface Count {
  packets: number;
  bytes: number;
}

/** Counter of one rule. */
export type RuleCounter = Count;

/** A counter at zero. */
export function zeroCount(): Count {
  return { packets: 0, bytes: 0 };
}

/** Counts one packet. */
export function countPacket(count: Count, packet: Packet): void {
  count.packets += 1;
  count.bytes += packet.byteCount;
}

/** Counters by a text key, made when first counted. */
export class CounterMap<K extends string> {
  private readonly counts = new Map<K, Count>();

  /** Counts one packet under a key. */
  count(key: K, packet: Packet): void {
    let count = this.counts.get(key);
    if (count === undefined) this.counts.set(key, (count = zeroCount()));
    countPacket(count, packet);
  }

  /** Entries that were counted, in the order first seen. */
  entries(): [K, Readonly<Count>][] {
    return [...this.counts];
  }

  /** Forgets all counts. */
  clear(): void {
    this.counts.clear();
  }
}
