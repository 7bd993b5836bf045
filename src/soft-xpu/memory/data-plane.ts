/**
 * The memory data plane: follows the store and walks packets over what it says. Everything a packet needs is prepared
 * when an object changes; a commit is in force before the call that made it returns.
 */
import { CodedError } from '../../base/errors.js';
import type { Clock } from '../../base/clock.js';
import type {
  MappingSpec,
  NetworkPolicySpec,
  PolicyBindingSpec,
  SecurityPolicySpec,
} from '../../opi/objects/specs.js';
import type {
  BindingCounts,
  DataPlane,
  RuleCount,
  TotalCounts,
  TrackedFlow,
  WalkOptions,
} from '../data-plane.js';
import type { Commit, ObjectStore } from '../store/object-store.js';
import type { ObjectChange } from '../store/transaction.js';
import {
  compileBinding,
  compilePolicy,
  type CompiledBinding,
  type CompiledPolicy,
} from './compiled-policy.js';
import { ConnectionTable, type Flow, type IdleTimeouts } from './conntrack.js';
import { countPacket, CounterMap, zeroCount } from './counters.js';
import { decisionText, type Decision, type DropReason } from './decision.js';
import { FragmentTable } from './fragments.js';
import { packetText, type Packet } from './packet.js';
import { portText, type PortRef } from './port.js';
import { compileSecurityPolicy, type CompiledSecurityPolicy } from './security-list.js';
import { Topology } from './topology.js';
import { Walk, type Passage, type WalkState } from './walk.js';

/** What a data plane is made of. */
export interface DataPlaneOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** False: plain network/cloud. */
  readonly extension: boolean;
  /** Identity of this life of the data plane. */
  readonly bootId: string;
  /** Tracked flows at most. */
  readonly flowsMax: number;
}

/** A port that does not exist. */
export class PortError extends CodedError<'NO_SUCH_PORT'> {}

/** See the file head. */
export class MemoryDataPlane implements DataPlane {
  readonly bootId: string;
  readonly extension: boolean;
  readonly topology: Topology;
  readonly connections: ConnectionTable;
  /** Packets dropped at all ports. */
  readonly drops = new CounterMap<DropReason>();
  /** Packets that left by a port. */
  readonly forwarded = zeroCount();
  private readonly store: ObjectStore;
  private readonly clock: Clock;
  private readonly nothingTracked: ConnectionTable;
  private readonly fragments: FragmentTable<Passage>;
  private readonly policies = new Map<string, CompiledPolicy>();
  private readonly bindings = new Map<string, CompiledBinding>();
  private readonly securityPolicies = new Map<string, CompiledSecurityPolicy>();
  private epoch = 0;

  constructor({ store, clock, extension, bootId, flowsMax }: DataPlaneOptions) {
    this.store = store;
    this.clock = clock;
    this.bootId = bootId;
    this.extension = extension;
    this.topology = new Topology(store);
    this.connections = new ConnectionTable(clock, flowsMax);
    this.nothingTracked = new ConnectionTable(clock, 0);
    this.fragments = new FragmentTable(clock);
    store.onCommit((commit) => this.follow(commit));
  }

  /** Walks a packet that enters by a port. Throws PortError if there is no such vNIC. */
  walk(entry: PortRef, packet: Packet, options: WalkOptions = {}): Passage {
    const port = this.requirePort(entry);
    const passage =
      packet.fragment === undefined
        ? this.walkWhole(port, packet, options)
        : this.walkFragment(port, packet, options);
    if (options.count !== false) this.count(passage, packet);
    return passage;
  }

  /** A commit is in force before the call that made it returns. */
  settled(): Promise<void> {
    return Promise.resolve();
  }

  lookup(entry: PortRef, packet: Packet, options: WalkOptions): Promise<Passage> {
    return promiseOf(() => this.walk(entry, packet, options));
  }

  flows(chosen: (flow: TrackedFlow) => boolean): Promise<readonly TrackedFlow[]> {
    const told = [...this.connections.flows()].map((flow) => this.toldFlow(flow));
    return Promise.resolve(told.filter(chosen));
  }

  flowCount(): Promise<number> {
    return Promise.resolve(this.connections.size);
  }

  flushFlows(chosen: (flow: TrackedFlow) => boolean): Promise<number> {
    return Promise.resolve(this.connections.flush((flow) => chosen(this.toldFlow(flow))));
  }

  setIdleTimeouts(timeouts: IdleTimeouts): Promise<void> {
    this.connections.timeouts = timeouts;
    return Promise.resolve();
  }

  ruleCounts(policyId: string): Promise<readonly RuleCount[]> {
    const rules = this.policies.get(policyId)?.rules;
    const counts = RULE_LISTS.flatMap((list) =>
      (rules?.[list] ?? []).map(({ spec, counter }) => ({
        list,
        ruleId: spec.ruleId,
        count: counter,
      })),
    );
    return Promise.resolve(counts);
  }

  bindingCounts(port: PortRef): Promise<BindingCounts | undefined> {
    const binding = this.bindingOf(port);
    if (binding === undefined) return Promise.resolve(undefined);
    const { drops, stageCounts } = binding;
    return Promise.resolve({
      drops: new Map(drops.entries()),
      stages: new Map(stageCounts.entries()),
    });
  }

  totalCounts(): Promise<TotalCounts> {
    return Promise.resolve({ drops: new Map(this.drops.entries()), forwarded: this.forwarded });
  }

  /** Counters of a NetworkPolicy's rules, or of a binding, if the object is there. */
  policy(id: string): CompiledPolicy | undefined {
    return this.policies.get(id);
  }

  /** The compiled binding of a port. */
  bindingOf(port: PortRef): CompiledBinding | undefined {
    return this.bindings.get(portText(port));
  }

  /** Forgets connections, fragments and counters, as a restart of the data plane does. */
  reset(): Promise<void> {
    this.connections.flush();
    this.fragments.clear();
    this.drops.clear();
    Object.assign(this.forwarded, zeroCount());
    for (const binding of this.bindings.values()) {
      binding.drops.clear();
      binding.stageCounts.clear();
    }
    for (const { rules } of this.policies.values()) {
      for (const rule of [...rules.INGRESS, ...rules.EGRESS]) {
        Object.assign(rule.counter, zeroCount());
      }
    }
    return Promise.resolve();
  }

  private toldFlow(flow: Flow): TrackedFlow {
    const { original, entry, exit, packetCount, byteCount, lastSeenMs, tcp, replied } = flow;
    const idleMs = this.clock.monotonic() - lastSeenMs;
    const closing = tcp !== 'SETUP' && tcp !== 'OPEN';
    const state = closing ? 'CLOSING' : replied ? 'ESTABLISHED' : 'NEW';
    return { original, entry, exit, state, packetCount, byteCount, idleMs };
  }

  private walkFragment(entry: PortRef, packet: Packet, options: WalkOptions): Passage {
    if (packet.fragment?.first === true) {
      const passage = this.walkWhole(entry, packet, options);
      if (options.commit !== false) this.fragments.remember(entry, packet, passage);
      return passage;
    }
    return this.fragments.recall(entry, packet) ?? lostFragment(entry);
  }

  private walkWhole(entry: PortRef, packet: Packet, options: WalkOptions): Passage {
    const table = options.fresh === true ? this.nothingTracked : this.connections;
    const passage = this.reevaluate(
      new Walk({ ...this.stateWith(table), onStage: options.onStage }, entry, packet).run(),
      options.commit !== false,
    );
    return options.commit === false ? passage : this.track(passage, packet);
  }

  /** Judges the flow of an accepted packet again if its ports want that and policy changed since (REEVALUATE). */
  private reevaluate(passage: Passage, commit: boolean): Passage {
    const { flow } = passage.connection;
    if (passage.verdict === 'DENY' || flow === undefined || !this.isStale(flow)) return passage;
    const again = new Walk(this.stateWith(this.nothingTracked), flow.entry, flow.original).run();
    if (again.verdict === 'ALLOW') {
      if (commit) flow.epoch = this.epoch;
      return passage;
    }
    if (commit) this.connections.forget(flow);
    const { verdict, dropReason } = again;
    return {
      ...passage,
      verdict,
      path: [...passage.path, ...again.path],
      ...(dropReason === undefined ? {} : { dropReason }),
    };
  }

  private isStale(flow: Flow): boolean {
    if (flow.epoch === this.epoch) return false;
    return [flow.entry, flow.exit].some(
      (port) => this.bindingOf(port)?.spec.establishedPolicy === 'REEVALUATE',
    );
  }

  private track(passage: Passage, packet: Packet): Passage {
    const { verdict, state, connection, entry, exit, zone } = passage;
    if (verdict === 'DENY' || exit === undefined) return passage;
    if (state === 'ESTABLISHED' && connection.flow !== undefined) {
      this.connections.touch(connection.flow, packet, connection.reply);
      return passage;
    }
    if (state !== 'NEW' || this.connections.open(packet, zone, entry, exit, this.epoch)) {
      return passage;
    }
    const full = builtInDenial(entry, 'FLOW_TABLE_FULL');
    return {
      ...passage,
      verdict: 'DENY',
      dropReason: 'FLOW_TABLE_FULL',
      path: [...passage.path, full],
    };
  }

  private stateWith(table: ConnectionTable): WalkState {
    return {
      topology: this.topology,
      policies: this.policies,
      groups: (id) => this.store.group(id)?.members,
      securityPolicies: this.securityPolicies,
      bindings: this.bindings,
      extension: this.extension,
      classify: (packet, zone) => table.classify(packet, zone),
    };
  }

  private requirePort(port: PortRef): PortRef {
    if (port.kind !== 'vnic') return port;
    const vnic = this.topology.vnic(port.id);
    if (vnic !== undefined) return vnic.ref;
    throw new PortError({
      code: 'NO_SUCH_PORT',
      op: 'walk packet',
      message: `there is no vnic ${port.id}`,
    });
  }

  private follow({ objects }: Commit): void {
    this.epoch += 1;
    this.fragments.clear();
    // What ends goes first, so that an object made anew under another id does not lose its place to the old one.
    const [ended, kept] = [objects.filter(isEnd), objects.filter((change) => !isEnd(change))];
    for (const change of [...ended, ...kept]) this.followOne(change);
  }

  private followOne(change: ObjectChange): void {
    const { key, before, after } = change;
    this.topology.apply(change);
    switch (key.kind) {
      case 'networkPolicy':
        this.followPolicy(key.id, after?.spec as NetworkPolicySpec | undefined);
        return;
      case 'policyBinding':
        this.followBinding(
          key.id,
          before?.spec as PolicyBindingSpec | undefined,
          after?.spec as PolicyBindingSpec | undefined,
        );
        return;
      case 'securityPolicy':
        if (after === undefined) this.securityPolicies.delete(key.id);
        else {
          const spec = after.spec as SecurityPolicySpec;
          this.securityPolicies.set(key.id, compileSecurityPolicy(key.id, spec));
        }
        return;
      case 'mapping':
        if (before !== undefined) this.flushMapping(before.spec as MappingSpec);
        return;
      default:
        return;
    }
  }

  private followPolicy(id: string, spec: NetworkPolicySpec | undefined): void {
    if (spec === undefined) this.policies.delete(id);
    else this.policies.set(id, compilePolicy(id, spec, this.policies.get(id)));
  }

  private followBinding(
    id: string,
    before: PolicyBindingSpec | undefined,
    after: PolicyBindingSpec | undefined,
  ): void {
    const spec = after ?? before;
    if (spec === undefined) return;
    const port = boundPort(spec);
    if (after === undefined) this.bindings.delete(port);
    else this.bindings.set(port, compileBinding(id, after, this.bindings.get(port)));
  }

  /** An address that moves or goes takes its flows with it: the next holder must not inherit them. */
  private flushMapping({ vpc, ip }: MappingSpec): void {
    this.connections.flushAddress(vpc.id, ip);
  }

  private count(passage: Passage, packet: Packet): void {
    for (const decision of passage.path) this.countDecision(decision, packet);
    if (passage.verdict === 'ALLOW') countPacket(this.forwarded, packet);
    else if (passage.dropReason !== undefined) this.drops.count(passage.dropReason, packet);
  }

  private countDecision(decision: Decision, packet: Packet): void {
    const { counter, port, stage, direction, effect, dropReason, kind } = decision;
    const binding = this.bindingOf(port);
    if (dropReason !== undefined) binding?.drops.count(dropReason, packet);
    if (counter !== undefined) countPacket(counter, packet);
    else if (stage !== undefined && kind !== 'BUILT_IN') {
      const outcome = effect === 'DENY' ? 'dropped' : 'allowed';
      binding?.stageCounts.count(`${stage} ${direction} ${outcome}`, packet);
    }
  }
}

const RULE_LISTS = ['INGRESS', 'EGRESS'] as const;

/** What a call gives or throws, as a promise. */
function promiseOf<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}

/** The way of a packet for people, one step a line. */
export function traceOf(passage: Passage, packet: Packet): string[] {
  const exit = passage.exit === undefined ? '' : ` towards ${portText(passage.exit)}`;
  return [
    `${packetText(packet)} enters by ${portText(passage.entry)}${exit}, connection ${passage.state}`,
    ...passage.path.map(decisionText),
    passage.verdict === 'ALLOW' ? 'ALLOW' : `DENY ${passage.dropReason ?? ''}`,
  ];
}

function isEnd({ after }: ObjectChange): boolean {
  return after === undefined;
}

function boundPort({ port }: PolicyBindingSpec): string {
  if ('vnic' in port) return portText({ kind: 'vnic', id: port.vnic.id });
  return port.port === 'UPLINK' ? 'uplink' : 'tunnel';
}

function builtInDenial(entry: PortRef, dropReason: DropReason): Decision {
  return { kind: 'BUILT_IN', effect: 'DENY', port: entry, direction: 'FROM_PORT', dropReason };
}

function lostFragment(entry: PortRef): Passage {
  return {
    verdict: 'DENY',
    entry,
    dropReason: 'MALFORMED',
    path: [{ ...builtInDenial(entry, 'MALFORMED'), note: 'fragment without its first' }],
    state: 'INVALID',
    connection: { state: 'INVALID', reply: false },
    zone: '',
  };
}
