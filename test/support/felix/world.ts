/**
 * Small Calico worlds for tests: what exists on one node, as plain data, and the messages by which Felix would tell it.
 * Policy names: `name` is a GlobalNetworkPolicy, `ns/name` a NetworkPolicy, `staged:name` a staged global one.
 */
import { policyIdBytes, type Message } from './wire.js';

/** A port range of a rule. */
export interface PortsDraft {
  readonly first: number;
  readonly last: number;
}

/** A protocol of a rule. */
export type ProtocolDraft = { readonly name: string } | { readonly number: number };

/** A rule with only the fields that matter, under the names of the .proto file. */
export interface RuleDraft {
  readonly action?: string;
  readonly ip_version?: 0 | 4 | 6;
  readonly protocol?: ProtocolDraft;
  readonly not_protocol?: ProtocolDraft;
  readonly src_net?: readonly string[];
  readonly dst_net?: readonly string[];
  readonly not_src_net?: readonly string[];
  readonly not_dst_net?: readonly string[];
  readonly src_ports?: readonly PortsDraft[];
  readonly dst_ports?: readonly PortsDraft[];
  readonly not_src_ports?: readonly PortsDraft[];
  readonly not_dst_ports?: readonly PortsDraft[];
  readonly src_named_port_ip_set_ids?: readonly string[];
  readonly dst_named_port_ip_set_ids?: readonly string[];
  readonly not_src_named_port_ip_set_ids?: readonly string[];
  readonly not_dst_named_port_ip_set_ids?: readonly string[];
  readonly src_ip_set_ids?: readonly string[];
  readonly dst_ip_set_ids?: readonly string[];
  readonly not_src_ip_set_ids?: readonly string[];
  readonly not_dst_ip_set_ids?: readonly string[];
  readonly dst_ip_port_set_ids?: readonly string[];
  readonly icmp_type?: number;
  readonly icmp_type_code?: { readonly type: number; readonly code?: number };
  readonly not_icmp_type?: number;
  readonly not_icmp_type_code?: { readonly type: number; readonly code?: number };
  readonly http_match?: object;
  readonly rule_id?: string;
}

/** Rules of a policy or profile; `inbound` is towards the endpoint. */
export interface RulesDraft {
  readonly inbound?: readonly RuleDraft[];
  readonly outbound?: readonly RuleDraft[];
}

/** A policy. */
export interface PolicyDraft extends RulesDraft {
  /** Default `default`. */
  readonly tier?: string;
  readonly untracked?: boolean;
  readonly preDnat?: boolean;
}

/** A tier as an endpoint lists it. */
export interface TierDraft {
  readonly name?: string;
  readonly ingress?: readonly string[];
  readonly egress?: readonly string[];
  /** `Deny`, `Pass`, or absent as before v3.29. */
  readonly default?: string;
}

/** A pod: `a`, `b` or `c` of namespace `default`, with the addresses of `ADDRESSES` unless it says otherwise. */
export interface PodDraft {
  readonly tiers?: readonly TierDraft[];
  readonly profiles?: readonly string[];
  /** Members of the message that replace the usual ones. */
  readonly fields?: object;
}

/** A host endpoint. */
export interface HostEndpointDraft {
  readonly name?: string;
  readonly expected?: readonly string[];
  readonly tiers?: readonly TierDraft[];
  readonly forward?: readonly TierDraft[];
  readonly preDnat?: readonly TierDraft[];
  readonly untracked?: readonly TierDraft[];
  readonly profiles?: readonly string[];
}

/** An IP set. */
export interface SetDraft {
  readonly type: 'net' | 'port' | 'ip';
  readonly members: readonly string[];
}

/** Everything there is. Absent parts are empty; pods that nothing tells of do not exist. */
export interface World {
  readonly config?: Readonly<Record<string, string>>;
  readonly sets?: Readonly<Record<string, SetDraft>>;
  readonly policies?: Readonly<Record<string, PolicyDraft>>;
  readonly profiles?: Readonly<Record<string, RulesDraft>>;
  readonly pods?: Readonly<Record<string, PodDraft>>;
  readonly hostEndpoints?: Readonly<Record<string, HostEndpointDraft>>;
  /** RouteUpdates. */
  readonly routes?: readonly object[];
  /** VXLANTunnelEndpointUpdates. */
  readonly vteps?: readonly object[];
  readonly encapsulation?: { readonly vxlan?: boolean; readonly ipip?: boolean };
}

/** Addresses of the places that tests speak of, IPv4 and IPv6. */
export const ADDRESSES = {
  a: ['10.65.0.1', 'fd65::1'],
  b: ['10.65.0.2', 'fd65::2'],
  c: ['10.65.0.3', 'fd65::3'],
  host: ['172.30.0.1', 'fd30::1'],
  wire: ['198.18.0.9', '2001:db8::9'],
} as const;

/** Name of one of those places. */
export type PlaceName = keyof typeof ADDRESSES;

const SET_TYPES = { ip: 0, port: 1, net: 2 };
const LOCAL_WORKLOAD = 4;

/** The profile of a Kubernetes namespace: allow both ways. */
export const KNS: RulesDraft = { inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }] };

/** The session that tells this world and nothing before it, InSync last. */
export function session(world: World): Message[] {
  return [
    { config_update: { config: { FelixHostname: 'node-a', ...world.config } } },
    ...Object.entries(world.sets ?? {}).map(([id, set]) => setMessage(id, set)),
    ...Object.entries(world.policies ?? {}).map(([name, policy]) => policyMessage(name, policy)),
    ...Object.entries(world.profiles ?? {}).map(([name, rules]) => profileMessage(name, rules)),
    ...Object.entries(world.pods ?? {}).map(([name, pod]) => podMessage(name, pod)),
    ...Object.entries(world.hostEndpoints ?? {}).map(([id, one]) => hostEndpointMessage(id, one)),
    ...blockRoutes().map((route): Message => ({ route_update: route })),
    ...(world.vteps ?? []).map((vtep): Message => ({ vtep_update: vtep })),
    ...(world.routes ?? []).map((route): Message => ({ route_update: route })),
    nodeMessage('node-a', ADDRESSES.host),
    nodeMessage('node-b', ['172.30.0.2', 'fd30::2']),
    encapsulationMessage(world),
    { in_sync: {} },
  ];
}

/** The message that tells which encapsulations are in use. */
export function encapsulationMessage({ encapsulation }: World): Message {
  return {
    encapsulation: {
      vxlan_enabled: encapsulation?.vxlan ?? false,
      ipip_enabled: encapsulation?.ipip ?? false,
    },
  };
}

/** The message that tells a set whole. */
export function setMessage(id: string, { type, members }: SetDraft): Message {
  return { ipset_update: { id, type: SET_TYPES[type], members } };
}

/** The message that tells a policy. */
export function policyMessage(name: string, policy: PolicyDraft): Message {
  return {
    active_policy_update: {
      id: policyIdentity(name),
      policy: {
        inbound_rules: policy.inbound ?? [],
        outbound_rules: policy.outbound ?? [],
        untracked: policy.untracked ?? false,
        pre_dnat: policy.preDnat ?? false,
        tier: policy.tier ?? 'default',
      },
    },
  };
}

/** The message that tells a profile. */
export function profileMessage(name: string, rules: RulesDraft): Message {
  return {
    active_profile_update: {
      id: { name },
      profile: { inbound_rules: rules.inbound ?? [], outbound_rules: rules.outbound ?? [] },
    },
  };
}

/** The message that tells a pod. */
export function podMessage(name: string, pod: PodDraft): Message {
  const [v4, v6] = name in ADDRESSES ? ADDRESSES[name as PlaceName] : [];
  return {
    workload_endpoint_update: {
      id: { orchestrator_id: 'k8s', workload_id: `default/${name}`, endpoint_id: 'eth0' },
      endpoint: {
        state: 'active',
        name: `cali${name}`,
        ipv4_nets: v4 === undefined ? [] : [`${v4}/32`],
        ipv6_nets: v6 === undefined ? [] : [`${v6}/128`],
        profile_ids: pod.profiles ?? [],
        tiers: (pod.tiers ?? []).map(tierInfo),
        ...pod.fields,
      },
    },
  };
}

/** The message that tells a host endpoint. */
export function hostEndpointMessage(id: string, one: HostEndpointDraft): Message {
  const expected = one.expected ?? [];
  return {
    host_endpoint_update: {
      id: { endpoint_id: id },
      endpoint: {
        name: one.name ?? '',
        expected_ipv4_addrs: expected.filter((address) => !address.includes(':')),
        expected_ipv6_addrs: expected.filter((address) => address.includes(':')),
        profile_ids: one.profiles ?? [],
        tiers: (one.tiers ?? []).map(tierInfo),
        forward_tiers: (one.forward ?? []).map(tierInfo),
        pre_dnat_tiers: (one.preDnat ?? []).map(tierInfo),
        untracked_tiers: (one.untracked ?? []).map(tierInfo),
      },
    },
  };
}

/** Identity of a policy name; see the head of this file. */
export function policyIdentity(name: string): { kind: string; namespace: string; name: string } {
  const [namespace, bare] = name.includes('/') ? name.split('/') : ['', name];
  const staged = bare?.startsWith('staged:') === true;
  const kind = `${staged ? 'Staged' : ''}${namespace === '' ? 'Global' : ''}NetworkPolicy`;
  return { kind, namespace: namespace ?? '', name: bare?.replace(/^staged:/, '') ?? '' };
}

function tierInfo(tier: TierDraft): object {
  const bytes = (name: string): Uint8Array => policyIdBytes(policyIdentity(name));
  return {
    name: tier.name ?? 'default',
    ingress_policies: (tier.ingress ?? []).map(bytes),
    egress_policies: (tier.egress ?? []).map(bytes),
    default_action: tier.default ?? '',
  };
}

function nodeMessage(hostname: string, [ipv4, ipv6]: readonly [string, string]): Message {
  return { host_metadata_update: { hostname, ipv4_addr: `${ipv4}/24`, ipv6_addr: `${ipv6}/64` } };
}

/** The blocks that the pods' addresses come from. */
function blockRoutes(): object[] {
  return ['10.65.0.0/26', 'fd65::/122'].map((dst) => ({
    types: LOCAL_WORKLOAD,
    ip_pool_type: 2,
    dst,
    dst_node_name: 'node-a',
    dst_node_ip: ADDRESSES.host[0],
  }));
}
