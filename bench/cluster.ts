/** A synthetic cluster as Felix would describe it: policies, endpoints and sets of a given size. */
import { encodeToDataplane } from '../src/driver/message.js';
import { encodeTierEntry } from '../src/driver/tier-entry.js';
import type { Draft, Rule, TierInfo, ToDataplane } from '../src/gen/felix/types.js';

/** Size of a cluster. */
export interface ClusterSize {
  readonly policies: number;
  readonly rulesPerPolicy: number;
  readonly endpoints: number;
  /** Members of the one big set that every policy refers to. */
  readonly members: number;
  /** Policies that select an endpoint; default 20. */
  readonly policiesPerEndpoint?: number;
  /** Tiers, the last one `default`; default 1. All but the last pass by default, and each of their policies has a pass. */
  readonly tiers?: number;
  /** Every so many policies one refers to the big set; default 1. */
  readonly bigSetEvery?: number;
}

/** The small and the large snapshot that the project measures itself by. */
export const SMALL: ClusterSize = {
  policies: 1_000,
  rulesPerPolicy: 10,
  endpoints: 250,
  members: 100_000,
};
/** See `SMALL`. */
export const LARGE: ClusterSize = {
  policies: 12_000,
  rulesPerPolicy: 10,
  endpoints: 250,
  members: 1_000_000,
};

/** Id of the big set. */
export const BIG_SET = 's:big';
const SMALL_SETS = 100;
const DEFAULTS = { policiesPerEndpoint: 20, tiers: 1, bigSetEvery: 1 } as const;
const NODE = 'node-a';

/** Frame bodies of a whole session, InSync last. */
export function snapshot(cluster: ClusterSize): Uint8Array[] {
  const size = { ...DEFAULTS, ...cluster };
  const messages: Draft<ToDataplane>[] = [
    { config_update: { config: { FelixHostname: NODE } } },
    { ipset_update: { id: BIG_SET, type: 2, members: members(size.members) } },
    ...range(SMALL_SETS).map((index) => smallSet(index)),
    ...range(size.policies).map((index) => policy(index, size)),
    { active_profile_update: { id: { name: 'kns.bench' }, profile: allowAll() } },
    ...range(size.endpoints).map((index) => endpoint(index, size)),
    {
      host_metadata_update: { hostname: NODE, ipv4_addr: '172.30.0.1/24', ipv6_addr: 'fd30::1/64' },
    },
    { in_sync: {} },
  ];
  return messages.map((message, index) =>
    encodeToDataplane({ ...message, sequence_number: index }),
  );
}

/** A delta of the big set: one member in, or out. */
export function oneMember(index: number, sequence: number, removed: boolean): Uint8Array {
  const change = [`192.0.2.${index % 256}/32`];
  return encodeToDataplane({
    sequence_number: sequence,
    ipset_delta_update: {
      id: BIG_SET,
      ...(removed ? { removed_members: change } : { added_members: change }),
    },
  });
}

/** An edit of policy `index` of a cluster: another port in its first rule. */
export function editedPolicy(
  index: number,
  port: number,
  sequence: number,
  cluster: ClusterSize = SMALL,
): Uint8Array {
  const message = policy(index, { ...DEFAULTS, ...cluster });
  const rules = message.active_policy_update?.policy?.inbound_rules ?? [];
  const edited = rules.map((rule, at) =>
    at === 0 ? { ...rule, dst_ports: [{ first: port, last: port }] } : rule,
  );
  return encodeToDataplane({
    sequence_number: sequence,
    active_policy_update: {
      ...message.active_policy_update,
      policy: { ...message.active_policy_update?.policy, inbound_rules: edited },
    },
  });
}

/** No two of them touch, so that no target can join them to one range. */
function members(count: number): string[] {
  return range(count).map((index) => {
    const value = index * 2;
    return `10.${(value >> 16) & 255}.${(value >> 8) & 255}.${value & 255}/32`;
  });
}

function smallSet(index: number): Draft<ToDataplane> {
  const list = range(20).map((at) => `100.64.${index}.${at}/32`);
  return { ipset_update: { id: `s:small-${index}`, type: 2, members: list } };
}

type FullSize = Required<ClusterSize>;

function policy(index: number, size: FullSize): Draft<ToDataplane> {
  return {
    active_policy_update: {
      id: { kind: 'NetworkPolicy', namespace: 'bench', name: `p-${index}` },
      policy: {
        tier: tierName(index % size.tiers, size),
        namespace: 'bench',
        inbound_rules: range(size.rulesPerPolicy).map((at) => rule(index, at, size)),
      },
    },
  };
}

function rule(index: number, at: number, size: FullSize): Draft<Rule> {
  const isBig = at === 0 && index % size.bigSetEvery === 0;
  const set = isBig ? BIG_SET : `s:small-${(index + at) % SMALL_SETS}`;
  const port = 1_000 + ((index * 7 + at * 13) % 60_000);
  const passes = at === size.rulesPerPolicy - 1 && index % size.tiers < size.tiers - 1;
  return {
    action: passes ? 'pass' : at % 5 === 4 ? 'deny' : 'allow',
    protocol: { name: 'tcp' },
    src_ip_set_ids: [set],
    dst_ports: [{ first: port, last: port + (at % 3) }],
    rule_id: `r-${index}-${at}`,
  };
}

function tierName(at: number, { tiers }: FullSize): string {
  return at === tiers - 1 ? 'default' : `tier-${at}`;
}

function allowAll(): Draft<
  NonNullable<
    Extract<ToDataplane, { payload: 'active_profile_update' }>['active_profile_update']['profile']
  >
> {
  return { inbound_rules: [{ action: 'allow' }], outbound_rules: [{ action: 'allow' }] };
}

function endpoint(index: number, size: FullSize): Draft<ToDataplane> {
  const { policies, policiesPerEndpoint } = size;
  const selecting = range(policiesPerEndpoint).map(
    (at) => (index * policiesPerEndpoint + at) % policies,
  );
  return {
    workload_endpoint_update: {
      id: { orchestrator_id: 'k8s', workload_id: `bench/pod-${index}`, endpoint_id: 'eth0' },
      endpoint: {
        state: 'active',
        name: `cali${String(index).padStart(11, '0')}`,
        ipv4_nets: [`10.240.${index >> 8}.${index & 255}/32`],
        profile_ids: ['kns.bench'],
        tiers: range(size.tiers).map((at) => tier(at, selecting, size)),
      },
    },
  };
}

function tier(at: number, selecting: readonly number[], size: FullSize): Draft<TierInfo> {
  return {
    name: tierName(at, size),
    default_action: at === size.tiers - 1 ? 'Deny' : 'Pass',
    ingress_policies: selecting
      .filter((index) => index % size.tiers === at)
      .map((index) =>
        encodeTierEntry({ kind: 'NetworkPolicy', namespace: 'bench', name: `p-${index}` }),
      ),
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
