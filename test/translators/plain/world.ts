/** A node as the plain lowering sees it, and what Calico would do with packets on it (k8s-extension: path and stages). */
import {
  cidrContains,
  parseCidr,
  parseIp,
  type Cidr,
  type IpAddress,
} from '../../../src/base/ip.js';
import type { IpSetId } from '../../../src/model/ids.js';
import { ObjectNamer, type ObjectKey } from '../../../src/opi/objects/key.js';
import type { SecurityPolicySpec, VnicSpec } from '../../../src/opi/objects/specs.js';
import type {
  PolicyChange,
  PolicyPort,
  PolicyView,
  SetView,
} from '../../../src/translators/policy/lowering.js';
import type { PlainCapabilities } from '../../../src/translators/policy/plain/capabilities.js';
import { PlainLowering } from '../../../src/translators/policy/plain/lowering.js';
import type { PortProgram } from '../../../src/translators/policy/program.js';
import { pathAllows, stageVerdict, type SetTexts } from './calico.js';
import type { Packet } from './packet.js';

/** A pod of the world. */
export interface Pod {
  readonly program: PortProgram;
  readonly addresses: readonly string[];
}

/** Everything a node has. */
export interface World {
  readonly pods: readonly Pod[];
  readonly uplink?: PortProgram;
  readonly tunnel?: PortProgram;
  readonly hostAddresses: readonly string[];
  readonly tunnelDestinations: readonly string[];
  readonly sets: SetTexts;
}

const namer = new ObjectNamer('node-a');
/** Names for the lowering. */
export const names = {
  listPolicy: (content: string): ObjectKey<'securityPolicy'> =>
    namer.key('securityPolicy', `list/${content}`),
};

/** Key of a pod's Vnic. */
export function vnicOf(subject: string): ObjectKey<'vnic'> {
  return namer.key('vnic', subject);
}

/** The host port's Vnic. */
export const hostVnic = vnicOf('host0');

/** A view of a world. */
export function viewOf(world: World): PolicyView {
  const ports = new Map<string, PolicyPort>();
  for (const { program, addresses } of world.pods) {
    ports.set(program.subject, {
      program,
      vnic: vnicOf(program.subject),
      addresses: addresses.map(ip),
      origins: [program.subject],
    });
  }
  for (const program of [world.uplink, world.tunnel]) {
    if (program === undefined) continue;
    ports.set(program.subject, { program, addresses: [], origins: ['host/uplink'] });
  }
  return {
    subjects: () => ports.keys(),
    port: (subject) => ports.get(subject),
    sources: () => [],
    source: () => undefined,
    set: (id) => setView(world.sets, id),
    hostVnic,
    hostAddresses: world.hostAddresses.map(ip),
    tunnelDestinations: world.tunnelDestinations.map(cidr),
  };
}

function setView(sets: SetTexts, id: IpSetId): SetView | undefined {
  const members = sets.get(id);
  return members && { type: id.startsWith('n:') ? 'ip-port' : 'net', members };
}

/** Address of a text known to be one. */
export function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

/** Prefix of a text known to be one. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`no prefix: ${text}`);
  return parsed;
}

/** A change that names everything. */
export function everythingChanged(view: PolicyView, sets: SetTexts): PolicyChange {
  return {
    ports: new Set([...view.subjects(), 'uplink', 'tunnel']),
    sources: new Set(),
    sets: new Set(sets.keys()),
    members: new Map(),
    host: true,
  };
}

/** A lowered world: lists by their key, and what became of the Vnics. */
export interface Lowered {
  readonly lowering: PlainLowering;
  readonly lists: ReadonlyMap<string, SecurityPolicySpec>;
}

/** Lowers a world from nothing. */
export function lower(world: World, limits: PlainCapabilities): Lowered {
  const lowering = new PlainLowering(names, limits);
  const view = viewOf(world);
  const { units } = lowering.update(view, everythingChanged(view, world.sets));
  const lists = new Map<string, SecurityPolicySpec>();
  for (const entries of units.values()) {
    for (const { object } of entries) lists.set(object.key.id, object.spec as SecurityPolicySpec);
  }
  return { lowering, lists };
}

/** A Vnic's list of one direction and family; `undefined` = it has none. */
export function listOf(
  { lowering, lists }: Lowered,
  vnic: ObjectKey<'vnic'>,
  direction: 'ingress' | 'egress',
  family: 4 | 6,
): SecurityPolicySpec | undefined {
  const field: keyof VnicSpec = `${direction}V${family}`;
  const [ref] = lowering.lists(vnic)?.[field] ?? [];
  return ref && lists.get(ref.id);
}

/** Where a packet's source or destination lies. */
export type Place = 'host' | 'pod' | 'tunnel' | 'uplink';

const NEAR = ['169.254.0.0/16', '224.0.0.0/4', 'fe80::/10', 'ff00::/8'].map(cidr);

/** Place of an address; as a destination, link-local and multicast lead to the host. */
export function placeOf(world: World, packet: Packet, value: bigint, as: 'from' | 'to'): Place {
  const address = { family: packet.family, value };
  const among = (texts: readonly string[]): boolean =>
    texts.some((text) => cidrContains(cidr(text), address));
  if (among(world.hostAddresses)) return 'host';
  if (among(world.pods.flatMap(({ addresses }) => addresses))) return 'pod';
  if (as === 'to' && NEAR.some((net) => cidrContains(net, address))) return 'host';
  return among(world.tunnelDestinations) ? 'tunnel' : 'uplink';
}

/** A pod's ingress half of the path: the stages of the entry port that have no list of their own, and its own. */
export function calicoIngress(
  world: World,
  pod: PortProgram,
  packet: Packet,
  entry: Place,
): boolean {
  const { sets } = world;
  if (entry === 'host') return true;
  const outside = entry === 'tunnel' ? world.tunnel : entry === 'uplink' ? world.uplink : undefined;
  if (!pathAllows(outside, ['UNTRACKED', 'PRE_DNAT', 'FORWARD'], 'FROM_PORT', packet, sets)) {
    return false;
  }
  if (!pathAllows(pod, ['FORWARD'], 'TO_PORT', packet, sets)) return false;
  return stageVerdict(pod, 'WORKLOAD', 'TO_PORT', packet, sets) === 'allow';
}

/** A pod's egress half of the path. */
export function calicoEgress(world: World, pod: PortProgram, packet: Packet): boolean {
  const { sets } = world;
  const exit = placeOf(world, packet, packet.destination, 'to');
  const kinds = exit === 'host' ? (['PRE_DNAT'] as const) : (['PRE_DNAT', 'FORWARD'] as const);
  if (!pathAllows(pod, kinds, 'FROM_PORT', packet, sets)) return false;
  const { vxlanPort, ipip } = pod.deniedEncapsulation;
  const neighbours = [130, 131, 132, 133, 135, 136];
  if (packet.family === 6 && packet.protocol === 58 && exit === 'host') {
    if (neighbours.includes(packet.icmpType ?? -1)) return true;
  }
  if (packet.protocol === 17 && packet.destinationPort === vxlanPort) return false;
  if (packet.protocol === 4 && ipip) return false;
  if (stageVerdict(pod, 'WORKLOAD', 'FROM_PORT', packet, sets) !== 'allow') return false;
  if (isBroadcast(packet) && pod.toHostAction === 'DROP') return false;
  if (exit === 'host') return pod.toHostAction !== 'DROP';
  const outside = exit === 'tunnel' ? world.tunnel : exit === 'uplink' ? world.uplink : undefined;
  return pathAllows(outside, ['FORWARD'], 'TO_PORT', packet, sets);
}

/** The limited broadcast: a data plane may take it for the router's, and then the host's action holds. */
function isBroadcast({ family, destination }: Packet): boolean {
  return family === 4 && destination === 0xffff_ffffn;
}

/** What the host receives. */
export function calicoHostIngress(world: World, packet: Packet, entry: Place): boolean {
  const { sets, uplink, tunnel } = world;
  if (entry === 'pod' || entry === 'host') return true;
  if (entry === 'tunnel') return pathAllows(tunnel, ['PRE_DNAT'], 'FROM_PORT', packet, sets);
  return pathAllows(uplink, ['UNTRACKED', 'PRE_DNAT', 'HOST'], 'FROM_PORT', packet, sets);
}

/** What the host sends. */
export function calicoHostEgress(world: World, packet: Packet): boolean {
  const exit = placeOf(world, packet, packet.destination, 'to');
  const local = placeOf(world, packet, packet.destination, 'from');
  if (exit === 'pod' || exit === 'tunnel' || local === 'host') return true;
  return pathAllows(world.uplink, ['UNTRACKED', 'HOST'], 'TO_PORT', packet, world.sets);
}
