/** A whole node on whose kernel packets meet connections: driver, gRPC, soft-xpu, and both ends of every port. */
import type { PacketSpec } from '../../../src/lab/packets/spec.js';
import {
  PacketProbe,
  PacketProbeError,
  type ProbeSend,
} from '../../../src/lab/packets/packet-probe.js';
import { MARK_VARIABLE, labPaths } from '../../../src/lab/nodes/names.js';
import { neighboursOf } from '../../../src/lab/verdicts/neighbours.js';
import { NodeProcesses } from '../../../src/lab/verdicts/node-processes.js';
import { HOST_INTERFACE, WIRE_INTERFACE } from '../../../src/lab/verdicts/probe-frames.js';
import { runName, UPLINK_INTERFACE, VerdictNet } from '../../../src/lab/verdicts/verdict-net.js';
import { frameOf, type Message } from '../../support/felix/wire.js';
import { ADDRESSES, session, type PlaceName, type World } from '../../support/felix/world.js';

/** A packet but for its addresses, which are the places' own unless it says otherwise. */
export type Sent = Omit<PacketSpec, 'source' | 'destination'> &
  Partial<Pick<PacketSpec, 'source' | 'destination'>> & { readonly family?: 4 | 6 };

/** How a packet is sent, beside its addresses. */
export type Way = Pick<ProbeSend, 'fragmentBytes' | 'tunnel'>;

const NODE = 'node-a';
/** Milliseconds without a frame after which none comes: generous, for machines with other work. */
const SETTLE_MS = 40;
/** Times that a packet is sent which does not come out: a frame may get lost on this machine. */
const TRIES = 2;
const DROPPED_TRIES = 5;

/** See the file head. Root only. Close it after use: it leaves nothing behind. */
export class FlowNode {
  private readonly net: VerdictNet;
  private readonly processes: NodeProcesses;
  private readonly probe: PacketProbe;
  private sequence = 0;

  private constructor(net: VerdictNet, processes: NodeProcesses, probe: PacketProbe) {
    this.net = net;
    this.processes = processes;
    this.probe = probe;
  }

  /** Starts an empty node. */
  static async open(): Promise<FlowNode> {
    const run = runName();
    const net = new VerdictNet(run, NODE);
    try {
      await net.build();
      const processes = await NodeProcesses.start({
        target: 'native',
        node: NODE,
        onOutput: (chunk) => process.stderr.write(chunk),
        linux: { netns: net.xpu, hostNetns: net.outside, uplink: UPLINK_INTERFACE },
        environment: { [MARK_VARIABLE]: run },
        folder: labPaths(run).verdictRun,
        concurrency: 1,
      });
      const probe = PacketProbe.open({ netns: net.outside, settleMs: SETTLE_MS });
      return new FlowNode(net, processes, probe);
    } catch (error) {
      await net.remove();
      throw error;
    }
  }

  /** A new Felix tells a world; no connection is left. */
  async begin(world: World): Promise<void> {
    await this.processes.startSession();
    this.sequence = 0;
    await this.tell(...session(world));
    await this.net.flushConnections();
  }

  /** Felix says more. */
  async tell(...messages: readonly Message[]): Promise<void> {
    await this.processes.advance(messages.map((message) => frameOf(message, this.sequence++)));
    await this.net.bringUp();
    await this.net.tellNeighbours(neighboursOf(this.processes.view.state, NODE));
  }

  /** True if a packet comes out where it is meant to; throws where it comes out elsewhere or as another. */
  async arrives(from: PlaceName, to: PlaceName, packet: Sent, way: Way = {}): Promise<boolean> {
    const exits = await this.exits(from, to, packet, way);
    if (exits.length === 0) return false;
    if (exits.every((exit) => exit === interfaceOf(to))) return true;
    throw new Error(`a packet from ${from} to ${to} came out at ${exits.join(', ')}`);
  }

  /** Interfaces at which a packet comes out. */
  async exits(from: PlaceName, to: PlaceName, packet: Sent, way: Way = {}): Promise<string[]> {
    return this.exitsOfAll(from, to, [[packet, way]]);
  }

  /** Interfaces at which any of several packets comes out; they are sent together. */
  async exitsOfAll(
    from: PlaceName,
    to: PlaceName,
    packets: readonly (readonly [Sent, Way])[],
  ): Promise<string[]> {
    const sends = packets.map(([packet, way]) => ({
      ...this.sendOf(from, addressed(from, to, packet)),
      ...way,
    }));
    for (let tries = 1; ; tries++) {
      const exits = (await this.exchange(sends)).flat();
      if (exits.length > 0 || tries === TRIES) return [...new Set(exits)];
    }
  }

  /** Interfaces at which each of several packets comes out; those that do not are sent again. */
  async exitsOfEach(
    packets: readonly { readonly from: PlaceName; readonly packet: PacketSpec }[],
  ): Promise<string[][]> {
    const sends = packets.map(({ from, packet }) => this.sendOf(from, packet));
    const exits = await this.exchange(sends);
    const lost = sends.flatMap((_, index) => (exits[index]!.length === 0 ? [index] : []));
    const again = await this.exchange(lost.map((index) => sends[index]!));
    lost.forEach((index, at) => (exits[index] = again[at]!));
    return exits;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.probe.close();
    try {
      await this.processes.close();
    } finally {
      await this.net.remove();
    }
  }

  private sendOf(from: PlaceName, packet: PacketSpec): ProbeSend {
    const via = interfaceOf(from);
    const destinationMac = this.net.macBehind(via);
    if (destinationMac === undefined) throw new Error(`the XPU has no port for ${from}`);
    return { via, destinationMac, packet };
  }

  private async exchange(sends: readonly ProbeSend[]): Promise<string[][]> {
    for (let tries = 1; ; tries++) {
      try {
        const outcomes = await this.probe.exchange(sends);
        return outcomes.map(({ arrivals }) =>
          arrivals.map(({ via, forAnother }) => (forAnother ? `not ${via}` : via)),
        );
      } catch (error) {
        if (!(error instanceof PacketProbeError) || tries === DROPPED_TRIES) throw error;
      }
    }
  }
}

function addressed(from: PlaceName, to: PlaceName, { family = 4, ...packet }: Sent): PacketSpec {
  const index = family === 4 ? 0 : 1;
  return { source: ADDRESSES[from][index], destination: ADDRESSES[to][index], ...packet };
}

/** Interface by which one is at a place. */
export function interfaceOf(place: PlaceName): string {
  if (place === 'host') return HOST_INTERFACE;
  return place === 'wire' ? WIRE_INTERFACE : `cali${place}`;
}
