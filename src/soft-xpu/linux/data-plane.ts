/**
 * The linux data plane: follows the store and brings it into the kernel of one network namespace. What would become of a
 * packet is answered by the packet walk in memory over the same objects; connections and counters are the kernel's.
 */
import type { ObjectKey } from '../../opi/objects/key.js';
import type { NetworkPolicySpec } from '../../opi/objects/specs.js';
import type {
  BindingCounts,
  DataPlane,
  RuleCount,
  TotalCounts,
  TrackedFlow,
  WalkOptions,
} from '../data-plane.js';
import type { IdleTimeouts } from '../memory/conntrack.js';
import type { MemoryDataPlane } from '../memory/data-plane.js';
import type { Packet } from '../memory/packet.js';
import { UPLINK_PORT, type PortRef } from '../memory/port.js';
import type { Topology } from '../memory/topology.js';
import type { Passage } from '../memory/walk.js';
import type { Address } from '../store/address.js';
import type { ObjectStore } from '../store/object-store.js';
import type { Connections } from './connections.js';
import { firstPacket, idleMsOf, type ConnectionEntry } from './conntrack-text.js';
import type { Kernel } from './kernel.js';
import { domainZone, TABLE_NAME } from './names.js';
import type { DomainNumbers } from './network/domains.js';
import {
  bindingCountsOf,
  parseCounters,
  ruleCountsOf,
  totalCountsOf,
  type CounterValues,
} from './ruleset/counters.js';
import type { Transactions } from './transactions.js';

/** What the data plane is made of. */
export interface LinuxDataPlaneParts {
  readonly store: ObjectStore;
  readonly bootId: string;
  readonly kernel: Kernel;
  readonly domains: DomainNumbers;
  readonly connections: Connections;
  readonly transactions: Transactions;
  /** Answers lookups; follows the same store. */
  readonly walk: MemoryDataPlane;
  /** The namespace has connections that are not ours. */
  readonly foreign: boolean;
}

/** See the file head. */
export class LinuxDataPlane implements DataPlane {
  readonly bootId: string;
  readonly extension: boolean;
  readonly topology: Topology;
  private readonly parts: LinuxDataPlaneParts;

  constructor(parts: LinuxDataPlaneParts) {
    this.parts = parts;
    this.bootId = parts.bootId;
    this.extension = parts.walk.extension;
    this.topology = parts.walk.topology;
  }

  settled(keys?: readonly ObjectKey[]): Promise<void> {
    return this.parts.transactions.settled(keys);
  }

  /** As if no connection were tracked: the kernel is not asked about single packets. */
  lookup(entry: PortRef, packet: Packet, { onStage }: WalkOptions): Promise<Passage> {
    return this.parts.walk.lookup(entry, packet, {
      fresh: true,
      commit: false,
      count: false,
      ...(onStage === undefined ? {} : { onStage }),
    });
  }

  async flows(chosen: (flow: TrackedFlow) => boolean): Promise<readonly TrackedFlow[]> {
    return (await this.entries()).map(({ flow }) => flow).filter(chosen);
  }

  async flowCount(): Promise<number> {
    const { connections, foreign } = this.parts;
    return foreign ? (await this.entries()).length : connections.count();
  }

  async flushFlows(chosen: (flow: TrackedFlow) => boolean): Promise<number> {
    const { connections, foreign } = this.parts;
    const entries = await this.entries();
    const doomed = entries.filter(({ flow }) => chosen(flow));
    if (foreign || doomed.length < entries.length) {
      return connections.forget(doomed.map(({ entry }) => entry));
    }
    if (doomed.length > 0) await connections.flush();
    return doomed.length;
  }

  async setIdleTimeouts(timeouts: IdleTimeouts): Promise<void> {
    await this.parts.connections.setIdleTimeouts(timeouts);
  }

  async ruleCounts(policyId: string): Promise<readonly RuleCount[]> {
    const stored = this.parts.store.get({ kind: 'networkPolicy', id: policyId });
    if (stored === undefined) return [];
    return ruleCountsOf(policyId, stored.object.spec as NetworkPolicySpec, await this.counters());
  }

  async bindingCounts(port: PortRef): Promise<BindingCounts | undefined> {
    const binding = this.parts.walk.bindingOf(port);
    return binding && bindingCountsOf(port, await this.counters());
  }

  async totalCounts(): Promise<TotalCounts> {
    return totalCountsOf(await this.counters());
  }

  async reset(): Promise<void> {
    await this.flushFlows(() => true);
    const { kernel } = this.parts;
    await kernel.read(['nft', 'reset', 'counters', 'table', 'inet', TABLE_NAME]);
  }

  private async counters(): Promise<CounterValues> {
    const { kernel } = this.parts;
    const text = await kernel.read(['nft', '-j', 'list', 'counters', 'table', 'inet', TABLE_NAME]);
    return parseCounters(text, TABLE_NAME);
  }

  private async entries(): Promise<{ entry: ConnectionEntry; flow: TrackedFlow }[]> {
    const { connections, domains, foreign } = this.parts;
    const entries = await connections.list();
    const timeouts = await connections.timeouts();
    const vpcs = new Map(
      Object.entries(domains.entries()).map(([vpc, number]) => [domainZone(number), vpc]),
    );
    return entries.flatMap((entry) => {
      const original = firstPacket(entry);
      if (original === undefined) return [];
      const vpc = vpcs.get(entry.zone);
      const { state, packetCount, byteCount } = entry;
      const idleMs = idleMsOf(entry, timeouts);
      const entryPort = this.portOf(original.source, vpc);
      const exitPort = this.portOf(original.destination, vpc);
      if (foreign && entryPort.kind === 'uplink' && exitPort.kind === 'uplink') return [];
      const ports = { entry: entryPort, exit: exitPort };
      return [{ entry, flow: { original, ...ports, state, packetCount, byteCount, idleMs } }];
    });
  }

  /** Where an address is: a connection does not say by which ports its packets go. */
  private portOf(address: Address, vpc: string | undefined): PortRef {
    const destination = this.topology.destination(address, vpc);
    return 'port' in destination ? destination.port : UPLINK_PORT;
  }
}
