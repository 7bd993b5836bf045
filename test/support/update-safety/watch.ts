/** Holds every state that an XPU goes through against the states that Felix asked for. */
import { keyText } from '../../../src/opi/objects/key.js';
import type { PlanEntry } from '../../../src/opi/objects/plan.js';
import { describeProbe, type Probe } from '../../../src/lab/verdicts/probe.js';
import { packetOf, type Packet } from '../../../src/soft-xpu/memory/packet.js';
import type { PortRef } from '../../../src/soft-xpu/memory/port.js';
import { withPortAsOf } from './as-of.js';
import { entryPort, OpenDoors } from './open-doors.js';

interface Shot {
  readonly probe: Probe;
  readonly entry: PortRef;
  readonly packet: Packet;
}

/** What a watch needs to know of the node. */
export interface WatchOptions {
  readonly extension: boolean;
  /** Id of a pod's Vnic. */
  readonly vnicOf: (pod: string) => string;
}

/**
 * See the file head. A packet that a port lets pass must be one that the port, with the rules and addresses of some state
 * asked for since the XPU was last as wanted, lets pass as well.
 */
export class SafetyWatch {
  /** Packets let pass by a port that were looked at. */
  looks = 0;
  readonly violations: string[] = [];
  private readonly extension: boolean;
  private readonly shots: readonly Shot[];
  private readonly doors = new Map<string, OpenDoors>();
  private readonly otherDoors = new Map<string, OpenDoors>();
  private asked: (readonly PlanEntry[])[] = [[]];
  private askedPassing = new Set<string>();

  constructor(probes: readonly Probe[], { extension, vnicOf }: WatchOptions) {
    this.extension = extension;
    this.shots = probes.map((probe) => {
      const { icmpType, icmpCode, ...packet } = probe.packet;
      const icmp = icmpType === undefined ? undefined : { type: icmpType, code: icmpCode ?? 0 };
      return {
        probe,
        entry: entryPort(probe.from, vnicOf),
        packet: packetOf({ ...packet, icmp }),
      };
    });
  }

  /** Felix asks for this state. */
  want(plan: readonly PlanEntry[]): void {
    this.asked.push(plan);
    for (const what of this.passing(plan)) this.askedPassing.add(what);
  }

  /** The XPU is as wanted: what was asked for before no longer counts. */
  settled(): void {
    this.asked = this.asked.slice(-1);
    this.askedPassing = new Set(this.asked.flatMap((plan) => [...this.passing(plan)]));
  }

  /** The XPU went through this state. */
  look(entries: readonly PlanEntry[], after: string): void {
    for (const what of this.passing(entries)) {
      this.looks += 1;
      if (this.askedPassing.has(what)) continue;
      const [port = '', index = ''] = what.split(' ');
      const shot = this.shots[Number(index)];
      if (shot === undefined || this.wasAsked(port, shot, entries)) continue;
      this.violations.push(`after ${after}\nport ${port} passes ${describeProbe(shot.probe)}`);
    }
  }

  private wasAsked(port: string, { entry, packet }: Shot, entries: readonly PlanEntry[]): boolean {
    const doors = this.doorsOf(port, this.otherDoors);
    return this.asked.some((state) => {
      doors.load(withPortAsOf(port, state, entries));
      return doors.passes(entry, packet);
    });
  }

  /** Every port with the packets it lets pass, as `PORT INDEX`. */
  private *passing(entries: readonly PlanEntry[]): Generator<string> {
    for (const port of this.portsOf(entries)) {
      const doors = this.doorsOf(port, this.doors);
      doors.load(entries);
      for (const [index, { entry, packet }] of this.shots.entries()) {
        if (doors.passes(entry, packet)) yield `${port} ${index}`;
      }
    }
  }

  private doorsOf(port: string, from: Map<string, OpenDoors>): OpenDoors {
    const doors = from.get(port) ?? new OpenDoors(port, this.extension);
    from.set(port, doors);
    return doors;
  }

  /** Every port that decides: on plain targets uplink and tunnel do not. */
  private portsOf(entries: readonly PlanEntry[]): string[] {
    const vnics = entries
      .filter(({ object }) => object.key.kind === 'vnic')
      .map(({ object }) => keyText(object.key));
    return this.extension ? [...vnics, 'uplink', 'tunnel'] : vnics;
  }
}
