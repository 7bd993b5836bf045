/** Random packets aimed at a world: at the edges of its prefixes, sets, port ranges and types. */
import fc from 'fast-check';
import { cidrRange, formatIp, maxAddress, parseCidr } from '../../../src/base/ip.js';
import type { Probe } from '../../../src/lab/verdicts/probe.js';
import { ADDRESSES, type RuleDraft, type World } from '../felix/world.js';
import { ICMP_TYPES, INTERESTING, PORTS } from './values.js';

/** Choices of one packet, as numbers that are taken modulo whatever the world offers. */
export interface Aim {
  readonly from: number;
  readonly to: number;
  readonly v6: boolean;
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly type: number;
  readonly code: number;
}

const choice = fc.nat({ max: 9999 });

/** One aim. Aims and worlds shrink apart from each other. */
export const aim: fc.Arbitrary<Aim> = fc.record({
  from: choice,
  to: choice,
  v6: fc.boolean(),
  source: choice,
  destination: choice,
  protocol: choice,
  sourcePort: choice,
  destinationPort: choice,
  type: choice,
  code: choice,
});

const PLACES = ['a', 'b', 'wire', 'host', 'wire', 'a', 'b', 'c'] as const;
const OTHER_PROTOCOLS = [47, 4, 0, 136, 132];

/** What a world offers to aim at. */
export interface Targets {
  readonly addresses: Record<4 | 6, readonly string[]>;
  readonly ports: readonly number[];
}

/** Gathers the edges of everything the world's rules and sets speak of. */
export function targetsOf(world: World): Targets {
  const rules = [
    ...Object.values(world.policies ?? {}),
    ...Object.values(world.profiles ?? {}),
  ].flatMap(({ inbound = [], outbound = [] }) => [...inbound, ...outbound]);
  const members = Object.values(world.sets ?? {}).flatMap((set) => set.members);
  const nets = [...rules.flatMap(netsOf), ...members.map((member) => member.split(',')[0] ?? '')];
  const ports = [
    ...PORTS,
    ...rules.flatMap(portsOf),
    ...members.flatMap((member) => around(Number(/:(\d+)$/.exec(member)?.[1] ?? 80), 65535)),
  ];
  return {
    addresses: { 4: edgesOf(nets, 4), 6: edgesOf(nets, 6) },
    ports: [...new Set(ports)],
  };
}

/** The packet of an aim. What a place sends to itself never leaves it. */
export function probeOf(shot: Aim, targets: Targets): Probe {
  const from = pick(PLACES, shot.from);
  const other = pick(PLACES, shot.to);
  const to = other === from ? 'wire' : other;
  const family = shot.v6 ? 6 : 4;
  const aimed =
    to === 'wire' ? pick(targets.addresses[family], shot.destination) : home(to, family);
  const isItself = from !== 'wire' && aimed === home(from, family);
  const packet = {
    source: sourceOf(from, shot, family, targets),
    destination: isItself ? home('wire', family) : aimed,
    ...transportOf(shot, family, targets),
  };
  return { line: 0, from: placeText(from), to: placeText(to), packet, allowed: false };
}

type Place = (typeof PLACES)[number];

/** Pods mostly send from their own address, and sometimes from whatever else there is. */
function sourceOf(from: Place, shot: Aim, family: 4 | 6, targets: Targets): string {
  const other = pick(targets.addresses[family], shot.source);
  if (from === 'wire') return other;
  if (from === 'host' || shot.source % 12 !== 0) return home(from, family);
  return family === 6 && shot.source % 24 === 0 ? 'fe80::1' : other;
}

function transportOf(shot: Aim, family: 4 | 6, targets: Targets) {
  const ports = {
    sourcePort: pick([40000, ...targets.ports], shot.sourcePort),
    destinationPort: pick(targets.ports, shot.destinationPort),
  };
  const kind = shot.protocol % 10;
  if (kind < 4) return { protocol: 6, ...ports };
  if (kind < 7) return { protocol: 17, ...ports };
  if (kind === 7) {
    const protocol = pick(OTHER_PROTOCOLS, Math.floor(shot.protocol / 10));
    return protocol >= 132 ? { protocol, ...ports } : { protocol };
  }
  const types = [...ICMP_TYPES[family], ...ICMP_TYPES[family], 255];
  return {
    protocol: family === 4 ? 1 : 58,
    icmpType: pick(types, shot.type),
    icmpCode: pick([0, 0, 1, 3, 255], shot.code),
  };
}

function netsOf(rule: RuleDraft): string[] {
  const { src_net = [], dst_net = [], not_src_net = [], not_dst_net = [] } = rule;
  return [...src_net, ...dst_net, ...not_src_net, ...not_dst_net];
}

function portsOf(rule: RuleDraft): number[] {
  const { src_ports = [], dst_ports = [], not_src_ports = [], not_dst_ports = [] } = rule;
  return [...src_ports, ...dst_ports, ...not_src_ports, ...not_dst_ports].flatMap(
    ({ first, last }) => [...around(first, 65535), ...around(last, 65535)],
  );
}

function edgesOf(nets: readonly string[], family: 4 | 6): string[] {
  const edges = nets.flatMap((net) => {
    const cidr = parseCidr(net);
    if (cidr?.family !== family) return [];
    const { low, high } = cidrRange(cidr);
    return [low - 1n, low, high, high + 1n]
      .filter((value) => value >= 0n && value <= maxAddress(family))
      .map((value) => formatIp({ family, value }));
  });
  return [...new Set([...INTERESTING[family], ...edges])];
}

function around(value: number, max: number): number[] {
  return [value - 1, value, value + 1].filter((one) => one >= 0 && one <= max);
}

function home(place: Place, family: 4 | 6): string {
  return ADDRESSES[place][family === 4 ? 0 : 1];
}

function placeText(place: Place): string {
  return place === 'host' || place === 'wire' ? place : `default/${place}`;
}

function pick<T>(from: readonly T[], index: number): T {
  const value = from[index % from.length];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
}
