/** A synthetic cluster as Felix would describe it: policies, endpoints and sets of a given size. */
import { encodeToDataplane } from '../src/driver/message.js';
import { encodeTierEntry } from '../src/driver/tier-entry.js';
import type { Draft, Rule, ToDataplane } from '../src/gen/felix/types.js';

/** Size of a cluster. */
export interface ClusterSize {
  readonly policies: number;
  readonly rulesPerPolicy: number;
  readonly endpoints: number;
  /** Members of the one big set that every policy refers to. */
  readonly members: number;
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
const POLICIES_PER_ENDPOINT = 20;
const NODE = 'node-a';

/** Frame bodies of a whole session, InSync last. */
export function snapshot(size: ClusterSize): Uint8Array[] {
  const messages: Draft<ToDataplane>[] = [
    { config_update: { config: { FelixHostname: NODE } } },
    { ipset_update: { id: BIG_SET, type: 2, members: members(size.members) } },
    ...range(SMALL_SETS).map((index) => smallSet(index)),
    ...range(size.policies).map((index) => policy(index, size.rulesPerPolicy)),
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

/** An edit of policy `index`: another port in its first rule. */
export function editedPolicy(index: number, port: number, sequence: number): Uint8Array {
  const message = policy(index, 10);
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

function members(count: number): string[] {
  return range(count).map(
    (index) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}/32`,
  );
}

function smallSet(index: number): Draft<ToDataplane> {
  const list = range(20).map((at) => `100.64.${index}.${at}/32`);
  return { ipset_update: { id: `s:small-${index}`, type: 2, members: list } };
}

function policy(index: number, rules: number): Draft<ToDataplane> {
  return {
    active_policy_update: {
      id: { kind: 'NetworkPolicy', namespace: 'bench', name: `p-${index}` },
      policy: {
        tier: 'default',
        namespace: 'bench',
        inbound_rules: range(rules).map((at) => rule(index, at)),
      },
    },
  };
}

function rule(index: number, at: number): Draft<Rule> {
  const set = at === 0 ? BIG_SET : `s:small-${(index + at) % SMALL_SETS}`;
  const port = 1_000 + ((index * 7 + at * 13) % 60_000);
  return {
    action: at % 5 === 4 ? 'deny' : 'allow',
    protocol: { name: 'tcp' },
    src_ip_set_ids: [set],
    dst_ports: [{ first: port, last: port + (at % 3) }],
    rule_id: `r-${index}-${at}`,
  };
}

function allowAll(): Draft<
  NonNullable<
    Extract<ToDataplane, { payload: 'active_profile_update' }>['active_profile_update']['profile']
  >
> {
  return { inbound_rules: [{ action: 'allow' }], outbound_rules: [{ action: 'allow' }] };
}

function endpoint(index: number, { policies }: ClusterSize): Draft<ToDataplane> {
  const entries = range(POLICIES_PER_ENDPOINT).map((at) =>
    encodeTierEntry({
      kind: 'NetworkPolicy',
      namespace: 'bench',
      name: `p-${(index * POLICIES_PER_ENDPOINT + at) % policies}`,
    }),
  );
  return {
    workload_endpoint_update: {
      id: { orchestrator_id: 'k8s', workload_id: `bench/pod-${index}`, endpoint_id: 'eth0' },
      endpoint: {
        state: 'active',
        name: `cali${String(index).padStart(11, '0')}`,
        ipv4_nets: [`10.240.${index >> 8}.${index & 255}/32`],
        profile_ids: ['kns.bench'],
        tiers: [{ name: 'default', default_action: 'Deny', ingress_policies: entries }],
      },
    },
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
