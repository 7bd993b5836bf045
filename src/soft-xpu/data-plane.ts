/** What the server asks of a data plane, be it the packet walk in memory or a Linux network namespace. */
import type { StageCountName } from './memory/compiled-policy.js';
import type { IdleTimeouts } from './memory/conntrack.js';
import type { Count } from './memory/counters.js';
import type { DropReason } from './memory/decision.js';
import type { Packet } from './memory/packet.js';
import type { PortRef } from './memory/port.js';
import type { Topology } from './memory/topology.js';
import type { Passage, WalkState } from './memory/walk.js';
import type { ObjectKey } from '../opi/objects/key.js';
import type { RuleListName } from '../opi/objects/specs.js';

/** How one packet is walked. */
export interface WalkOptions {
  /** Judge the packet as if no connection were tracked. Default false. */
  readonly fresh?: boolean;
  /** Keep the connection that an allowed packet begins; only a data plane in memory can. Default true. */
  readonly commit?: boolean;
  /** Count the packet; only a data plane in memory can. Default true. */
  readonly count?: boolean;
  /** Is told of every stage that was asked. */
  readonly onStage?: WalkState['onStage'];
}

/** A tracked connection as it is told. */
export interface TrackedFlow {
  /** Its first packet. */
  readonly original: Packet;
  readonly entry: PortRef;
  readonly exit: PortRef;
  readonly state: 'NEW' | 'ESTABLISHED' | 'CLOSING';
  readonly packetCount: number;
  readonly byteCount: number;
  readonly idleMs: number;
}

/** Counter of one rule of a NetworkPolicy. */
export interface RuleCount {
  readonly list: RuleListName;
  readonly ruleId: string;
  readonly count: Readonly<Count>;
}

/** Counters of one port's binding. Keys without a packet may be left out. */
export interface BindingCounts {
  readonly drops: ReadonlyMap<DropReason, Readonly<Count>>;
  readonly stages: ReadonlyMap<StageCountName, Readonly<Count>>;
}

/** Counters of the whole data plane. */
export interface TotalCounts {
  readonly drops: ReadonlyMap<DropReason, Readonly<Count>>;
  /** Packets that left by a port. */
  readonly forwarded: Readonly<Count>;
}

/**
 * A data plane follows the commits of its store. Commits are in force, for packets, at the latest when a `settled` that
 * was called after them resolves.
 */
export interface DataPlane {
  /** Identity of this life of the data plane. */
  readonly bootId: string;
  /** False: plain network/cloud, where SecurityPolicy lists rule and bindings do not exist. */
  readonly extension: boolean;
  /** Ports and addresses as the objects say. */
  readonly topology: Topology;

  /**
   * Resolves when everything committed before is in force; rejects if it cannot be brought into force. With `keys`, what
   * cannot be done for other objects alone is no reason to reject.
   */
  settled(keys?: readonly ObjectKey[]): Promise<void>;

  /** What becomes of a packet that enters by a port. Throws PortError if there is no such vNIC. */
  lookup(entry: PortRef, packet: Packet, options: WalkOptions): Promise<Passage>;

  /** Connections that `chosen` names. */
  flows(chosen: (flow: TrackedFlow) => boolean): Promise<readonly TrackedFlow[]>;
  /** Number of tracked connections. */
  flowCount(): Promise<number>;
  /** Forgets the connections that `chosen` names and gives their number. */
  flushFlows(chosen: (flow: TrackedFlow) => boolean): Promise<number>;
  /** Idle times after which connections are forgotten. */
  setIdleTimeouts(timeouts: IdleTimeouts): Promise<void>;

  /** Counters of a policy's rules, in the order of its lists; nothing if there is no such policy. */
  ruleCounts(policyId: string): Promise<readonly RuleCount[]>;
  /** Counters of a port's binding, if it has one. */
  bindingCounts(port: PortRef): Promise<BindingCounts | undefined>;
  totalCounts(): Promise<TotalCounts>;

  /** Forgets connections and counters, as a new life would. Objects stay. */
  reset(): Promise<void>;
}
