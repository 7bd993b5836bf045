/** One object of every kind, with everything it refers to, and another spec for each that an update can reach. */
import { ObjectNamer, type ObjectKey, type ObjectKind } from '../../../src/opi/objects/key.js';
import { ANY_ENDPOINT, MATCH_ALL, type PolicyRuleSpec } from '../../../src/opi/objects/match.js';
import type {
  AnyObject,
  OpiObject,
  PolicyBindingSpec,
  SecurityPolicySpec,
  SpecByKind,
} from '../../../src/opi/objects/specs.js';

/** Owner of the samples. */
export const namer = new ObjectNamer('contract');

/** A typed object of ours. */
export function object<K extends ObjectKind>(
  kind: K,
  name: string,
  spec: SpecByKind[K],
): OpiObject<K> & AnyObject {
  return { key: namer.key(kind, name), spec } as unknown as OpiObject<K> & AnyObject;
}

/** A TCP rule of a FLATTENED policy for one prefix and port. */
export function securityPolicy(family: 4 | 6, port: number): SecurityPolicySpec {
  return {
    family,
    defaultAction: 'DENY',
    format: 'FLATTENED',
    rules: [
      {
        ruleName: 'web',
        priority: 100,
        action: 'ALLOW',
        terminating: true,
        protocol: 6,
        source: [{ prefix: family === 4 ? '10.1.0.0/16' : 'fd01::/16' }],
        destination: [],
        sourcePorts: [],
        destinationPorts: [{ low: port, high: port + 1 }],
        icmp: [],
      },
    ],
  };
}

/** A rule that uses every kind of match. */
export function wideRule(ruleId: string): PolicyRuleSpec {
  return {
    ruleId,
    action: 'ALLOW',
    match: {
      family: 4,
      protocol: 6,
      source: {
        ...ANY_ENDPOINT,
        prefixes: ['10.0.0.0/8', '192.168.0.0/16'],
        notPrefixes: ['10.9.0.0/16'],
        groups: [group.key],
        notGroups: [otherGroup.key],
      },
      destination: {
        ...ANY_ENDPOINT,
        ports: [{ low: 80, high: 80 }],
        namedPortGroups: [portGroup.key],
        notPorts: [{ low: 8080, high: 8090 }],
      },
      ipPortGroups: [portGroup.key],
    },
  };
}

/** Rules that use what `wideRule` does not. */
export const otherRules: readonly PolicyRuleSpec[] = [
  { ruleId: 'log', action: 'LOG', match: MATCH_ALL },
  { ruleId: 'ping', action: 'PASS', match: { ...MATCH_ALL, icmp: { type: 0 } } },
  {
    ruleId: 'no-ping',
    action: 'DENY',
    match: { ...MATCH_ALL, protocol: 1, notIcmp: { type: 8, code: 0 } },
  },
  { ruleId: 'no-sctp', action: 'DENY', match: { ...MATCH_ALL, family: 6, notProtocol: 132 } },
];

const table4 = object('routeTable', 'table-4', { family: 4 });
const table6 = object('routeTable', 'table-6', { family: 6 });
const vpc = object('vpc', 'vpc', { v4RouteTable: table4.key, v6RouteTable: table6.key });
const subnet = object('subnet', 'subnet', {
  vpc: vpc.key,
  v4Prefix: '10.65.0.0/16',
  v6Prefix: 'fd65::/112',
  v4RouterIp: '169.254.1.1',
});
const iface = object('interface', 'pod', { ifname: 'cali123', vf: true, adminUp: true });
const deny4 = object('securityPolicy', 'deny-4', securityPolicy(4, 80));
const deny6 = object('securityPolicy', 'deny-6', securityPolicy(6, 80));
const vnicSpec: SpecByKind['vnic'] = {
  subnet: subnet.key,
  hostInterface: iface.key,
  mac: '02:00:00:00:00:01',
  sourceGuard: true,
  ingressV4: [deny4.key],
  ingressV6: [deny6.key],
  egressV4: [deny4.key],
  egressV6: [deny6.key],
};
const vnic = object('vnic', 'pod', vnicSpec);
const mappingSpec: SpecByKind['mapping'] = {
  vpc: vpc.key,
  ip: '10.65.0.2',
  subnet: subnet.key,
  destination: vnic.key,
};
const tunnelSpec: SpecByKind['tunnel'] = {
  vpc: vpc.key,
  localIp: '172.16.0.1',
  remoteIp: '172.16.0.2',
  vni: 4096,
};
const tunnel = object('tunnel', 'node-2', tunnelSpec);

/** A group of prefixes. */
export const group = object('addressGroup', 'set', { memberType: 'PREFIX' });
/** Another group of prefixes. */
export const otherGroup = object('addressGroup', 'other-set', { memberType: 'PREFIX' });
/** A group of (address, protocol, port). */
export const portGroup = object('addressGroup', 'named-port', { memberType: 'IP_PORT' });

/** A policy that refers to all three groups. */
export const policy = object('networkPolicy', 'policy', {
  ingressRules: [wideRule('web'), ...otherRules],
  egressRules: [{ ruleId: 'all', action: 'ALLOW', match: MATCH_ALL }],
});

const bindingSpec: PolicyBindingSpec = {
  port: { vnic: vnic.key },
  stages: [
    {
      kind: 'WORKLOAD',
      direction: 'FROM_PORT',
      ruleList: 'EGRESS',
      tiers: [{ tierId: 'default', policies: [policy.key], defaultAction: 'DENY' }],
      profiles: [],
    },
    {
      kind: 'WORKLOAD',
      direction: 'TO_PORT',
      ruleList: 'INGRESS',
      tiers: [],
      profiles: [policy.key],
    },
  ],
  failsafes: [],
  allowedSources: ['10.65.0.2/32', 'fd65::2/128'],
  toHostAction: 'RETURN',
  fromHostBypass: true,
  invalidAction: 'DROP',
  establishedPolicy: 'KEEP',
  disabled: false,
  deniedEncapsulation: { vxlanPort: 4789, ipip: true },
};

/** The binding of the vNIC. */
export const binding = object('policyBinding', 'pod', bindingSpec);

/** The binding of the uplink, with what only it has. */
export const uplinkBinding = object('policyBinding', 'uplink', {
  ...bindingSpec,
  port: { port: 'UPLINK' },
  stages: [
    {
      kind: 'HOST',
      direction: 'FROM_PORT',
      ruleList: 'INGRESS',
      tiers: [],
      profiles: [policy.key],
    },
  ],
  failsafes: [
    { direction: 'INBOUND', protocol: 6, port: 22 },
    { direction: 'OUTBOUND', protocol: 17, port: 53, prefix: '10.0.0.0/8' },
  ],
  allowedSources: [],
  fromHostBypass: false,
  deniedEncapsulation: { ipip: false },
});

/** Every network/cloud object, referents first. */
export const cloudObjects: readonly AnyObject[] = [
  table4,
  table6,
  vpc,
  subnet,
  iface,
  deny4,
  deny6,
  vnic,
  object('mapping', '10.65.0.2', mappingSpec),
  object('mapping', 'fd65::2', { ...mappingSpec, ip: 'fd65::2', mac: '02:00:00:00:00:02' }),
  object('nextHop', 'gateway', { ip: '172.16.0.254', vpc: vpc.key }),
  tunnel,
  object('route', 'block', {
    table: table4.key,
    prefix: '10.65.0.0/26',
    via: { evalMapping: true },
  }),
  object('route', 'remote', {
    table: table4.key,
    prefix: '10.65.1.0/26',
    via: { tunnel: tunnel.key, overlayMac: '66:00:00:00:00:02' },
  }),
];

/** Another spec for objects of the list above. */
export const cloudChanges: readonly AnyObject[] = [
  { ...vpc, spec: { ...vpc.spec, vni: 77 } },
  { ...subnet, spec: { ...subnet.spec, routerMac: 'ee:ee:ee:ee:ee:ee' } },
  { ...iface, spec: { ...iface.spec, adminUp: false } },
  { ...deny4, spec: securityPolicy(4, 443) },
  { ...vnic, spec: { ...vnicSpec, sourceGuard: false, ingressV4: [] } },
  object('mapping', '10.65.0.2', { ...mappingSpec, mac: '02:00:00:00:00:09' }),
  object('nextHop', 'gateway', { ip: '172.16.0.253', vpc: vpc.key }),
  { ...tunnel, spec: { ...tunnelSpec, remoteMac: '66:00:00:00:00:03' } },
  object('route', 'block', {
    table: table4.key,
    prefix: '10.65.0.0/26',
    via: { tunnel: tunnel.key },
  }),
];

/** The vNIC's key; the binding needs it. */
export const vnicKey: ObjectKey<'vnic'> = vnic.key;
