/** What the contract of data planes asks of a node: objects are put, packets are sent, fates are told. */
import type { PacketFields } from '../../../src/soft-xpu/memory/packet.js';
import type { PortRef } from '../../../src/soft-xpu/memory/port.js';
import { NodeObjects } from '../../soft-xpu/node-objects.js';

/** A node whose data plane is the one under test. */
export abstract class PacketNode extends NodeObjects {
  /** Sends one packet in at a port: `allow PORT` with the port it came out at, or `deny REASON`. */
  abstract fate(entry: PortRef, fields: PacketFields): string | Promise<string>;
  /** Number of tracked connections. */
  abstract flowCount(): number | Promise<number>;
  /** Forgets connections and counters. */
  abstract reset(): Promise<void>;
}

/** Makes a node as `NodeObjects` says it is at first. */
export type NewNode = () => Promise<PacketNode>;
