/**
 * The judge: what Calico does with the first packet of a flow, evaluated directly on Felix's messages. It shares no
 * code with the compiler or the simulated XPU, and it is written to be read beside the reference, not to be fast.
 */
import { cidrContains, parseCidr } from '../base/ip.js';
import type { ToDataplane } from '../gen/felix/types.js';
import { Settings } from './config.js';
import { PROTOCOLS, trackState, type Packet, type Place, type Verdict } from './packet.js';
import {
  Places,
  resolveHostEndpoints,
  sameAddress,
  type Destination,
  type HostEndpoints,
} from './places.js';
import { askProfiles, askTiers, type Inquiry, type Outcome } from './stack.js';
import { entryStages, exitStages, type Port, type Stage } from './stages.js';
import { addressOf, FelixState, type Workload } from './state.js';

const LINK_LOCAL = parseCidr('fe80::/10');
/** Neighbour discovery and listener messages that a pod may always send to its host: all but router advertisements. */
const ND_TO_HOST = new Set([130, 131, 132, 133, 135, 136]);

/** Folds messages in and answers for packets. Not in sync is no state of its own: ask after InSync. */
export class Oracle {
  private readonly state = new FelixState();
  private readonly interfaceName: string;
  private derived: { places: Places; endpoints: HostEndpoints } | undefined;

  /** `interfaceName`: the interface that the uplink stands for. */
  constructor(interfaceName = 'eth0') {
    this.interfaceName = interfaceName;
  }

  /** Folds one message of the session in. */
  apply(message: ToDataplane): void {
    this.state.apply(message);
    this.derived = undefined;
  }

  /** Judges the packet that `from` sends. */
  judge(packet: Packet, from: Place): Verdict {
    const { places, endpoints } = (this.derived ??= this.derive());
    return new Walk(this.state, places, endpoints, packet).run(from);
  }

  private derive(): { places: Places; endpoints: HostEndpoints } {
    const places = new Places(this.state);
    return {
      places,
      endpoints: resolveHostEndpoints(this.state, this.interfaceName, places.hostAddresses),
    };
  }
}

/** One packet on its way: entry, the stages there, the stages at its exit, the exit. */
class Walk {
  private readonly state: FelixState;
  private readonly places: Places;
  private readonly endpoints: HostEndpoints;
  private readonly packet: Packet;
  private readonly settings: Settings;
  private readonly inquiry: Inquiry;
  /** Turns true when untracked policy allows: connection tracking then never sees the packet. */
  private isUntracked: boolean;

  constructor(state: FelixState, places: Places, endpoints: HostEndpoints, packet: Packet) {
    this.state = state;
    this.places = places;
    this.endpoints = endpoints;
    this.packet = packet;
    this.settings = new Settings(state.config);
    this.inquiry = { packet, state, path: [] };
    this.isUntracked = trackState(packet) === 'untracked';
  }

  run(from: Place): Verdict {
    const entry = this.entryPort(from);
    if (entry === undefined) return this.drop('the sender is no workload endpoint in force');
    const refusal = this.sourceRefusal(entry);
    if (refusal !== undefined) return this.drop(refusal);
    const destination = this.places.destination(this.packet.destination, from.kind === 'host');
    if (destination.kind === 'nowhere') return this.drop('nobody holds this address of our blocks');
    const exit: Port = destination;
    if (this.routesLinkLocal(entry, exit)) return this.drop('a link-local source is never routed');
    const shortcut = this.shortcut(entry, exit);
    if (shortcut !== undefined) return shortcut;
    const passes =
      this.passesStages(entryStages(entry, exit, this.endpoints)) &&
      this.passesToHost(entry, exit) &&
      this.passesStages(exitStages(exit, entry, this.endpoints));
    return passes ? this.comesOut(exit) : this.dropped();
  }

  private entryPort(from: Place): Port | undefined {
    if (from.kind === 'host') return { kind: 'host' };
    if (from.kind === 'workload') {
      const workload = this.places.workload(from.workload);
      return workload && { kind: 'workload', workload };
    }
    return { kind: this.places.comesThroughTunnel(this.packet.source) ? 'tunnel' : 'uplink' };
  }

  /** Anti-spoofing: why this sender may not use the packet's source address. */
  private sourceRefusal(entry: Port): string | undefined {
    const { source } = this.packet;
    if (entry.kind === 'workload') {
      return this.maySend(entry.workload) ? undefined : 'a source address that is not the sender’s';
    }
    if (entry.kind === 'host') return undefined;
    const isLocal = this.places.isHost(source) || this.places.holder(source) !== undefined;
    return isLocal ? 'a local source address from outside' : undefined;
  }

  private maySend(workload: Workload): boolean {
    const { source, icmp } = this.packet;
    const isSpoofable = workload.endpoint.allow_spoofed_source_prefixes.some((text) => {
      const cidr = parseCidr(text);
      return cidr !== undefined && cidrContains(cidr, source);
    });
    if (isSpoofable || this.places.holder(source) === workload) return true;
    if (source.family === 4) return false;
    const isControl = icmp !== undefined && trackState(this.packet) === 'untracked';
    return (LINK_LOCAL && cidrContains(LINK_LOCAL, source)) || (source.value === 0n && isControl);
  }

  /** What an IPv6 link-local address sends is for the router itself, or the node sent it. */
  private routesLinkLocal(entry: Port, exit: Port): boolean {
    if (entry.kind === 'host' || exit.kind === 'host' || LINK_LOCAL === undefined) return false;
    return cidrContains(LINK_LOCAL, this.packet.source);
  }

  /** What is decided before any policy stage. */
  private shortcut(entry: Port, exit: Port): Verdict | undefined {
    const inactive = [entry, exit].find(
      (port) => port.kind === 'workload' && port.workload.endpoint.state !== 'active',
    );
    if (inactive !== undefined) return this.drop('an endpoint that is not active');
    if (entry.kind !== 'uplink' || exit.kind !== 'host') return undefined;
    const tunnel = this.encapsulation();
    if (tunnel === undefined) return undefined;
    if (!this.isKnownPeer(tunnel)) return this.drop(`${tunnel} from an unknown node`);
    this.inquiry.path.push(`${tunnel} from a known node: allow`);
    return this.comesOut(exit);
  }

  /** The tunnel protocol that the packet belongs to, where the cluster uses it. */
  private encapsulation(): 'VXLAN' | 'IPIP' | undefined {
    const { family, protocol } = this.packet;
    if (this.state.vxlan[family] && this.isToVxlanPort()) return 'VXLAN';
    const isIpip = family === 4 && protocol === PROTOCOLS.ipip;
    return this.state.ipip && isIpip ? 'IPIP' : undefined;
  }

  private isToVxlanPort(): boolean {
    const { protocol, destinationPort } = this.packet;
    return protocol === PROTOCOLS.udp && destinationPort === this.settings.vxlanPort;
  }

  private isKnownPeer(tunnel: 'VXLAN' | 'IPIP'): boolean {
    const texts =
      tunnel === 'VXLAN'
        ? [...this.state.vteps.values()].flat()
        : [...this.state.nodes.values()].map(({ ipv4 }) => ipv4);
    return texts.some((text) => {
      const ip = addressOf(text);
      return ip !== undefined && sameAddress(ip, this.packet.source);
    });
  }

  /** Asks the stages of one port. What `untracked` or `preDnat` allows, the port's other host policy is not asked. */
  private passesStages(stages: readonly Stage[]): boolean {
    let isAccepted = false;
    for (const stage of stages) {
      if (isAccepted && stage.kind !== 'workload') continue;
      const outcome = this.askStage(stage);
      if (outcome === 'deny') return false;
      const isEarly = stage.kind === 'untracked' || stage.kind === 'preDnat';
      isAccepted ||= isEarly && outcome === 'allow';
      this.isUntracked ||= stage.kind === 'untracked' && outcome === 'allow';
    }
    return true;
  }

  private askStage(stage: Stage): Outcome {
    const early = this.beforeTiers(stage);
    if (early !== undefined) return early;
    const { where, direction, profiles, kind } = stage;
    const outcome = this.askTiersOf(stage);
    if (outcome !== 'none') return outcome;
    if (kind === 'forward') return 'allow';
    if (kind !== 'host' && kind !== 'workload') return 'none';
    const fromProfiles = askProfiles(this.inquiry, where, profiles, direction);
    if (fromProfiles !== 'none') return fromProfiles;
    return this.note(where, 'nothing matched: deny', 'deny');
  }

  private askTiersOf({ where, tiers, direction, kind }: Stage): Outcome {
    // Untracked and preDNAT tiers continue, even where an old Felix leaves their default action empty.
    const continues = kind === 'untracked' || kind === 'preDnat';
    const asked = continues ? tiers.map((one) => ({ ...one, default_action: 'Pass' })) : tiers;
    return askTiers(this.inquiry, where, asked, direction);
  }

  /** INVALID, failsafes, and what pods may never or always send. */
  private beforeTiers(stage: Stage): Outcome | undefined {
    const { kind, where, direction } = stage;
    if (kind !== 'untracked' && this.isInvalid()) return this.note(where, 'INVALID: deny', 'deny');
    if (kind === 'untracked' || kind === 'preDnat' || kind === 'host') {
      return this.askFailsafes(stage);
    }
    if (kind !== 'workload' || direction !== 'egress') return undefined;
    if (this.isNeighbourDiscovery())
      return this.note(where, 'ND or MLD to the host: allow', 'allow');
    if (this.isToVxlanPort() && !this.settings.flag('AllowVXLANPacketsFromWorkloads')) {
      return this.note(where, 'VXLAN from a workload: deny', 'deny');
    }
    const isIpip = this.packet.protocol === PROTOCOLS.ipip;
    if (isIpip && !this.settings.flag('AllowIPIPPacketsFromWorkloads')) {
      return this.note(where, 'IPIP from a workload: deny', 'deny');
    }
    return undefined;
  }

  private isInvalid(): boolean {
    if (this.isUntracked || this.settings.flag('DisableConntrackInvalidCheck')) return false;
    return trackState(this.packet) === 'invalid';
  }

  /** In untracked policy a failsafe of the reverse direction ends the stage, and the packet stays tracked. */
  private askFailsafes({ kind, where, direction }: Stage): Outcome | undefined {
    const own = direction === 'ingress' ? 'inbound' : 'outbound';
    const other = direction === 'ingress' ? 'outbound' : 'inbound';
    if (this.settings.failsafe(own, 'forward', this.packet)) {
      return this.note(where, `${own} failsafe: allow`, 'allow');
    }
    if (kind === 'untracked' && this.settings.failsafe(other, 'reverse', this.packet)) {
      return this.note(where, `reply of an ${other} failsafe: continue`, 'none');
    }
    return undefined;
  }

  private isNeighbourDiscovery(): boolean {
    const { family, icmp, destination } = this.packet;
    if (family !== 6 || icmp === undefined || !ND_TO_HOST.has(icmp.type)) return false;
    return this.places.destination(destination, false).kind === 'host';
  }

  /** DefaultEndpointToHostAction. Under RETURN the host's own rules decide, which lie beyond this data plane. */
  private passesToHost(entry: Port, exit: Port): boolean {
    if (entry.kind !== 'workload' || exit.kind !== 'host' || this.isNeighbourDiscovery())
      return true;
    const action = this.settings.endpointToHostAction;
    this.inquiry.path.push(`DefaultEndpointToHostAction: ${action}`);
    return action !== 'DROP';
  }

  private note(where: string, text: string, outcome: Outcome): Outcome {
    this.inquiry.path.push(`${where}: ${text}`);
    return outcome;
  }

  private drop(reason: string): Verdict {
    this.inquiry.path.push(`dropped: ${reason}`);
    return this.dropped();
  }

  private dropped(): Verdict {
    return { allow: false, path: this.inquiry.path };
  }

  private comesOut(exit: Destination | Port): Verdict {
    return { allow: true, exit: placeOf(exit), path: this.inquiry.path };
  }
}

function placeOf(port: Destination | Port): Place {
  if (port.kind === 'host') return { kind: 'host' };
  if (port.kind !== 'workload') return { kind: 'wire' };
  return { kind: 'workload', workload: port.workload.id.workload_id };
}
