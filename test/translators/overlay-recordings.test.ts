/**
 * The overlay of every recording that has one, against what Calico's own decoder says that Felix told: which objects there
 * are, and where a packet to each route goes. The expectation knows nothing of the translator.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { cidrContains, formatIp, parseCidr, type Cidr } from '../../src/base/ip.js';
import { OBJECT_KINDS } from '../../src/opi/objects/key.js';
import type { RouteSpec } from '../../src/opi/objects/specs.js';
import { createMemoryXpu, type MemoryXpu } from '../../src/soft-xpu/memory-xpu.js';
import { packetOf } from '../../src/soft-xpu/memory/packet.js';
import { HOST_PORT, UPLINK_PORT, type PortRef } from '../../src/soft-xpu/memory/port.js';
import { allRecordings, type Recording } from '../support/recordings.js';
import { NAMES, specsOf } from './support/objects.js';
import { NATIVE, PLAIN, Player, recordedFrames, SETTINGS } from './support/play.js';

const SCENARIOS = ['overlay', 'extras', 'wireguard', 'vxlan-hep'];
const REMOTE_WORKLOAD = 1;
const LOCAL_WORKLOAD = 4;
const REMOTE_TUNNEL = 16;
const KIND_BITS: Readonly<Record<string, number>> = {
  ...{ REMOTE_WORKLOAD, REMOTE_HOST: 2, LOCAL_WORKLOAD, LOCAL_HOST: 8 },
  ...{ REMOTE_TUNNEL, LOCAL_TUNNEL: 32 },
};

/** A frame as Calico's decoder printed it; only what is asked for. */
interface Frame {
  readonly config_update?: { readonly config: Readonly<Record<string, string>> };
  readonly route_update?: FelixRoute;
  readonly route_remove?: { readonly dst: string };
  readonly vtep_update?: FelixVtep;
  readonly vtep_remove?: { readonly node: string };
  readonly wireguard_endpoint_update?: { readonly hostname: string };
  readonly wireguard_endpoint_v6_update?: { readonly hostname: string };
  readonly wireguard_endpoint_remove?: { readonly hostname: string };
  readonly wireguard_endpoint_v6_remove?: { readonly hostname: string };
  readonly workload_endpoint_update?: {
    readonly id: { readonly workload_id: string };
    readonly endpoint: Readonly<Record<'ipv4_nets' | 'ipv6_nets', readonly string[] | undefined>>;
  };
  readonly workload_endpoint_remove?: { readonly id: { readonly workload_id: string } };
}

interface FelixRoute {
  readonly dst: string;
  readonly type?: string;
  readonly types?: string | number;
  readonly ip_pool_type?: string;
  readonly dst_node_name?: string;
  readonly dst_node_ip?: string;
  readonly same_subnet?: boolean;
}

interface FelixVtep {
  readonly node: string;
  readonly mac?: string;
  readonly mac_v6?: string;
  readonly parent_device_ip?: string;
  readonly parent_device_ipv6?: string;
}

/** What becomes of a packet: `tunnel REMOTE via MAC`, `next hop IP`, `underlay`, `nowhere`. */
type Fate = string;

/** Felix's words as of a frame. */
class Told {
  readonly routes = new Map<string, FelixRoute>();
  readonly vteps = new Map<string, FelixVtep>();
  readonly peers = new Set<string>();
  readonly pods = new Map<string, readonly string[]>();
  private config: Readonly<Record<string, string>> = {};

  hear(frame: Frame): void {
    if (frame.config_update !== undefined) this.config = frame.config_update.config;
    const { route_update: route, vtep_update: vtep, workload_endpoint_update: pod } = frame;
    if (route !== undefined) this.routes.set(route.dst, route);
    if (frame.route_remove !== undefined) this.routes.delete(frame.route_remove.dst);
    if (vtep !== undefined) this.vteps.set(vtep.node, vtep);
    if (frame.vtep_remove !== undefined) this.vteps.delete(frame.vtep_remove.node);
    for (const [family, added, removed] of [
      [4, frame.wireguard_endpoint_update, frame.wireguard_endpoint_remove],
      [6, frame.wireguard_endpoint_v6_update, frame.wireguard_endpoint_v6_remove],
    ] as const) {
      if (added !== undefined) this.peers.add(`${family} ${added.hostname}`);
      if (removed !== undefined) this.peers.delete(`${family} ${removed.hostname}`);
    }
    if (pod !== undefined) {
      const { ipv4_nets: v4 = [], ipv6_nets: v6 = [] } = pod.endpoint;
      this.pods.set(pod.id.workload_id, [...v4, ...v6]);
    }
    const gone = frame.workload_endpoint_remove;
    if (gone !== undefined) this.pods.delete(gone.id.workload_id);
  }

  /** What a route itself says. */
  fate(route: FelixRoute): Fate {
    const kinds = kindsOf(route);
    const family = route.dst.includes(':') ? 6 : 4;
    if ((kinds & LOCAL_WORKLOAD) !== 0) return 'nowhere';
    if ((kinds & (REMOTE_WORKLOAD | REMOTE_TUNNEL)) === 0) return 'underlay';
    const { dst_node_name: node = '', dst_node_ip: ip = '' } = route;
    const isEncrypting = this.config[family === 4 ? 'WireguardEnabled' : 'WireguardEnabledV6'];
    if (isEncrypting === 'true' && this.peers.has(`${family} ${node}`)) return 'nowhere';
    if (ip === '') return 'nowhere';
    const pool = route.ip_pool_type ?? 'NONE';
    if (route.same_subnet === true || pool === 'NO_ENCAP' || pool === 'NONE') {
      return `next hop ${ip}`;
    }
    if (pool === 'IPIP') return 'nowhere';
    const [own, other] = [this.endOf(SETTINGS.nodeName, family), this.endOf(node, family)];
    return own === undefined || other === undefined
      ? 'nowhere'
      : `tunnel ${other.ip} via ${other.mac}`;
  }

  /** Tunnels as `LOCAL REMOTE`. */
  tunnels(): string[] {
    return [...this.vteps.keys()].flatMap((node) =>
      ([4, 6] as const).flatMap((family) => {
        const [own, other] = [this.endOf(SETTINGS.nodeName, family), this.endOf(node, family)];
        const isOne = node !== SETTINGS.nodeName && own !== undefined && other !== undefined;
        return isOne ? [`${own.ip} ${other.ip}`] : [];
      }),
    );
  }

  private endOf(node: string, family: 4 | 6): { ip: string; mac: string } | undefined {
    const vtep = this.vteps.get(node);
    const ip = family === 4 ? vtep?.parent_device_ip : vtep?.parent_device_ipv6;
    const mac = family === 4 ? vtep?.mac : vtep?.mac_v6;
    return ip === undefined || mac === undefined ? undefined : { ip, mac };
  }
}

function kindsOf({ type, types }: FelixRoute): number {
  const words = types ?? type ?? 0;
  return typeof words === 'number' ? words : (KIND_BITS[words] ?? 0);
}

function framesOf(recording: Recording, stream: number): Frame[] {
  const file = path.join(recording.folder, `decoded-${stream}.jsonl.gz`);
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Frame);
}

/** A recording's states: what Felix told, and a player that heard the same bytes. */
function* statesOf(
  recording: Recording,
  target: typeof NATIVE,
): Generator<{ title: string; told: Told; player: Player }> {
  const player = new Player(SETTINGS, target);
  for (const [stream, file] of recording.streams.entries()) {
    const told = new Told();
    const decoded = framesOf(recording, stream);
    const deltas = recordedFrames(file);
    expect(deltas).to.have.length(decoded.length);
    player.session();
    let at = 0;
    for (const { step, frames } of recording.steps) {
      if (frames.length !== stream + 1) continue;
      for (const end = frames[stream] ?? 0; at < end; at++) {
        told.hear(decoded[at]!);
        player.fold(...deltas[at]!);
      }
      player.flush();
      yield { title: `${recording.name}, ${step}`, told, player };
    }
    player.fold(...deltas.slice(at).flat()).flush();
  }
}

/** Fate of a planned route. */
function plannedFate({ via }: RouteSpec, player: Player): Fate {
  if ('evalMapping' in via) return 'nowhere';
  const entries = [...player.objects.values()].map(({ object }) => object);
  const id = 'tunnel' in via ? via.tunnel.id : via.nextHop.id;
  const spec = entries.find(({ key }) => key.id === id)!.spec;
  if ('remoteIp' in spec && 'tunnel' in via) return `tunnel ${spec.remoteIp} via ${via.overlayMac}`;
  return 'ip' in spec ? `next hop ${spec.ip}` : 'unknown';
}

function loaded(player: Player, target: typeof NATIVE): MemoryXpu {
  const { level, compactRules } = target;
  const xpu = createMemoryXpu({ extension: level === 'native', compactRules });
  const operations = [...player.translator.plan()].map(({ object, members }) => ({
    ...{ op: 'create' as const, object },
    ...(members === undefined ? {} : { members: { members } }),
  }));
  xpu.store.replaceAll(operations, OBJECT_KINDS);
  return xpu;
}

/** Where a packet leaves, whatever policy says of it there; `nowhere` = no address, `undefined` = dropped before. */
function exitOf(xpu: MemoryXpu, from: PortRef, source: string, destination: string) {
  const fields = { source, destination, protocol: 6, sourcePort: 40_000, destinationPort: 80 };
  const walked = { fresh: true, commit: false, count: false };
  const { exit, dropReason } = xpu.dataPlane.walk(from, packetOf(fields), walked);
  return dropReason === 'NO_MAPPING' ? 'nowhere' : exit?.kind;
}

const EXITS = { tunnel: 'tunnel', next: 'uplink', underlay: 'uplink', nowhere: 'nowhere' } as const;
const exitFor = (fate: Fate) => EXITS[fate.split(' ')[0] as keyof typeof EXITS];

/** An address of the prefix that no longer prefix and no pod holds. */
function probeOf(cidr: Cidr, taken: readonly Cidr[]): string | undefined {
  for (let offset = 0n; offset < 64n; offset++) {
    const ip = { family: cidr.family, value: cidr.value + offset };
    if (!cidrContains(cidr, ip)) return undefined;
    if (!taken.some((other) => cidrContains(other, ip))) return formatIp(ip);
  }
  return undefined;
}

describe('the overlay of recordings', () => {
  const recordings = allRecordings().filter(({ scenario }) => SCENARIOS.includes(scenario));
  const probed = new Map<string, number>();

  for (const recording of recordings) {
    for (const target of [NATIVE, PLAIN]) {
      it(`${recording.name}, ${target.level}: routes, tunnels, next hops, and every packet's exit`, () => {
        for (const { title, told, player } of statesOf(recording, target)) {
          checkObjects(title, told, player);
          checkExits(title, told, player, target, probed);
        }
      });
    }
  }

  it('have shown every fate', () => {
    expect([...probed.keys()]).to.include.members(['tunnel', 'next', 'underlay', 'nowhere']);
    for (const count of probed.values()) expect(count).to.be.greaterThan(20);
  });
});

function checkObjects(title: string, told: Told, player: Player): void {
  const routes = specsOf(player, 'route').map((spec) => [spec.prefix, plannedFate(spec, player)]);
  const expected = [...told.routes.values()]
    .map((route) => [route.dst, told.fate(route)])
    .filter(([, fate]) => fate !== 'underlay');
  expect(Object.fromEntries(routes), title).to.deep.equal(Object.fromEntries(expected));
  const tunnels = specsOf(player, 'tunnel');
  expect(
    tunnels.map(({ localIp, remoteIp }) => `${localIp} ${remoteIp}`),
    title,
  ).to.have.members(told.tunnels());
  for (const { vni, vpc } of tunnels)
    expect({ vni, vpc }).to.deep.equal({ vni: 4096, vpc: NAMES.vpc });
  const [vpc] = specsOf(player, 'vpc');
  expect(vpc?.vni, title).to.equal(told.vteps.size > 0 ? 4096 : undefined);
  const hops = new Set(expected.flatMap(([, fate]) => /^next hop (.*)/.exec(fate!)?.[1] ?? []));
  expect(
    specsOf(player, 'nextHop').map(({ ip }) => ip),
    title,
  ).to.have.members([...hops]);
}

function checkExits(
  title: string,
  told: Told,
  player: Player,
  target: typeof NATIVE,
  probed: Map<string, number>,
): void {
  const xpu = loaded(player, target);
  const pods = [...told.pods.values()].flat().flatMap((net) => parseCidr(net) ?? []);
  const prefixes = [...told.routes.values()]
    .filter((route) => kindsOf(route) !== 0)
    .flatMap((route) => {
      const cidr = parseCidr(route.dst);
      return cidr === undefined ? [] : [{ route, cidr }];
    });
  for (const { route, cidr } of prefixes) {
    const longer = prefixes.filter((other) => other.cidr.length > cidr.length);
    const destination = probeOf(cidr, [...longer.map((other) => other.cidr), ...pods]);
    if (destination === undefined || (kindsOf(route) & KIND_BITS['LOCAL_HOST']!) !== 0) continue;
    const fate = told.fate(route);
    const source = cidr.family === 4 ? '172.30.0.1' : 'fd30::1';
    const from = `${title}: ${destination} of ${route.dst}, ${fate}`;
    expect(exitOf(xpu, HOST_PORT, source, destination), `${from}, from the host`).to.equal(
      exitFor(fate),
    );
    const outside = cidr.family === 4 ? '198.51.100.7' : '2001:db8::7';
    expect(exitOf(xpu, UPLINK_PORT, outside, destination), `${from}, from the wire`).to.equal(
      exitFor(fate),
    );
    checkPods(xpu, told, { destination, family: cidr.family }, exitFor(fate), from);
    const kind = fate.split(' ')[0]!;
    probed.set(kind, (probed.get(kind) ?? 0) + 1);
  }
}

/** From each pod that has an address of the family; host policy of some recordings may drop it before its exit is known. */
function checkPods(
  xpu: MemoryXpu,
  told: Told,
  to: { readonly destination: string; readonly family: 4 | 6 },
  expected: string,
  title: string,
): void {
  for (const [workload, nets] of told.pods) {
    const own = nets
      .flatMap((net) => parseCidr(net) ?? [])
      .find(({ family }) => family === to.family);
    const port = own && portOf(xpu, formatIp(own));
    if (own === undefined || port === undefined) continue;
    const exit = exitOf(xpu, port, formatIp(own), to.destination);
    expect(exit, `${title}, from ${workload}`).to.equal(expected);
  }
}

function portOf(xpu: MemoryXpu, address: string): PortRef | undefined {
  for (const { object } of xpu.store.list('mapping')) {
    const spec = object.spec as { ip: string; destination: { kind: string; id: string } };
    if (spec.ip === address) return { kind: 'vnic', id: spec.destination.id };
  }
  return undefined;
}
