/** Random Deltas over a small world, so that names collide: sets, policies, endpoints, addresses and interfaces. */
import fc from 'fast-check';
import type { Delta } from '../../../src/model/delta.js';
import type { HostEndpoint, WorkloadEndpoint } from '../../../src/model/endpoint.js';
import {
  hostEndpointKey,
  ipSetId,
  policyKey,
  profileName,
  type PolicyId,
  workloadKey,
} from '../../../src/model/ids.js';
import type { IpamPool, PoolEncap, Route, RouteKind, Vtep } from '../../../src/model/network.js';
import type {
  IpSetType,
  Policy,
  PolicyRef,
  Rule,
  RuleSide,
  Tier,
} from '../../../src/model/policy.js';
import { anySide, hostMetadata, policyId, rule as plainRule, workload } from './model.js';

const SET_IDS = ['s1', 's2', 's3'].map(ipSetId);
const POLICIES = ['p1', 'p2', 'p3', 'staged:p4'];
const PROFILES = ['kns.a', 'kns.b'].map(profileName);
const NETS = ['10.0.0.0/8', '10.1.0.0/16', '10.1.0.1/32', '10.1.0.1', 'fd00::/8', 'FD00::1', 'x'];
const PORT_MEMBERS = ['10.1.0.1,tcp:80', '10.1.0.1,TCP:80', 'fd00::1,udp:53', '10.1.0.1,foo:1'];
const ADDRESSES = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '172.30.0.1'];
const ADDRESSES_V6 = ['fd00::1', 'fd00::2'];
const INTERFACES = ['cali1', 'cali2', 'cali3', 'host0', ''];

const ids = fc.uniqueArray(fc.constantFrom(...SET_IDS), { maxLength: 2 });
const nets = fc.uniqueArray(fc.constantFrom(...NETS), { maxLength: 2 });
const ports = fc.array(
  fc.tuple(fc.nat(9), fc.nat(9)).map(([first, width]) => ({ first, last: first + width })),
  { maxLength: 2 },
);

const side: fc.Arbitrary<RuleSide> = fc
  .record(
    {
      nets,
      notNets: nets,
      ipSets: ids,
      notIpSets: ids,
      ports,
      namedPorts: ids,
      notPorts: ports,
      notNamedPorts: ids,
    },
    { requiredKeys: [] },
  )
  .map((fields) => ({ ...anySide, ...fields }));

const rule: fc.Arbitrary<Rule> = fc
  .record(
    {
      action: fc.constantFrom('allow', 'deny', 'pass', 'log', 'unknown'),
      family: fc.constantFrom<4 | 6>(4, 6),
      source: side,
      destination: side,
      destinationIpPortSets: ids,
    },
    { requiredKeys: ['action'] },
  )
  .map((fields) => ({ ...plainRule('allow'), ...fields }));

const rules = fc.array(rule, { maxLength: 3 });

const policy: fc.Arbitrary<Policy> = fc
  .record({
    name: fc.constantFrom(...POLICIES),
    tier: fc.constantFrom('t1', 't2'),
    inbound: rules,
    outbound: rules,
  })
  .map(({ name, tier, inbound, outbound }) => {
    const id = idOf(name);
    return {
      ...{ id, key: policyKey(id), tier, staged: isStagedName(name), inbound, outbound },
      ...{ untracked: false, preDnat: false, selector: '' },
    };
  });

function idOf(name: string): PolicyId {
  return policyId(name);
}

function isStagedName(name: string): boolean {
  return name.startsWith('staged:');
}

const refs = fc.uniqueArray(fc.constantFrom(...POLICIES), { maxLength: 3 }).map((names) =>
  names.map((name): PolicyRef => {
    const id = idOf(name);
    return { id, key: policyKey(id), staged: isStagedName(name) };
  }),
);

const tiers: fc.Arbitrary<readonly Tier[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('t1', 't2'),
    ingress: refs,
    egress: refs,
    defaultAction: fc.constantFrom<'deny' | 'pass'>('deny', 'pass'),
  }),
  { maxLength: 2, selector: ({ name }) => name },
);

const workloadEndpoint: fc.Arbitrary<WorkloadEndpoint> = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    interfaceName: fc.constantFrom(...INTERFACES),
    v4: fc.uniqueArray(fc.constantFrom(...ADDRESSES), { maxLength: 2 }),
    v6: fc.uniqueArray(fc.constantFrom(...ADDRESSES_V6), { maxLength: 1 }),
    state: fc.constantFrom('active', 'active', 'active', 'gone'),
    profiles: fc.uniqueArray(fc.constantFrom(...PROFILES), { maxLength: 2 }),
    spoofPrefixes: fc.uniqueArray(fc.constantFrom(...NETS), { maxLength: 1 }),
    tiers,
  })
  .map(({ name, v4, v6, ...fields }) => ({
    ...workload(`default/${name}`),
    ...fields,
    ipv4Nets: v4.map((address) => `${address}/32`),
    ipv6Nets: v6.map((address) => `${address}/128`),
  }));

const hostEndpoint: fc.Arbitrary<HostEndpoint> = fc
  .record({
    id: fc.constantFrom('h1', 'h2', 'h3'),
    interfaceName: fc.constantFrom('eth0', '*', '', 'eth1'),
    expectedIps: fc.uniqueArray(fc.constantFrom('172.30.0.1', '172.30.0.9'), { maxLength: 1 }),
    profiles: fc.uniqueArray(fc.constantFrom(...PROFILES), { maxLength: 1 }),
    tiers,
    untrackedTiers: tiers,
    preDnatTiers: tiers,
    forwardTiers: tiers,
  })
  .map((fields) => ({ ...fields, key: hostEndpointKey(fields.id) }));

const DESTINATIONS = [
  '10.1.0.0/16',
  '10.1.0.0/26',
  '10.1.0.2/32',
  '172.30.0.5/32',
  'fd00::/122',
] as const;

const route: fc.Arbitrary<Route> = fc
  .record({
    destination: fc.constantFrom(...DESTINATIONS),
    nodeName: fc.constantFrom('node-a', 'node-b', 'node-c'),
    nodeIp: fc.constantFrom('172.30.0.2', '172.30.0.3', 'fd30::3', ''),
    pool: fc.constantFrom<PoolEncap>('vxlan', 'vxlan', 'none', 'no-encap', 'ipip'),
    sameSubnet: fc.boolean(),
    kinds: fc.uniqueArray(
      fc.constantFrom<RouteKind>(
        'local-workload',
        'local-host',
        'remote-workload',
        'remote-workload',
        'remote-tunnel',
        'remote-host',
      ),
      { maxLength: 2 },
    ),
  })
  .map((fields) => ({
    ...{
      natOutgoing: false,
      localWorkload: false,
      borrowed: false,
      tunnels: [],
    },
    ...fields,
  }));

const vtep: fc.Arbitrary<Vtep> = fc.record({
  node: fc.constantFrom('node-a', 'node-b', 'node-c'),
  mac: fc.constantFrom('66:00:00:00:00:01', ''),
  ipv4: fc.constant('10.65.4.0'),
  parentIp: fc.constantFrom('172.30.0.1', '172.30.0.2'),
  macV6: fc.constant('66:00:00:00:01:01'),
  ipv6: fc.constant(''),
  parentIpv6: fc.constantFrom('fd30::1', ''),
});

const pool: fc.Arbitrary<IpamPool> = fc
  .record({
    cidr: fc.constantFrom('10.1.0.0/16', '10.1.0.0/26', 'fd00::/122', 'FD00::/122', 'x'),
    ipipMode: fc.constantFrom('', 'always', 'cross-subnet', 'never'),
    id: fc.constantFrom('p1', 'p2'),
  })
  .map((fields) => ({ masquerade: false, vxlanMode: '', allowedUses: [], ...fields }));

const family = fc.constantFrom<4 | 6>(4, 6);
const encapsulation: fc.Arbitrary<Delta> = fc.boolean().map((vxlan) => ({
  type: 'encapsulation',
  encapsulation: { ipip: false, vxlan, vxlanV6: false, noEncap: false },
}));

/** One random change of the overlay. */
export const overlayDelta: fc.Arbitrary<Delta> = fc.oneof(
  { weight: 4, arbitrary: route.map((one): Delta => ({ type: 'route', route: one })) },
  { weight: 3, arbitrary: vtep.map((one): Delta => ({ type: 'vtep', vtep: one })) },
  { weight: 2, arbitrary: pool.map((one): Delta => ({ type: 'pool', pool: one })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(family, fc.constantFrom('node-b', 'node-c'), fc.constantFrom('key', ''))
      .map(([of, hostname, publicKey]): Delta => ({
        ...{ type: 'wireguard', family: of },
        peer: { hostname, publicKey, interfaceIp: '' },
      })),
  },
  encapsulation,
  fc
    .tuple(
      fc.constantFrom('node-a', 'node-b'),
      fc.constantFrom('10.1.0.2', '10.1.0.9', '172.30.0.5'),
    )
    .map(([hostname, ipv4]): Delta => ({
      ...{ type: 'host-metadata', scope: 'all' },
      metadata: hostMetadata(hostname, ipv4),
    })),
  fc.constantFrom('p1', 'p2').map((id): Delta => ({ type: 'pool-remove', id })),
  fc.constantFrom('node-a', 'node-b').map((node): Delta => ({ type: 'vtep-remove', node })),
  fc
    .constantFrom(...DESTINATIONS)
    .map((destination): Delta => ({ type: 'route-remove', destination })),
  fc
    .tuple(family, fc.constantFrom('node-b', 'node-c'))
    .map(([of, hostname]): Delta => ({ type: 'wireguard-remove', family: of, hostname })),
);

const members = (type: IpSetType) =>
  fc.uniqueArray(fc.constantFrom(...(type === 'net' ? NETS : PORT_MEMBERS)), { maxLength: 4 });

const setDelta: fc.Arbitrary<Delta> = fc
  .constantFrom<IpSetType>('net', 'net', 'ip-port')
  .chain((setType) =>
    fc.record({
      type: fc.constant('ip-set' as const),
      id: fc.constantFrom(...SET_IDS),
      setType: fc.constant(setType),
      members: members(setType),
    }),
  );

const memberDelta: fc.Arbitrary<Delta> = fc.record({
  type: fc.constant('ip-set-delta' as const),
  id: fc.constantFrom(...SET_IDS),
  added: members('net'),
  removed: members('net'),
});

/** One random change of the configuration. */
export const config: fc.Arbitrary<Delta> = fc
  .record({
    FailsafeInboundHostPorts: fc.constantFrom('none', 'tcp:22', 'udp:10.0.0.0/8:68,tcp:22'),
    WorkloadSourceSpoofing: fc.constantFrom('Any', 'Disabled'),
    VXLANVNI: fc.constantFrom('4096', '7', 'none'),
    VXLANPort: fc.constantFrom('4789', '4789', '4789', '8472'),
    WireguardEnabled: fc.constantFrom('false', 'true'),
    Ipv6Support: fc.constantFrom('true', 'false'),
    DefaultEndpointToHostAction: fc.constantFrom('ACCEPT', 'DROP'),
  })
  .map((values) => ({ type: 'config', values: new Map(Object.entries(values)) }));

const removal: fc.Arbitrary<Delta> = fc.oneof(
  fc.constantFrom(...SET_IDS).map((id): Delta => ({ type: 'ip-set-remove', id })),
  fc
    .constantFrom(...POLICIES)
    .map((name): Delta => ({ type: 'policy-remove', key: policyKey(idOf(name)) })),
  fc.constantFrom(...PROFILES).map((name): Delta => ({ type: 'profile-remove', name })),
  fc.constantFrom('a', 'b', 'c', 'd').map((name): Delta => {
    const { id } = workload(`default/${name}`);
    return { type: 'workload-remove', key: workloadKey(id) };
  }),
  fc
    .constantFrom('h1', 'h2', 'h3')
    .map((id): Delta => ({ type: 'host-endpoint-remove', key: hostEndpointKey(id) })),
  fc.constant<Delta>({ type: 'host-metadata-remove', scope: 'all', hostname: 'node-a' }),
);

/** One random change. */
export const delta: fc.Arbitrary<Delta> = fc.oneof(
  { weight: 3, arbitrary: setDelta },
  { weight: 3, arbitrary: memberDelta },
  { weight: 5, arbitrary: policy.map((one): Delta => ({ type: 'policy', policy: one })) },
  {
    weight: 2,
    arbitrary: fc
      .record({ name: fc.constantFrom(...PROFILES), inbound: rules, outbound: rules })
      .map((profile): Delta => ({ type: 'profile', profile })),
  },
  {
    weight: 6,
    arbitrary: workloadEndpoint.map((endpoint): Delta => ({ type: 'workload', endpoint })),
  },
  {
    weight: 3,
    arbitrary: hostEndpoint.map((endpoint): Delta => ({ type: 'host-endpoint', endpoint })),
  },
  { weight: 6, arbitrary: overlayDelta },
  {
    weight: 1,
    arbitrary: fc.constantFrom('172.30.0.1', '172.30.0.9', '10.1.0.3').map((ipv4): Delta => ({
      type: 'host-metadata',
      scope: 'ipv4',
      metadata: hostMetadata('node-a', ipv4),
    })),
  },
  { weight: 1, arbitrary: config },
  { weight: 6, arbitrary: removal },
);
