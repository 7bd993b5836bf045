/** Random worlds and packets: few addresses and ports, so that rules meet each other and packets meet their edges. */
import fc from 'fast-check';
import { addressBits, cidrRange, type Cidr, type Family } from '../../../src/base/ip.js';
import { ipSetId, profileName, type IpSetId } from '../../../src/model/ids.js';
import type { IcmpMatch, PortRange } from '../../../src/model/policy.js';
import type { FailsafeSpec, StageKind } from '../../../src/opi/objects/specs.js';
import type {
  NormalRule,
  NormalSide,
  PortProgram,
  RuleList,
  StageProgram,
  TierProgram,
} from '../../../src/translators/policy/program.js';
import { hasPorts, isIcmp, type Packet } from './packet.js';
import { cidr, ip, type Pod, type World } from './world.js';

const NETS: Readonly<Record<Family, readonly Cidr[]>> = {
  4: [
    '10.0.0.0/8',
    '10.1.0.0/30',
    '10.1.0.1/32',
    '10.1.0.2/31',
    '10.2.0.0/24',
    '10.2.0.128/25',
    '10.3.0.0/17',
    '10.0.0.1/32',
    '0.0.0.0/1',
    '0.0.0.0/0',
    '255.255.255.255/32',
  ].map(cidr),
  6: [
    'fd00::/8',
    'fd01::/126',
    'fd01::1/128',
    'fd02::/64',
    'fd03::/48',
    'fd00::1/128',
    '::/1',
    '::/0',
  ].map(cidr),
};

const EXTRA: Readonly<Record<Family, readonly string[]>> = {
  4: ['10.0.0.1', '10.1.0.1', '10.1.0.2', '10.3.0.9', '192.0.2.7', '169.254.1.1', '224.0.0.1'],
  6: ['fd00::1', 'fd01::1', 'fd01::2', 'fd03::9', '2001:db8::7', 'fe80::1', 'ff02::1'],
};

const POD_ADDRESSES = [
  ['10.1.0.1', 'fd01::1'],
  ['10.1.0.2', 'fd01::2'],
];

const NET_SETS = ['s:a', 's:b', 's:none'].map(ipSetId);
const PORT_SETS = ['n:a', 'n:b', 'n:none'].map(ipSetId);
const PORT_EDGES = [0, 1, 22, 53, 79, 80, 81, 443, 4789, 8080, 65534, 65535];
const PROTOCOLS = [1, 4, 6, 17, 47, 58, 132, 136];
const ICMP_TYPES = [0, 3, 8, 128, 133, 135, 255];

/** Edges of the prefixes and the addresses beside them. */
function addressCandidates(family: Family): bigint[] {
  const size = 1n << BigInt(addressBits(family));
  const edges = NETS[family].flatMap((net) => {
    const { low, high } = cidrRange(net);
    return [low - 1n, low, high, high + 1n];
  });
  const own = EXTRA[family].map((text) => ip(text).value);
  return [...own, ...own, ...own, ...edges.filter((value) => value >= 0n && value < size)];
}

const CANDIDATES: Readonly<Record<Family, readonly bigint[]>> = {
  4: addressCandidates(4),
  6: addressCandidates(6),
};

/** A packet of a family. */
export function packetArb(family: Family): fc.Arbitrary<Packet> {
  const address = fc.constantFrom(...CANDIDATES[family]);
  const port = fc.constantFrom(...PORT_EDGES);
  return fc
    .record({
      protocol: fc.constantFrom(...PROTOCOLS, 6, 6, 17, family === 4 ? 1 : 58, 200),
      source: address,
      destination: address,
      ports: fc.tuple(port, port),
      icmp: fc.tuple(fc.constantFrom(...ICMP_TYPES), fc.constantFrom(0, 1, 255)),
    })
    .map(({ protocol, source, destination, ports, icmp }) => ({
      family,
      protocol,
      source,
      destination,
      ...(hasPorts(protocol) ? { sourcePort: ports[0], destinationPort: ports[1] } : {}),
      ...(isIcmp(protocol, family) ? { icmpType: icmp[0], icmpCode: icmp[1] } : {}),
    }));
}

const rangeArb: fc.Arbitrary<PortRange> = fc
  .tuple(fc.constantFrom(...PORT_EDGES), fc.constantFrom(...PORT_EDGES))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

/** Mostly empty lists. */
function few<T>(item: fc.Arbitrary<T>, often: number): fc.Arbitrary<readonly T[]> {
  return fc.oneof(
    { weight: 10 - often, arbitrary: fc.constant<readonly T[]>([]) },
    { weight: often, arbitrary: fc.uniqueArray(item, { minLength: 1, maxLength: 3 }) },
  );
}

function netsArb(often: number): fc.Arbitrary<readonly Cidr[]> {
  return few(fc.constantFrom(...NETS[4], ...NETS[6]), often);
}

const sideArb: fc.Arbitrary<NormalSide> = fc.record({
  nets: netsArb(3),
  notNets: netsArb(2),
  ipSets: few(fc.constantFrom(...NET_SETS), 2),
  notIpSets: few(fc.constantFrom(...NET_SETS), 1),
  ports: few(rangeArb, 2),
  namedPorts: few(fc.constantFrom(...PORT_SETS), 1),
  notPorts: few(rangeArb, 1),
  notNamedPorts: few(fc.constantFrom(...PORT_SETS), 1),
});

const icmpArb: fc.Arbitrary<IcmpMatch> = fc.oneof(
  fc.constantFrom(...ICMP_TYPES).map((type) => ({ type })),
  fc
    .tuple(fc.constantFrom(...ICMP_TYPES), fc.constantFrom(0, 1))
    .map(([type, code]) => ({ type, code })),
);

type Draft = Omit<NormalRule, 'origin' | 'families'>;

const draftArb: fc.Arbitrary<Draft> = fc
  .record({
    action: fc.constantFrom(
      'allow',
      'allow',
      'allow',
      'deny',
      'deny',
      'pass',
      'pass',
      'log' as const,
    ),
    protocol: fc.option(fc.constantFrom(...PROTOCOLS), { nil: undefined, freq: 3 }),
    notProtocol: fc.option(fc.constantFrom(...PROTOCOLS), { nil: undefined, freq: 1 }),
    source: sideArb,
    destination: sideArb,
    destinationIpPortSets: few(fc.constantFrom(...PORT_SETS), 1),
    icmp: fc.option(icmpArb, { nil: undefined, freq: 1 }),
    notIcmp: fc.option(icmpArb, { nil: undefined, freq: 1 }),
    simple: fc.boolean(),
  })
  .map(({ action, protocol, notProtocol, icmp, notIcmp, simple, ...rest }) => ({
    ...rest,
    action: action,
    ...(protocol === undefined ? {} : { protocol }),
    ...(notProtocol === undefined || simple ? {} : { notProtocol }),
    ...(icmp === undefined || simple ? {} : { icmp }),
    ...(notIcmp === undefined || simple ? {} : { notIcmp }),
  }));

/** Families a rule exists for: a list that holds no prefix of a family leaves the rule out there. */
function familiesOf({ source, destination }: Draft): Family[] {
  const lists = [source.nets, source.notNets, destination.nets, destination.notNets];
  return ([4, 6] as const).filter((family) =>
    lists.every((list) => list.length === 0 || list.some((net) => net.family === family)),
  );
}

function ruleListArb(name: string, direction: 'ingress' | 'egress'): fc.Arbitrary<RuleList> {
  const kind = name.startsWith('kns') ? 'profile' : 'policy';
  return fc.array(draftArb, { maxLength: 4 }).map((drafts) => ({
    kind,
    name,
    missing: false,
    rules: drafts.flatMap((draft, index) => {
      const families = familiesOf(draft);
      const source =
        kind === 'profile'
          ? ({ kind, name: profileName(name) } as const)
          : ({
              kind,
              id: { kind: 'GlobalNetworkPolicy', namespace: '', name, tier: '' },
              tier: 't',
            } as const);
      return families.length === 0
        ? []
        : [{ ...draft, families, origin: { source, direction, index } }];
    }),
  }));
}

function tiersArb(prefix: string, direction: 'ingress' | 'egress'): fc.Arbitrary<TierProgram[]> {
  const tier = (index: number): fc.Arbitrary<TierProgram> =>
    fc.record({
      name: fc.constant(`${prefix}-tier-${index}`),
      policies: fc
        .tuple(
          ruleListArb(`${prefix}-${index}-a`, direction),
          fc.option(ruleListArb(`${prefix}-${index}-b`, direction), { nil: undefined }),
        )
        .map((lists) => lists.filter((list) => list !== undefined)),
      defaultAction: fc.constantFrom('deny' as const, 'pass' as const),
    });
  return fc
    .integer({ min: 0, max: 3 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => tier(index))));
}

function stageArb(
  kind: StageKind,
  direction: StageProgram['direction'],
  owner: string,
): fc.Arbitrary<StageProgram[]> {
  const pod = kind === 'WORKLOAD';
  const rules = (direction === 'TO_PORT') === pod ? 'ingress' : 'egress';
  const full = kind === 'HOST' || pod;
  return fc
    .tuple(
      tiersArb(`${owner}-${kind}-${direction}`, rules),
      ruleListArb(`kns.${owner}`, rules),
      fc.boolean(),
    )
    .map(([tiers, profile, withProfile]) => {
      if (tiers.length === 0 && !full) return [];
      return [{ kind, direction, tiers, profiles: full && withProfile ? [profile] : [] }];
    });
}

const failsafeArb: fc.Arbitrary<FailsafeSpec> = fc
  .record({
    direction: fc.constantFrom('INBOUND' as const, 'OUTBOUND' as const),
    protocol: fc.constantFrom(6, 17),
    port: fc.constantFrom(22, 53, 443),
    prefix: fc.option(fc.constantFrom('10.0.0.0/8', 'fd00::/8'), { nil: undefined, freq: 1 }),
  })
  .map(({ prefix, ...rest }) => (prefix === undefined ? rest : { ...rest, prefix }));

/** Which host stages a world may have. */
export interface WorldOptions {
  readonly hostStages: boolean;
  /** Untracked policy: what it allows passes no other host stage, which a list cannot say. */
  readonly untracked: boolean;
  readonly tunnelled: boolean;
}

function programArb(
  subject: string,
  port: PortProgram['port'],
  stages: readonly (readonly [StageKind, StageProgram['direction']])[],
): fc.Arbitrary<PortProgram> {
  return fc
    .record({
      stages: fc.tuple(...stages.map(([kind, direction]) => stageArb(kind, direction, subject))),
      failsafes: fc.array(failsafeArb, { maxLength: 3 }),
      toHostAction: fc.constantFrom('DROP' as const, 'ACCEPT' as const, 'RETURN' as const),
      vxlanPort: fc.option(fc.constant(4789), { nil: undefined }),
      ipip: fc.boolean(),
    })
    .map(({ stages: made, vxlanPort, ipip, ...rest }) => ({
      ...rest,
      subject,
      port,
      stages: made.flat(),
      allowedSources: [],
      fromHostBypass: true,
      invalidAction: 'DROP',
      disabled: false,
      deniedEncapsulation: { ipip, ...(vxlanPort === undefined ? {} : { vxlanPort }) },
    }));
}

const setsArb: fc.Arbitrary<ReadonlyMap<IpSetId, ReadonlySet<string>>> = fc
  .tuple(
    fc.array(
      fc.constantFrom(
        '10.1.0.1/32',
        '10.2.0.0/24',
        '10.2.0.7/32',
        'fd01::1/128',
        'fd02::/64',
        '0.0.0.0/1',
      ),
      {
        maxLength: 4,
      },
    ),
    fc.array(
      fc.constantFrom('10.1.0.2/32', '10.2.0.128/25', '192.0.2.7/32', 'fd01::2/128', 'fd03::/48'),
      {
        maxLength: 4,
      },
    ),
    fc.array(
      fc.constantFrom(
        '10.1.0.1,6:80',
        '10.1.0.2,6:80',
        '10.1.0.1,17:53',
        '10.1.0.1,6:8080',
        'fd01::1,6:80',
        '192.0.2.7,132:443',
      ),
      { maxLength: 5 },
    ),
    fc.array(fc.constantFrom('10.1.0.2,6:81', '10.1.0.2,17:53', 'fd01::2,6:443', '10.1.0.1,6:79'), {
      maxLength: 4,
    }),
  )
  .map(([a, b, c, d]) => {
    const lists = { 's:a': a, 's:b': b, 's:none': [], 'n:a': c, 'n:b': d, 'n:none': [] };
    return new Map(Object.entries(lists).map(([id, members]) => [ipSetId(id), new Set(members)]));
  });

const WORKLOAD = [
  ['WORKLOAD', 'FROM_PORT'],
  ['WORKLOAD', 'TO_PORT'],
] as const;
const STAR = [
  ['PRE_DNAT', 'FROM_PORT'],
  ['FORWARD', 'FROM_PORT'],
  ['FORWARD', 'TO_PORT'],
] as const;
const HOST = [
  ['UNTRACKED', 'FROM_PORT'],
  ['PRE_DNAT', 'FROM_PORT'],
  ['FORWARD', 'FROM_PORT'],
  ['HOST', 'FROM_PORT'],
  ['UNTRACKED', 'TO_PORT'],
  ['FORWARD', 'TO_PORT'],
  ['HOST', 'TO_PORT'],
] as const;

/** A random node with two pods. */
export function worldArb({ hostStages, untracked, tunnelled }: WorldOptions): fc.Arbitrary<World> {
  const uplinkStages = HOST.filter(([kind]) => untracked || kind !== 'UNTRACKED');
  const podStages = hostStages ? [...STAR, ...WORKLOAD] : WORKLOAD;
  const pod = (index: number): fc.Arbitrary<Pod> =>
    programArb(`k8s/ns%2Fpod-${index}/eth0`, 'vnic', podStages).map((program) => ({
      program,
      addresses: POD_ADDRESSES[index] ?? [],
    }));
  return fc
    .record({
      pods: fc.tuple(pod(0), pod(1)),
      uplink: programArb('uplink', 'uplink', hostStages ? uplinkStages : []),
      tunnel: programArb('tunnel', 'tunnel', hostStages ? STAR : []),
      sets: setsArb,
    })
    .map(({ pods, uplink, tunnel, sets }) => ({
      pods,
      sets,
      ...(hostStages ? { uplink } : {}),
      ...(hostStages && tunnelled ? { tunnel } : {}),
      hostAddresses: ['10.0.0.1', 'fd00::1'],
      tunnelDestinations: tunnelled ? ['10.3.0.0/16', 'fd03::/48'] : [],
    }));
}
