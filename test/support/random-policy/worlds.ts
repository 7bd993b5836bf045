/** Random worlds: sets, policies in tiers, profiles, pods, host endpoints and the settings that decide about packets. */
import fc from 'fast-check';
import type {
  HostEndpointDraft,
  PodDraft,
  PolicyDraft,
  SetDraft,
  TierDraft,
  World,
} from '../felix/world.js';
import { NET_SETS, PORT_SETS, SERVICE_SETS, rules } from './rules.js';
import { INTERESTING, PORTS, anyPrefix, defined, maybe } from './values.js';

const TIERS = ['t0', 't1', 't2'] as const;
const PER_TIER = 3;

/** Staged policies stand beside enforced ones in every tier. */
function policyNames(tier: string): string[] {
  const enforced = Array.from({ length: PER_TIER }, (_, index) => `${tier}p${index}`);
  return [...enforced, `default/${tier}n`, `staged:${tier}s`];
}

const netSet: fc.Arbitrary<SetDraft> = fc
  .uniqueArray(anyPrefix({ whole: false }), { maxLength: 5 })
  .map((members) => ({ type: 'net', members }));

const portMember = fc
  .tuple(
    fc.constantFrom(...INTERESTING[4], ...INTERESTING[6]),
    fc.constantFrom('tcp', 'udp', 'sctp'),
    fc.constantFrom(...PORTS),
  )
  .map(([address, protocol, port]) => `${address},${protocol}:${port}`);

const portSet: fc.Arbitrary<SetDraft> = fc
  .uniqueArray(portMember, { maxLength: 6 })
  .map((members) => ({ type: 'port', members }));

const sets = fc.record({
  ...Object.fromEntries(NET_SETS.map((id) => [id, netSet])),
  ...Object.fromEntries([...PORT_SETS, ...SERVICE_SETS].map((id) => [id, portSet])),
});

const ruleLists = fc.record({ inbound: rules, outbound: rules });

function policiesOf(names: readonly string[], fields: PolicyDraft) {
  return fc.record(
    Object.fromEntries(
      names.map((name) => [name, ruleLists.map((one) => ({ ...one, ...fields }))]),
    ),
  );
}

const policies = fc
  .tuple(
    ...TIERS.map((tier) => policiesOf(policyNames(tier), { tier })),
    policiesOf(['u0', 'u1'], { tier: 't0', untracked: true }),
    fc.record({
      d0: rules.map((inbound) => ({ inbound, preDnat: true, tier: 't0' })),
      d1: rules.map((inbound) => ({ inbound, preDnat: true, tier: 't0' })),
    }),
  )
  .map((parts) => Object.fromEntries(parts.flatMap((part) => Object.entries<PolicyDraft>(part))));

function tier(name: string): fc.Arbitrary<TierDraft> {
  const list = fc.subarray(policyNames(name), { maxLength: 3 });
  return fc.record({
    name: fc.constant(name),
    ingress: list,
    egress: list,
    default: fc.constantFrom('Deny', 'Deny', 'Pass', ''),
  });
}

/** Tiers come in their order; an endpoint has some of them. */
const tiers: fc.Arbitrary<readonly TierDraft[]> = fc
  .tuple(...TIERS.map((name) => maybe(tier(name), 55)))
  .map((some) => some.filter((one) => one !== undefined));

const profiles = fc.record({
  open: fc.constant({ inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }] }),
  mixed: ruleLists,
  empty: fc.constant({}),
});

const pod: fc.Arbitrary<PodDraft> = fc
  .record({
    tiers,
    profiles: fc.constantFrom(['open'], ['mixed', 'open'], ['empty'], ['empty', 'mixed'], []),
    fields: fc.oneof(
      { weight: 16, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.constant({ state: 'inactive' }) },
      {
        weight: 2,
        arbitrary: fc.constant({
          allow_spoofed_source_prefixes: ['198.18.0.0/24', '2001:db8::/64'],
        }),
      },
    ),
  })
  .map((one) => one);

function earlyTiers(names: readonly string[], directions: 'both' | 'ingress') {
  const list = fc.subarray([...names]);
  return fc
    .record({ ingress: list, egress: directions === 'both' ? list : fc.constant<string[]>([]) })
    .map(({ ingress, egress }) => [{ name: 't0', ingress, egress, default: 'Pass' }]);
}

function hostEndpoint(names: readonly string[]): fc.Arbitrary<HostEndpointDraft> {
  return fc
    .record({
      name: fc.constantFrom(...names),
      expected: maybe(fc.constantFrom(['172.30.0.1'], ['fd30::1'], ['192.0.2.1']), 40),
      tiers,
      forward: maybe(tiers, 60),
      preDnat: maybe(earlyTiers(['d0', 'd1'], 'ingress'), 40),
      untracked: maybe(earlyTiers(['u0', 'u1'], 'both'), 30),
      profiles: fc.constantFrom([], ['open'], ['mixed']),
    })
    .map(defined);
}

const hostEndpoints: fc.Arbitrary<Record<string, HostEndpointDraft>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fc.record({ e: hostEndpoint(['eth0', '', 'eth9']) }) },
  { weight: 2, arbitrary: fc.record({ s: hostEndpoint(['*']) }) },
  {
    weight: 2,
    arbitrary: fc.record({ e: hostEndpoint(['eth0', '']), s: hostEndpoint(['*']) }),
  },
);

const config = fc
  .record({
    WorkloadSourceSpoofing: fc.constant('Any'),
    DefaultEndpointToHostAction: maybe(fc.constantFrom('DROP', 'ACCEPT', 'RETURN'), 60),
    FailsafeInboundHostPorts: maybe(
      fc.constantFrom('none', 'tcp:22,udp:53', 'tcp:198.18.0.0/24:80,tcp:[2001:db8::/64]:80,8080'),
      40,
    ),
    FailsafeOutboundHostPorts: maybe(
      fc.constantFrom('none', 'udp:53', 'tcp:198.18.0.8/30:443'),
      40,
    ),
    DisableConntrackInvalidCheck: maybe(fc.constant('true'), 10),
    AllowVXLANPacketsFromWorkloads: maybe(fc.constant('true'), 15),
    AllowIPIPPacketsFromWorkloads: maybe(fc.constant('true'), 15),
    VXLANPort: maybe(fc.constant('8081'), 10),
  })
  .map(defined);

const REMOTE_BLOCK = { types: 1, dst_node_name: 'node-b' };
const REMOTE_V4 = { ...REMOTE_BLOCK, dst: '10.66.0.0/26', dst_node_ip: '172.30.0.2' };
const REMOTE_V6 = { ...REMOTE_BLOCK, dst: 'fd66::/122', dst_node_ip: 'fd30::2' };
/** Types of pools. */
const [PLAIN, VXLAN] = [1, 2];

const VTEPS = [
  {
    node: 'node-a',
    mac: '66:00:00:00:00:01',
    ipv4_addr: '10.65.0.0',
    parent_device_ip: '172.30.0.1',
    mac_v6: '66:00:00:00:06:01',
    ipv6_addr: 'fd65::10',
    parent_device_ipv6: 'fd30::1',
  },
  {
    node: 'node-b',
    mac: '66:00:00:00:00:02',
    ipv4_addr: '10.66.0.0',
    parent_device_ip: '172.30.0.2',
    mac_v6: '66:00:00:00:06:02',
    ipv6_addr: 'fd66::10',
    parent_device_ipv6: 'fd30::2',
  },
];

/** Ways to the pods of another node: behind VXLAN, in our own subnet, or without encapsulation; each family its own. */
const overlay: fc.Arbitrary<World> = fc
  .tuple(
    ...[REMOTE_V4, REMOTE_V6].map((block) =>
      fc.constantFrom(
        { ...block, ip_pool_type: VXLAN },
        { ...block, ip_pool_type: VXLAN },
        { ...block, ip_pool_type: VXLAN, same_subnet: true },
        { ...block, ip_pool_type: PLAIN },
      ),
    ),
  )
  .map((routes) => ({ routes, vteps: VTEPS, encapsulation: { vxlan: true } }));

/** OPI has no field for another VXLAN port than the usual one. */
function withOverlay(plain: World, ways: World): World {
  const { VXLANPort: _, ...config } = plain.config ?? {};
  return { ...plain, ...ways, config };
}

/** A world with two or three pods. */
export const world: fc.Arbitrary<World> = fc
  .record({
    config,
    sets,
    policies,
    profiles,
    pods: fc
      .record({ a: pod, b: pod, c: maybe(pod, 30) })
      .map((pods): Record<string, PodDraft> => defined(pods)),
    hostEndpoints,
    ways: fc.option(overlay, { nil: undefined, freq: 2 }),
  })
  .map(({ ways, ...one }) => withoutUnused(ways === undefined ? one : withOverlay(one, ways)));

/** Felix tells only what a local endpoint uses: policies, and the sets of their rules. */
export function withoutUnused(whole: World): World {
  const endpoints = [
    ...Object.values(whole.pods ?? {}),
    ...Object.values(whole.hostEndpoints ?? {}),
  ];
  const named = new Set(
    endpoints
      .flatMap((one: PodDraft & HostEndpointDraft) => [
        ...(one.tiers ?? []),
        ...(one.forward ?? []),
        ...(one.preDnat ?? []),
        ...(one.untracked ?? []),
      ])
      .flatMap(({ ingress = [], egress = [] }) => [...ingress, ...egress]),
  );
  const kept = Object.entries(whole.policies ?? {}).filter(([name]) => named.has(name));
  const text = JSON.stringify([kept, whole.profiles]);
  const used = Object.entries(whole.sets ?? {}).filter(([id]) => text.includes(`"${id}"`));
  return { ...whole, policies: Object.fromEntries(kept), sets: Object.fromEntries(used) };
}
