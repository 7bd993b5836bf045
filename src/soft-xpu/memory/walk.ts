/**
 * The path of one packet through the XPU: source check, UNTRACKED, connection lookup, PRE_DNAT, choice of the exit port,
 * then every stage of the entry and of the exit port (k8s-extension: path and stages).
 */
import { cidrContains, parseCidr, type Cidr } from '../../base/ip.js';
import type { Direction, StageKind, StageSpec } from '../../opi/objects/specs.js';
import type { CompiledBinding, CompiledPolicy } from './compiled-policy.js';
import type { Classified, ConnectionState } from './conntrack.js';
import type { Decision, DropReason } from './decision.js';
import { isDiscoveryToHost, isUntrackedIcmp } from './icmp.js';
import { PROTOCOL, type Packet } from './packet.js';
import { UPLINK_PORT, portText, type PortRef } from './port.js';
import type { GroupLookup } from './rule-match.js';
import { askSecurityList, type CompiledSecurityPolicy } from './security-list.js';
import { askStage, stageOf, type StageOutcome } from './stage.js';
import type { Destination, Topology, VnicPort } from './topology.js';

/** What a walk reads. It changes nothing. */
export interface WalkState {
  readonly topology: Topology;
  readonly policies: ReadonlyMap<string, CompiledPolicy>;
  readonly groups: GroupLookup;
  readonly securityPolicies: ReadonlyMap<string, CompiledSecurityPolicy>;
  /** Binding of a port, by `portText`. */
  readonly bindings: ReadonlyMap<string, CompiledBinding>;
  /** False: plain network/cloud, where SecurityPolicy lists rule and bindings do not exist. */
  readonly extension: boolean;
  /** Looks the packet up among the tracked flows of a zone. */
  readonly classify: (packet: Packet, zone: string) => Classified;
  /** Is told of every stage that is there and was asked, in order. */
  readonly onStage?: ((asked: AskedStage) => void) | undefined;
}

/** A stage that was asked about a packet. */
export interface AskedStage {
  readonly port: PortRef;
  readonly stage: StageSpec;
  readonly binding: CompiledBinding;
  readonly outcome: StageOutcome;
  /** Its part of the path: the first decision, and the one behind its last. */
  readonly decisions: readonly [from: number, to: number];
}

/** A port of the walk with what is known of it. */
export interface WalkPort {
  readonly ref: PortRef;
  readonly vnic: VnicPort | undefined;
  readonly binding: CompiledBinding | undefined;
}

/** What became of a packet. */
export interface Passage {
  readonly verdict: 'ALLOW' | 'DENY';
  readonly entry: PortRef;
  /** Where it went, or was about to go when it was dropped; absent if it was dropped before that was known. */
  readonly exit?: PortRef;
  /** Interface name of the exit port, if it has one. */
  readonly exitIfname?: string;
  readonly dropReason?: DropReason;
  /** Every decision in order, the deciding one last; empty if no stage was asked. */
  readonly path: readonly Decision[];
  readonly state: ConnectionState;
  readonly connection: Classified;
  /** Routing domain of the flow. */
  readonly zone: string;
}

/** UDP port of VXLAN; OPI has no field for another one. */
const VXLAN_PORT = 4789;

/** Destinations that a vNIC's owner reaches its router with: link-local, multicast, limited broadcast. */
const TO_ROUTER = cidrs(
  '169.254.0.0/16',
  '224.0.0.0/4',
  '255.255.255.255/32',
  'fe80::/10',
  'ff00::/8',
);
const V6_LINK_LOCAL = cidrs('fe80::/10');

/** See the file head. Use once. */
export class Walk {
  private readonly state: WalkState;
  private readonly packet: Packet;
  private readonly entry: WalkPort;
  private readonly path: Decision[] = [];
  /** Stages that an allow has skipped, as `port direction`. */
  private readonly skipped = new Map<string, ReadonlySet<StageKind>>();
  private connection: Classified = { state: 'UNTRACKED', reply: false };
  private exit: WalkPort | undefined;
  private dropReason: DropReason | undefined;

  constructor(state: WalkState, entry: PortRef, packet: Packet) {
    this.state = state;
    this.packet = packet;
    this.entry = this.portOf(entry, entry.kind === 'host' ? state.topology.hostVnic() : undefined);
  }

  /** Walks the packet. */
  run(): Passage {
    const verdict = this.passes() ? 'ALLOW' : 'DENY';
    const { exit, dropReason } = this;
    return {
      verdict,
      entry: this.entry.ref,
      path: this.path,
      state: this.connection.state,
      connection: this.connection,
      zone: this.zone(),
      ...(exit === undefined ? {} : { exit: exit.ref }),
      ...(exit?.vnic === undefined ? {} : { exitIfname: exit.vnic.interface.ifname }),
      ...(verdict === 'ALLOW' || dropReason === undefined ? {} : { dropReason }),
    };
  }

  private passes(): boolean {
    if (!this.gate(this.entry, 'FROM_PORT') || !this.checkSource()) return false;
    const peer = this.checkTunnelPeer();
    if (peer !== undefined) return peer;
    const untracked = this.askUntracked();
    if (untracked === 'DENY') return false;
    if (untracked !== 'ALLOW') {
      this.connection = this.state.classify(this.packet, this.zone());
      if (this.connection.flow !== undefined) return this.passEstablished();
    }
    if (!this.ask(this.entry, 'PRE_DNAT', 'FROM_PORT')) return false;
    if (!this.chooseExit()) return false;
    return this.state.extension ? this.askStages() : this.askLists();
  }

  /** UNTRACKED of the entry port, or of the exit port for what the host sends, which meets it before it is tracked. */
  private askUntracked(): 'ALLOW' | 'DENY' | 'CONTINUE' {
    if (this.entry.ref.kind !== 'host') return this.askStage(this.entry, 'UNTRACKED', 'FROM_PORT');
    const exit = this.destination();
    if ('unmapped' in exit) return 'CONTINUE';
    return this.askStage(this.portOf(exit.port, exit.vnic), 'UNTRACKED', 'TO_PORT');
  }

  private passEstablished(): boolean {
    if (!this.chooseExit()) return false;
    const note = this.connection.state === 'RELATED' ? 'related to a flow' : 'of a tracked flow';
    this.note(this.entry, 'FROM_PORT', { kind: 'ESTABLISHED', effect: 'ALLOW', note });
    return true;
  }

  private askStages(): boolean {
    const { entry, exit } = this;
    if (exit === undefined) return false;
    const fromHost = entry.ref.kind === 'host';
    const toHost = exit.ref.kind === 'host';
    const transit = !fromHost && !toHost;
    if (transit && !this.ask(entry, 'FORWARD', 'FROM_PORT')) return false;
    if (toHost && !this.ask(entry, 'HOST', 'FROM_PORT')) return false;
    if (entry.ref.kind === 'vnic') {
      if (toHost && isDiscoveryToHost(this.packet)) {
        this.builtIn(entry, 'FROM_PORT', 'ALLOW', 'discovery towards the host');
        return true;
      }
      if (!this.checkEncapsulation() || !this.ask(entry, 'WORKLOAD', 'FROM_PORT')) return false;
      if (toHost) return this.applyToHostAction();
    }
    if (transit && !this.ask(exit, 'FORWARD', 'TO_PORT')) return false;
    if (fromHost && !this.ask(exit, 'HOST', 'TO_PORT')) return false;
    if (exit.ref.kind !== 'vnic') return true;
    if (fromHost && exit.binding?.spec.fromHostBypass === true) {
      this.builtIn(exit, 'TO_PORT', 'ALLOW', 'from_host_bypass');
      return true;
    }
    return this.ask(exit, 'WORKLOAD', 'TO_PORT');
  }

  /** Plain network/cloud: what the entry Vnic may send, then what the exit Vnic may receive. */
  private askLists(): boolean {
    const { entry, exit } = this;
    if (exit === undefined) return false;
    if (entry.ref.kind === 'vnic' && exit.ref.kind === 'host' && isDiscoveryToHost(this.packet)) {
      this.builtIn(entry, 'FROM_PORT', 'ALLOW', 'discovery towards the host');
      return true;
    }
    return this.askList(entry, 'FROM_PORT') && this.askList(exit, 'TO_PORT');
  }

  private askList(port: WalkPort, direction: Direction): boolean {
    const side = direction === 'FROM_PORT' ? 'egress' : 'ingress';
    const levels = port.vnic === undefined ? [] : this.state.topology.policyLevels(port.vnic);
    const refs = levels.flatMap((lists) => lists[`${side}V${this.packet.family}`]);
    if (refs.length === 0) return true;
    if (this.connection.state === 'INVALID' && !this.isHostPastUplink()) {
      return this.deny(port, direction, 'INVALID_STATE');
    }
    const policies = refs.flatMap(({ id }) => this.state.securityPolicies.get(id) ?? []);
    const { action, policyId, ruleName } = askSecurityList(policies, this.packet);
    this.note(port, direction, {
      kind: 'SECURITY_POLICY',
      effect: action,
      policyId,
      ...(ruleName === undefined ? {} : { ruleId: ruleName }),
      ...(action === 'DENY' ? { dropReason: 'SECURITY_POLICY' } : {}),
    });
    return action === 'ALLOW';
  }

  /**
   * What the node sends to a local vNIC (as under `from_host_bypass`) or into a tunnel meets no check of its connection
   * state: the host port's lists are about the uplink.
   */
  private isHostPastUplink(): boolean {
    const exit = this.exit?.ref.kind;
    return this.entry.ref.kind === 'host' && (exit === 'vnic' || exit === 'tunnel');
  }

  /** Whether the port lets any packet through at all. */
  private gate(port: WalkPort, direction: Direction): boolean {
    if (port.vnic?.interface.adminUp === false) return this.deny(port, direction, 'ADMIN_DOWN');
    if (port.ref.kind !== 'vnic' || !this.state.extension) return true;
    if (port.binding === undefined) return this.deny(port, direction, 'NO_BINDING');
    if (port.binding.spec.disabled) return this.deny(port, direction, 'BINDING_DISABLED');
    return true;
  }

  private checkSource(): boolean {
    const { entry, packet } = this;
    if (entry.ref.kind === 'host') return true;
    if (entry.ref.kind === 'vnic') {
      return this.maySend() || this.deny(entry, 'FROM_PORT', 'SOURCE');
    }
    const local = this.state.topology.localVnic(packet.source, this.entryVpc());
    return local === undefined || this.deny(entry, 'FROM_PORT', 'SOURCE');
  }

  private maySend(): boolean {
    const { vnic, binding } = this.entry;
    const { source, family } = this.packet;
    if (family === 6 && contains(V6_LINK_LOCAL, this.packet.source)) return true;
    if (family === 6 && source.value === 0n && isUntrackedIcmp(this.packet)) return true;
    if (binding !== undefined) return binding.allowedSources.contains(source);
    if (vnic?.spec.sourceGuard !== true) return true;
    return this.state.topology.localVnic(source, vnic.subnet.vpc.id)?.id === vnic.id;
  }

  /** Outer packets of tunnels: ended here if the peer is known, dropped if it is not; undefined for other packets. */
  private checkTunnelPeer(): boolean | undefined {
    const { packet, entry } = this;
    const vxlan = packet.protocol === PROTOCOL.udp && packet.destinationPort === VXLAN_PORT;
    if (entry.ref.kind !== 'uplink' || !(vxlan || packet.protocol === PROTOCOL.ipip)) {
      return undefined;
    }
    const tunnels = this.state.topology.tunnelsAt(packet.destination);
    if (tunnels.length === 0) return undefined;
    if (!tunnels.some((tunnel) => tunnel.remoteIp === packet.source.text)) {
      return this.deny(entry, 'FROM_PORT', 'UNKNOWN_PEER');
    }
    if (!vxlan) return undefined;
    this.exit = this.portOf({ kind: 'tunnel' }, undefined);
    this.builtIn(entry, 'FROM_PORT', 'ALLOW', 'outer packet of a tunnel');
    return true;
  }

  private checkEncapsulation(): boolean {
    const denied = this.entry.binding?.spec.deniedEncapsulation;
    const { protocol, destinationPort } = this.packet;
    const vxlan = protocol === PROTOCOL.udp && destinationPort === denied?.vxlanPort;
    const ipip = protocol === PROTOCOL.ipip && denied?.ipip === true;
    return !(vxlan || ipip) || this.deny(this.entry, 'FROM_PORT', 'ENCAPSULATION');
  }

  private applyToHostAction(): boolean {
    const action = this.entry.binding?.spec.toHostAction ?? 'DROP';
    if (action === 'DROP') return this.deny(this.entry, 'FROM_PORT', 'TO_HOST');
    this.builtIn(this.entry, 'FROM_PORT', 'ALLOW', `to_host_action ${action}`);
    return true;
  }

  private chooseExit(): boolean {
    const destination = this.destination();
    if ('unmapped' in destination) return this.deny(this.entry, 'FROM_PORT', 'NO_MAPPING');
    this.exit = this.portOf(destination.port, destination.vnic);
    if (this.routesLinkLocal()) return this.deny(this.entry, 'FROM_PORT', 'SOURCE');
    return this.gate(this.exit, 'TO_PORT');
  }

  /** A router never passes on what an IPv6 link-local address sent: it is for the router itself, or of the node. */
  private routesLinkLocal(): boolean {
    const isRouted = this.entry.ref.kind !== 'host' && this.exit?.ref.kind !== 'host';
    return isRouted && contains(V6_LINK_LOCAL, this.packet.source);
  }

  private destination(): Destination {
    const { topology } = this.state;
    const { destination } = this.packet;
    const { ref, vnic } = this.entry;
    const toRouter = contains(TO_ROUTER, destination);
    const gateway =
      ref.kind === 'vnic' && vnic !== undefined && topology.isGateway(destination, vnic);
    if (gateway || (toRouter && ref.kind !== 'host')) {
      const hostVnic = topology.hostVnic();
      return { port: { kind: 'host' }, ...(hostVnic === undefined ? {} : { vnic: hostVnic }) };
    }
    if (toRouter) return { port: UPLINK_PORT };
    return topology.destination(destination, this.entryVpc());
  }

  /** Routing domain: the entry port's, else that of whoever has the destination. */
  private zone(): string {
    const local = this.state.topology.localVnic(this.packet.destination, undefined);
    return this.entryVpc() ?? local?.subnet.vpc.id ?? '';
  }

  /** Vpc of what the entry port sends; undefined = by destination. */
  private entryVpc(): string | undefined {
    const { ref, vnic } = this.entry;
    return ref.kind === 'tunnel' ? ref.vpc : vnic?.subnet.vpc.id;
  }

  private portOf(ref: PortRef, vnic: VnicPort | undefined): WalkPort {
    const own = ref.kind === 'vnic' ? (vnic ?? this.state.topology.vnic(ref.id)) : vnic;
    return { ref, vnic: own, binding: this.state.bindings.get(portText(ref)) };
  }

  /** False only if the stage denies. */
  private ask(port: WalkPort, kind: StageKind, direction: Direction): boolean {
    return this.askStage(port, kind, direction) !== 'DENY';
  }

  private askStage(
    port: WalkPort,
    kind: StageKind,
    direction: Direction,
  ): 'ALLOW' | 'DENY' | 'CONTINUE' {
    const place = `${portText(port.ref)} ${direction}`;
    if (port.binding === undefined || this.skipped.get(place)?.has(kind) === true)
      return 'CONTINUE';
    const from = this.path.length;
    const outcome = askStage(kind, direction, {
      packet: this.packet,
      port: port.ref,
      binding: port.binding,
      policies: this.state.policies,
      groups: this.state.groups,
      invalid: this.connection.state === 'INVALID',
      note: (decision) => this.take(decision),
    });
    this.tellStage(port.ref, port.binding, { kind, direction, outcome, from });
    if (outcome === 'ALLOW') {
      const skips = SKIPPED_BY[kind];
      if (skips !== undefined) this.skipped.set(place, skips);
    }
    return outcome;
  }

  private tellStage(
    port: PortRef,
    binding: CompiledBinding,
    asked: { kind: StageKind; direction: Direction; outcome: StageOutcome; from: number },
  ): void {
    const { onStage } = this.state;
    const { kind, direction, outcome, from } = asked;
    const stage = onStage && stageOf(kind, direction, { binding, port });
    if (stage === undefined) return;
    onStage?.({ port, stage, binding, outcome, decisions: [from, this.path.length] });
  }

  private deny(port: WalkPort, direction: Direction, dropReason: DropReason): false {
    this.note(port, direction, { kind: 'BUILT_IN', effect: 'DENY', dropReason });
    return false;
  }

  private builtIn(port: WalkPort, direction: Direction, effect: 'ALLOW', note: string): void {
    this.note(port, direction, { kind: 'BUILT_IN', effect, note });
  }

  private note(
    port: WalkPort,
    direction: Direction,
    decision: Omit<Decision, 'port' | 'direction'>,
  ): void {
    this.take({ port: port.ref, direction, ...decision });
  }

  private take(decision: Decision): void {
    this.path.push(decision);
    if (decision.dropReason !== undefined) this.dropReason = decision.dropReason;
  }
}

/** Stages of the same port and direction that an allow skips; WORKLOAD is never among them. */
const SKIPPED_BY: Partial<Record<StageKind, ReadonlySet<StageKind>>> = {
  UNTRACKED: new Set(['PRE_DNAT', 'FORWARD', 'HOST']),
  PRE_DNAT: new Set(['FORWARD', 'HOST']),
};

function cidrs(...texts: string[]): Cidr[] {
  return texts.flatMap((text) => parseCidr(text) ?? []);
}

function contains(prefixes: readonly Cidr[], address: Packet['source']): boolean {
  return prefixes.some((prefix) => cidrContains(prefix, address));
}
