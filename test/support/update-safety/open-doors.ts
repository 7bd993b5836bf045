/**
 * A packet walk over an XPU's tables in which only one port decides: every other port lets everything through. So one port
 * and direction is seen by itself, whatever the port at the other end of a packet's way has come to.
 */
import {
  keyText,
  parseKeyText,
  type KeyText,
  type ObjectKey,
} from '../../../src/opi/objects/key.js';
import { specText, type PlanEntry } from '../../../src/opi/objects/plan.js';
import type { AnyObject } from '../../../src/opi/objects/specs.js';
import { createMemoryXpu, type MemoryXpu } from '../../../src/soft-xpu/memory-xpu.js';
import { PortError } from '../../../src/soft-xpu/memory/data-plane.js';
import type { Packet } from '../../../src/soft-xpu/memory/packet.js';
import {
  HOST_PORT,
  portText,
  UPLINK_PORT,
  type PortRef,
} from '../../../src/soft-xpu/memory/port.js';
import type { StoreOperation } from '../../../src/soft-xpu/store/object-store.js';
import { opened, OPEN_OBJECTS } from './opened.js';

const WALK = { fresh: true, commit: false, count: false } as const;

/** An XPU in which one port decides. It is brought up to date by the difference to what it holds. */
export class OpenDoors {
  private readonly xpu: MemoryXpu;
  private readonly decider: string;
  private readonly held = new Map<KeyText, string>();

  /** `decider`: `uplink`, `tunnel` or `vnic/ID` (the host port's Vnic too). */
  constructor(decider: string, extension: boolean) {
    this.decider = decider;
    this.xpu = createMemoryXpu({ extension });
    this.xpu.store.applyBatch(OPEN_OBJECTS.map((object) => ({ op: 'create', object })));
  }

  /** Takes over everything that is there. */
  load(entries: readonly PlanEntry[]): void {
    const { extension } = this.xpu.dataPlane;
    const left = new Set(this.held.keys());
    const operations: StoreOperation[] = [];
    for (const entry of opened(this.decider, entries, extension)) {
      const text = keyText(entry.object.key);
      const content = contentOf(entry);
      left.delete(text);
      if (this.held.get(text) === content) continue;
      operations.push(...writesOf(entry, this.held.has(text)));
      this.held.set(text, content);
    }
    for (const text of left) {
      operations.push({ op: 'delete', key: parseKeyText(text) });
      this.held.delete(text);
    }
    if (operations.length > 0) this.xpu.store.applyBatch(operations);
  }

  /** Whether a packet that begins a flow gets through the deciding port. One that is not there lets nothing in. */
  passes(entry: PortRef, packet: Packet): boolean {
    try {
      const { verdict, exit } = this.xpu.dataPlane.walk(entry, packet, WALK);
      if (verdict === 'DENY') return false;
      return this.decides(entry) || (exit !== undefined && this.decides(exit));
    } catch (error) {
      if (error instanceof PortError) return false;
      throw error;
    }
  }

  private decides(port: PortRef): boolean {
    const host = this.xpu.dataPlane.topology.hostVnic();
    return this.decider === (port.kind === 'host' ? `vnic/${host?.id}` : portText(port));
  }
}

/** The port a packet of a place (`host`, `wire`, a pod) enters by. */
export function entryPort(place: string, vnicOf: (pod: string) => string): PortRef {
  if (place === 'host') return HOST_PORT;
  return place === 'wire' ? UPLINK_PORT : { kind: 'vnic', id: vnicOf(place) };
}

const texts = new WeakMap<AnyObject, string>();

function contentOf({ object, members }: PlanEntry): string {
  const text = texts.get(object) ?? specText(object);
  texts.set(object, text);
  return members === undefined ? text : `${text} ${[...members].sort().join(' ')}`;
}

function writesOf({ object, members }: PlanEntry, known: boolean): StoreOperation[] {
  const { key } = object;
  if (members === undefined) {
    const create: StoreOperation = { op: 'create', object };
    return known ? [{ op: 'delete', key }, create] : [create];
  }
  if (!known) return [{ op: 'create', object, members: { members } }];
  return [{ op: 'replaceMembers', key: key as ObjectKey<'addressGroup'>, members: { members } }];
}
