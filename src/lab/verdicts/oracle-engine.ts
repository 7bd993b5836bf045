/** The engine that asks the oracle. */
import { InternalError } from '../../base/errors.js';
import { parseIp } from '../../base/ip.js';
import { decodeToDataplane } from '../../driver/message.js';
import { Oracle } from '../../oracle/oracle.js';
import type { Packet, Place } from '../../oracle/packet.js';
import type { ProbeVerdict, VerdictEngine } from './engine.js';
import type { Probe, ProbePacket } from './probe.js';

/** An engine that needs no process, no socket and no XPU. */
export class OracleEngine implements VerdictEngine {
  private oracle = new Oracle();

  startSession(): Promise<void> {
    this.oracle = new Oracle();
    return Promise.resolve();
  }

  advance(frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) this.oracle.apply(decodeToDataplane(frame).message);
    return Promise.resolve();
  }

  judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    return Promise.resolve(probes.map((probe) => this.judgeOne(probe)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private judgeOne({ from, packet }: Probe): ProbeVerdict {
    const { allow, exit, path } = this.oracle.judge(packetOf(packet), placeOf(from));
    return { allow, exit: exit === undefined ? '' : placeText(exit), path, reasons: [] };
  }
}

/** The oracle's form of a probe's packet. */
export function packetOf(probe: ProbePacket): Packet {
  const source = parseIp(probe.source);
  const destination = parseIp(probe.destination);
  if (source === undefined || destination === undefined) {
    throw new InternalError(`a probe with addresses ${probe.source} and ${probe.destination}`);
  }
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode } = probe;
  return {
    family: source.family,
    source,
    destination,
    protocol,
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
    ...(icmpType !== undefined && { icmp: { type: icmpType, code: icmpCode ?? 0 } }),
  };
}

/** The oracle's form of `host`, `wire` or `namespace/pod`. */
export function placeOf(text: string): Place {
  if (text === 'host' || text === 'wire') return { kind: text };
  return { kind: 'workload', workload: text };
}

/** The verdict files' form of a place. */
export function placeText(place: Place): string {
  return place.kind === 'workload' ? place.workload : place.kind;
}
