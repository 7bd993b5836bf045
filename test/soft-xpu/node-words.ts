/** Short words for the objects, ports and packets of the test node. */
import type { ObjectKey, ObjectKind } from '../../src/opi/objects/key.js';
import {
  ANY_ENDPOINT,
  type EndpointMatch,
  type PolicyRuleSpec,
  type RuleActionSpec,
  type RuleMatch,
} from '../../src/opi/objects/match.js';
import type {
  AnyObject,
  Direction,
  PolicyBindingSpec,
  SpecByKind,
  StageKind,
  StageSpec,
  TierSpec,
} from '../../src/opi/objects/specs.js';
import type { PacketFields } from '../../src/soft-xpu/memory/packet.js';
import type { PortRef } from '../../src/soft-xpu/memory/port.js';

export const POD_A = '10.65.0.1';
export const POD_B = '10.65.0.2';
export const POD_A6 = 'fd00:65::1';
export const POD_B6 = 'fd00:65::2';
export const HOST = '172.30.0.1';
export const HOST6 = 'fd30::1';
export const FAR = '198.51.100.7';
export const FAR6 = '2001:db8::7';

export const UPLINK: PortRef = { kind: 'uplink' };
export const TUNNEL: PortRef = { kind: 'tunnel' };
export const HOST_PORT: PortRef = { kind: 'host' };
export const PORT_A: PortRef = { kind: 'vnic', id: 'vnic-a' };
export const PORT_B: PortRef = { kind: 'vnic', id: 'vnic-b' };

/** Key of an object. */
export function key<K extends ObjectKind>(kind: K, id: string): ObjectKey<K> {
  return { kind, id };
}

/** An object. */
export function object<K extends ObjectKind>(kind: K, id: string, spec: SpecByKind[K]): AnyObject {
  return { key: key(kind, id), spec } as AnyObject;
}

/** A rule that matches what `match` says. */
export function rule(
  action: RuleActionSpec,
  match: Partial<RuleMatch> = {},
  ruleId = `${action} ${JSON.stringify(match)}`.slice(0, 128),
): PolicyRuleSpec {
  return {
    ruleId,
    action,
    match: { source: ANY_ENDPOINT, destination: ANY_ENDPOINT, ipPortGroups: [], ...match },
  };
}

/** One side of a match. */
export function side(match: Partial<EndpointMatch>): EndpointMatch {
  return { ...ANY_ENDPOINT, ...match };
}

/** Destination ports. */
export function toPort(low: number, high = low): Partial<RuleMatch> {
  return { destination: side({ ports: [{ low, high }] }) };
}

/** A tier of policies. */
export function tier(
  tierId: string,
  policies: readonly string[],
  defaultAction: TierSpec['defaultAction'] = 'DENY',
): TierSpec {
  return { tierId, defaultAction, policies: policies.map((id) => key('networkPolicy', id)) };
}

/** A stage; its rule list is the one k8s-extension's table gives. */
export function stage(
  kind: StageKind,
  direction: Direction,
  tiers: readonly TierSpec[],
  profiles: readonly string[] = [],
): StageSpec {
  const fromIsIngress = kind !== 'WORKLOAD';
  const ingress = (direction === 'FROM_PORT') === fromIsIngress;
  return {
    kind,
    direction,
    ruleList: ingress ? 'INGRESS' : 'EGRESS',
    tiers,
    profiles: profiles.map((id) => key('networkPolicy', id)),
  };
}

/** A binding with everything a pod usually has. */
export function binding(
  port: PolicyBindingSpec['port'],
  stages: readonly StageSpec[],
  more: Partial<PolicyBindingSpec> = {},
): PolicyBindingSpec {
  return {
    port,
    stages,
    failsafes: [],
    allowedSources: [],
    toHostAction: 'DROP',
    fromHostBypass: true,
    invalidAction: 'DROP',
    establishedPolicy: 'KEEP',
    disabled: false,
    deniedEncapsulation: { vxlanPort: 4789, ipip: true },
    ...more,
  };
}

/** A TCP packet; a SYN unless flags are given. */
export function tcp(
  source: string,
  destination: string,
  destinationPort: number,
  more: Partial<PacketFields> = {},
): PacketFields {
  return { source, destination, protocol: 6, sourcePort: 40000, destinationPort, ...more };
}

/** A UDP packet. */
export function udp(
  source: string,
  destination: string,
  destinationPort: number,
  more: Partial<PacketFields> = {},
): PacketFields {
  return { source, destination, protocol: 17, sourcePort: 40000, destinationPort, ...more };
}

/** An ICMP or ICMPv6 packet. */
export function icmp(
  source: string,
  destination: string,
  type: number,
  more: { code?: number; id?: number; quoted?: PacketFields } = {},
): PacketFields {
  const { quoted, ...fields } = more;
  const protocol = source.includes(':') ? 58 : 1;
  return { source, destination, protocol, icmp: { type, ...fields }, quoted };
}

/** The packet that answers one. */
export function replyTo(fields: PacketFields, tcpFlags = 18): PacketFields {
  return {
    ...fields,
    source: fields.destination,
    destination: fields.source,
    sourcePort: fields.destinationPort,
    destinationPort: fields.sourcePort,
    tcpFlags,
  };
}
