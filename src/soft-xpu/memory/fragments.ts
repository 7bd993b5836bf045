/**
 * Fragments: policy is asked about the whole packet, which only the first fragment describes; the others follow its
 * verdict (felix-protocol 6, case 30). A fragment whose first one was not seen is dropped.
 */
import type { Clock } from '../../base/clock.js';
import type { Packet } from './packet.js';
import { portText, type PortRef } from './port.js';

/** How long a verdict waits for further fragments, milliseconds (Linux: ipfrag_time). */
const LIFETIME_MS = 30_000;
/** Packets under reassembly at once; the oldest gives way. */
const PACKETS_MAX = 4096;

interface Remembered<V> {
  readonly verdict: V;
  readonly sinceMs: number;
}

/** Verdicts of packets whose fragments are under way. */
export class FragmentTable<V> {
  private readonly clock: Clock;
  private readonly verdicts = new Map<string, Remembered<V>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Remembers the verdict of a first fragment. */
  remember(entry: PortRef, packet: Packet, verdict: V): void {
    const key = keyOf(entry, packet);
    this.verdicts.delete(key);
    this.verdicts.set(key, { verdict, sinceMs: this.clock.monotonic() });
    if (this.verdicts.size <= PACKETS_MAX) return;
    const [oldest] = this.verdicts.keys();
    if (oldest !== undefined) this.verdicts.delete(oldest);
  }

  /** Verdict of the packet that a later fragment belongs to. */
  recall(entry: PortRef, packet: Packet): V | undefined {
    const found = this.verdicts.get(keyOf(entry, packet));
    if (found === undefined || this.clock.monotonic() - found.sinceMs > LIFETIME_MS) {
      return undefined;
    }
    return found.verdict;
  }

  /** Forgets everything, as a change of policy does. */
  clear(): void {
    this.verdicts.clear();
  }
}

function keyOf(entry: PortRef, packet: Packet): string {
  const { source, destination, protocol, fragment } = packet;
  return `${portText(entry)}|${source.text}|${destination.text}|${protocol}|${fragment?.id ?? 0}`;
}
