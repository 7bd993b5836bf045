/** Random specs of every kind, canonical as the plan holds them. */
import fc from 'fast-check';
import { formatCidr, formatIp, ipFromBytes, parseCidr, type Family } from '../../../src/base/ip.js';
import { OBJECT_KINDS, type ObjectKey, type ObjectKind } from '../../../src/opi/objects/key.js';
import type {
  EndpointMatch,
  IcmpSpec,
  IpEntrySpec,
  PolicyRuleSpec,
  PortRangeSpec,
  RuleMatch,
  SecurityRuleSpec,
} from '../../../src/opi/objects/match.js';
import type {
  FailsafeSpec,
  OpiObject,
  PolicyBindingSpec,
  PolicyListsSpec,
  SecurityPolicySpec,
  SpecByKind,
  StageSpec,
} from '../../../src/opi/objects/specs.js';

type Arb<T> = fc.Arbitrary<T>;

const id = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/);
const octet = fc.integer({ min: 0, max: 255 });
const port = fc.integer({ min: 0, max: 65535 });
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'));

/** Key of some object of a kind. */
export function key<K extends ObjectKind>(kind: K): Arb<ObjectKey<K>> {
  return id.map((each) => ({ kind, id: each }));
}

/** Canonical address of a family. */
export function address(family: Family): Arb<string> {
  const size = family === 4 ? 4 : 16;
  const edges = [0, 255].map((byte) => new Uint8Array(size).fill(byte));
  return fc
    .oneof(fc.uint8Array({ minLength: size, maxLength: size }), fc.constantFrom(...edges))
    .map((bytes) => formatIp(ipFromBytes(bytes)!));
}

/** Canonical prefix of a family. */
export function prefix(family: Family): Arb<string> {
  const length = fc.integer({ min: 0, max: family === 4 ? 32 : 128 });
  return fc
    .tuple(address(family), length)
    .map(([text, len]) => formatCidr(parseCidr(`${text}/${len}`)!));
}

const anyFamily = fc.constantFrom<Family>(4, 6);
const anyAddress = anyFamily.chain(address);
const anyPrefix = anyFamily.chain(prefix);

/** Leaves out members that are undefined, as specs do. */
function spec<T>(model: { [F in keyof T]-?: Arb<T[F] | undefined> }): Arb<T> {
  const members: Record<string, Arb<unknown>> = model;
  return fc
    .record(members)
    .map(
      (each) =>
        Object.fromEntries(Object.entries(each).filter(([, value]) => value !== undefined)) as T,
    );
}

function maybe<T>(arb: Arb<T>): Arb<T | undefined> {
  return fc.option(arb, { nil: undefined });
}

function few<T>(arb: Arb<T>, min = 0): Arb<T[]> {
  return fc.array(arb, { minLength: min, maxLength: 3 });
}

const ports: Arb<PortRangeSpec> = fc
  .tuple(port, port)
  .map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) }));
const icmp: Arb<IcmpSpec> = spec<IcmpSpec>({ type: octet, code: maybe(octet) });

const endpoint: Arb<EndpointMatch> = spec<EndpointMatch>({
  prefixes: few(anyPrefix),
  notPrefixes: few(anyPrefix),
  groups: few(key('addressGroup')),
  notGroups: few(key('addressGroup')),
  ports: few(ports),
  namedPortGroups: few(key('addressGroup')),
  notPorts: few(ports),
  notNamedPortGroups: few(key('addressGroup')),
});

const match: Arb<RuleMatch> = spec<RuleMatch>({
  family: maybe(anyFamily),
  protocol: maybe(octet),
  notProtocol: maybe(octet),
  source: endpoint,
  destination: endpoint,
  ipPortGroups: few(key('addressGroup')),
  icmp: maybe(icmp),
  notIcmp: maybe(icmp),
});

const policyRule: Arb<PolicyRuleSpec> = spec<PolicyRuleSpec>({
  ruleId: fc.string({ minLength: 1, maxLength: 20 }),
  action: fc.constantFrom('ALLOW', 'DENY', 'PASS', 'LOG'),
  match,
});

function ipEntry(family: Family): Arb<IpEntrySpec> {
  const range = fc.tuple(address(family), address(family)).map(([a, b]) => {
    const [low, high] = parseCidr(a)!.value <= parseCidr(b)!.value ? [a, b] : [b, a];
    return { low, high };
  });
  return fc.oneof(
    prefix(family).map((text) => ({ prefix: text })),
    range,
  );
}

const PORTLESS = { sourcePorts: [], destinationPorts: [] };
const NO_ICMP = { icmp: [] };

function securityRule(family: Family, format: SecurityPolicySpec['format']): Arb<SecurityRuleSpec> {
  const entries = format === 'COMPACT' ? 3 : 1;
  const some = <T>(arb: Arb<T>): Arb<T[]> => fc.array(arb, { maxLength: entries });
  const l4 = fc.oneof(
    fc
      .record({ sourcePorts: some(ports), destinationPorts: some(ports) })
      .map((each) => ({ ...each, ...NO_ICMP })),
    some(icmp).map((each) => ({ ...PORTLESS, icmp: each })),
  );
  const l3 = spec<Omit<SecurityRuleSpec, 'sourcePorts' | 'destinationPorts' | 'icmp'>>({
    ruleName: id,
    priority: fc.integer({ min: 0, max: 65534 }),
    action: fc.constantFrom('ALLOW', 'DENY'),
    terminating: fc.boolean(),
    protocol: maybe(octet),
    source: some(ipEntry(family)),
    destination: some(ipEntry(family)),
  });
  return fc.tuple(l3, l4).map(([a, b]) => ({ ...a, ...b }));
}

const securityPolicy: Arb<SecurityPolicySpec> = fc
  .tuple(anyFamily, fc.constantFrom('FLATTENED' as const, 'COMPACT' as const))
  .chain(([family, format]) =>
    spec<SecurityPolicySpec>({
      family: fc.constant(family),
      defaultAction: fc.constantFrom('ALLOW', 'DENY'),
      format: fc.constant(format),
      rules: few(securityRule(family, format)),
    }),
  );

const stage: Arb<StageSpec> = spec<StageSpec>({
  kind: fc.constantFrom('UNTRACKED', 'PRE_DNAT', 'FORWARD', 'HOST', 'WORKLOAD'),
  direction: fc.constantFrom('FROM_PORT', 'TO_PORT'),
  ruleList: fc.constantFrom('INGRESS', 'EGRESS'),
  tiers: few(
    spec<StageSpec['tiers'][number]>({
      tierId: id,
      policies: few(key('networkPolicy'), 1),
      defaultAction: fc.constantFrom('DENY', 'PASS'),
    }),
  ),
  profiles: few(key('networkPolicy')),
});

const failsafe: Arb<FailsafeSpec> = spec<FailsafeSpec>({
  direction: fc.constantFrom('INBOUND', 'OUTBOUND'),
  protocol: octet,
  port,
  prefix: maybe(anyPrefix),
});

const policyBinding: Arb<PolicyBindingSpec> = spec<PolicyBindingSpec>({
  port: fc.oneof(
    key('vnic').map((vnic) => ({ vnic })),
    fc.constantFrom({ port: 'UPLINK' as const }, { port: 'TUNNEL' as const }),
  ),
  stages: few(stage),
  failsafes: few(failsafe),
  allowedSources: few(anyPrefix),
  toHostAction: fc.constantFrom('DROP', 'ACCEPT', 'RETURN'),
  fromHostBypass: fc.boolean(),
  invalidAction: fc.constantFrom('DROP', 'CONTINUE'),
  establishedPolicy: fc.constantFrom('KEEP', 'REEVALUATE'),
  disabled: fc.boolean(),
  deniedEncapsulation: spec<PolicyBindingSpec['deniedEncapsulation']>({
    vxlanPort: maybe(port),
    ipip: fc.boolean(),
  }),
});

const policyLists: Arb<PolicyListsSpec> = spec<PolicyListsSpec>({
  ingressV4: few(key('securityPolicy')),
  ingressV6: few(key('securityPolicy')),
  egressV4: few(key('securityPolicy')),
  egressV6: few(key('securityPolicy')),
});
// Lists that are all empty are no lists.
const filledLists = policyLists.filter((lists) => Object.values(lists).flat().length > 0);

const vni = fc.integer({ min: 1, max: 0xff_ffff });

/** Random specs by kind. */
export const SPECS: { readonly [K in ObjectKind]: Arb<SpecByKind[K]> } = {
  interface: spec<SpecByKind['interface']>({
    ifname: id,
    vf: fc.boolean(),
    mac: maybe(mac),
    adminUp: fc.boolean(),
  }),
  vpc: spec<SpecByKind['vpc']>({
    vni: maybe(vni),
    v4RouteTable: maybe(key('routeTable')),
    v6RouteTable: maybe(key('routeTable')),
    policies: maybe(filledLists),
  }),
  subnet: spec<SpecByKind['subnet']>({
    vpc: key('vpc'),
    v4Prefix: maybe(prefix(4)),
    v6Prefix: maybe(prefix(6)),
    // 0.0.0.0 is how the wire says that there is none.
    v4RouterIp: maybe(address(4).filter((text) => text !== '0.0.0.0')),
    v6RouterIp: maybe(address(6)),
    routerMac: maybe(mac),
    policies: maybe(filledLists),
  }),
  routeTable: fc.record({ family: anyFamily }),
  route: fc.record({
    table: key('routeTable'),
    prefix: anyPrefix,
    via: fc.oneof(
      fc.constant({ evalMapping: true as const }),
      key('nextHop').map((nextHop) => ({ nextHop })),
      spec<{ tunnel: ObjectKey<'tunnel'>; overlayMac?: string }>({
        tunnel: key('tunnel'),
        overlayMac: maybe(mac),
      }),
    ),
  }),
  vnic: spec<SpecByKind['vnic']>({
    subnet: key('subnet'),
    hostInterface: key('interface'),
    mac: maybe(mac),
    sourceGuard: fc.boolean(),
    ingressV4: few(key('securityPolicy')),
    ingressV6: few(key('securityPolicy')),
    egressV4: few(key('securityPolicy')),
    egressV6: few(key('securityPolicy')),
  }),
  mapping: spec<SpecByKind['mapping']>({
    vpc: key('vpc'),
    ip: anyAddress,
    subnet: key('subnet'),
    destination: fc.oneof(key('vnic'), key('tunnel')),
    mac: maybe(mac),
  }),
  nextHop: spec<SpecByKind['nextHop']>({ ip: anyAddress, vpc: maybe(key('vpc')) }),
  tunnel: spec<SpecByKind['tunnel']>({
    vpc: key('vpc'),
    localIp: anyAddress,
    remoteIp: anyAddress,
    vni,
    remoteMac: maybe(mac),
  }),
  securityPolicy,
  addressGroup: fc.record({ memberType: fc.constantFrom('PREFIX' as const, 'IP_PORT' as const) }),
  networkPolicy: fc.record({ ingressRules: few(policyRule), egressRules: few(policyRule) }),
  policyBinding,
};

/** A random object of any kind. */
export const anyObject: Arb<OpiObject> = fc
  .constantFrom(...OBJECT_KINDS)
  .chain((kind) => fc.record({ key: key(kind), spec: SPECS[kind] as Arb<SpecByKind[ObjectKind]> }));

/** A random member text of either form. */
export const anyMember: Arb<string> = fc.oneof(
  anyPrefix,
  fc
    .tuple(anyAddress, fc.integer({ min: 1, max: 255 }), port)
    .map(([ip, protocol, number]) => `${ip},${protocol}:${number}`),
);
