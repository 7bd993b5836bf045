/** The test node with its data plane in memory, and the words it is described with. */
import type { Clock } from '../../src/base/clock.js';
import type { WalkOptions } from '../../src/soft-xpu/data-plane.js';
import {
  createMemoryXpu,
  type MemoryXpu,
  type MemoryXpuOptions,
} from '../../src/soft-xpu/memory-xpu.js';
import { packetOf, type PacketFields } from '../../src/soft-xpu/memory/packet.js';
import type { PortRef } from '../../src/soft-xpu/memory/port.js';
import type { Passage } from '../../src/soft-xpu/memory/walk.js';
import { PacketNode } from '../contract/data-plane/node.js';

export * from './node-words.js';

/** A clock that stands until it is moved. */
export class HandClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
  after(): never {
    throw new Error('this clock has no timers');
  }
}

/** See the file head. Its pods are bound with a profile that allows everything unless a test says otherwise. */
export class TestNode extends PacketNode {
  readonly xpu: MemoryXpu;
  readonly clock: HandClock;

  constructor(options: MemoryXpuOptions = {}) {
    const clock = new HandClock();
    const xpu = createMemoryXpu({ clock, ...options });
    super(xpu.store, options.extension !== false);
    this.xpu = xpu;
    this.clock = clock;
  }

  flowCount(): number {
    return this.xpu.dataPlane.connections.size;
  }

  reset(): Promise<void> {
    return this.xpu.dataPlane.reset();
  }

  /** Walks a packet for good: counted, and tracked if it is allowed. */
  send(entry: PortRef, fields: PacketFields): Passage {
    return this.xpu.dataPlane.walk(entry, packetOf(fields));
  }

  /** Walks a packet without counting or tracking it. */
  lookup(entry: PortRef, fields: PacketFields, options: WalkOptions = {}): Passage {
    const quiet = { commit: false, count: false, ...options };
    return this.xpu.dataPlane.walk(entry, packetOf(fields), quiet);
  }

  /** `allow PORT`, or `deny REASON`. */
  fate(entry: PortRef, fields: PacketFields): string {
    const passage = this.send(entry, fields);
    if (passage.verdict === 'DENY') return `deny ${passage.dropReason}`;
    return `allow ${passage.exit?.kind === 'vnic' ? passage.exit.id : passage.exit?.kind}`;
  }
}
