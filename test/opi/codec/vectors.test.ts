/** Bytes worked out by hand from the field numbers: what goes out, and what comes in, bit for bit. */
import { expect } from 'chai';
import { decodeObject, encodeObject } from '../../../src/opi/codec/codec.js';
import { relativeName } from '../../../src/opi/codec/names.js';
import type { ObjectKind } from '../../../src/opi/objects/key.js';
import { ANY_ENDPOINT } from '../../../src/opi/objects/match.js';
import type { OpiObject, SpecByKind } from '../../../src/opi/objects/specs.js';
import { decode, encode, hex } from './wire.js';

/** One object, its name on the wire, and its bytes. */
interface Vector<K extends ObjectKind> {
  readonly kind: K;
  readonly id: string;
  readonly spec: SpecByKind[K];
  readonly bytes: Buffer;
}

/** `vpcs/v` and `vnic/n` behind their lengths. */
const VPCS_V = '06 76 70 63 73 2f 76';
const VNIC_N = '06 76 6e 69 63 2f 6e';
/** `networkPolicies/y` and `addressGroups/g` behind their lengths. */
const POLICIES_Y = '11 6e 65 74 77 6f 72 6b 50 6f 6c 69 63 69 65 73 2f 79';
const GROUPS_G = '0f 61 64 64 72 65 73 73 47 72 6f 75 70 73 2f 67';
/** 10.0.0.2: af 1 = INET (1), v4_addr 2 fixed32 0x0a000002, little endian on the wire. */
const IP_10_0_0_2 = '08 01 15 02 00 00 0a';
/** 10.0.0.0/8. */
const PREFIX_10_8 = '0a 07 08 01 15 00 00 00 0a 10 08';
const POLICYS_P = '11 73 65 63 75 72 69 74 79 70 6f 6c 69 63 79 73 2f 70';
const FD00 = 'fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00';

const vpc = { kind: 'vpc', id: 'v' } as const;
const subnet = { kind: 'subnet', id: 's' } as const;
const vnic = { kind: 'vnic', id: 'n' } as const;
const POLICY_P = { kind: 'securityPolicy', id: 'p' } as const;

function vector<K extends ObjectKind>(
  kind: K,
  id: string,
  spec: SpecByKind[K],
  ...parts: readonly string[]
): Vector<K> {
  return { kind, id, spec, bytes: hex(...parts) };
}

const CLOUD_VECTORS = [
  vector(
    'interface',
    'i',
    { ifname: 'cali1', vf: true, mac: '02:00:00:00:00:01', adminUp: true },
    '0a 0c 69 6e 74 65 72 66 61 63 65 73 2f 69', // name = interfaces/i
    '12 17', // spec
    '10 01', // admin_status = UP
    '42 13', // host_if_spec (8)
    '08 01 10 01', // vf, enable_connection_tracking
    '1a 06 02 00 00 00 00 01', // mac_address, six raw bytes
    '22 05 63 61 6c 69 31', // ifname
  ),
  vector(
    'vpc',
    'v',
    { vni: 100 },
    `0a ${VPCS_V}`,
    '12 0a',
    '08 02', // type = TENANT
    '4a 06 08 03 12 02 18 64', // fabric_encap (9): type = VXLAN, value.vnid (3) = 100
  ),
  vector(
    'subnet',
    's',
    {
      vpc,
      v4Prefix: '10.0.0.0/8',
      v6Prefix: 'fd00::/64',
      v4RouterIp: '169.254.1.1',
      routerMac: 'ee:ee:ee:ee:ee:ee',
    },
    '0a 09 73 75 62 6e 65 74 73 2f 73',
    '12 35',
    `0a ${VPCS_V}`,
    '12 07 0d 00 00 00 0a 10 08', // v4_prefix: addr fixed32, len
    `1a 14 0a 10 ${FD00} 10 40`, // v6_prefix: addr bytes, len
    '20 81 82 f8 cf 0a', // ipv4_virtual_router_ip: varint of 0xa9fe0101
    '32 06 ee ee ee ee ee ee',
  ),
  vector(
    'routeTable',
    't',
    { family: 6 },
    '0a 0d 72 6f 75 74 65 74 61 62 6c 65 73 2f 74',
    '12 02 08 02', // af = INET6
  ),
  vector(
    'route',
    'r',
    { table: { kind: 'routeTable', id: 't' }, prefix: '10.0.0.0/8', via: { evalMapping: true } },
    '0a 08 72 6f 75 74 65 73 2f 72',
    '12 20',
    '0a 0d 72 6f 75 74 65 74 61 62 6c 65 73 2f 74',
    '12 0f',
    `0a 0b ${PREFIX_10_8}`,
    '58 01', // eval_mapping (11)
  ),
  vector(
    'vnic',
    'n',
    {
      subnet,
      hostInterface: { kind: 'interface', id: 'i' },
      sourceGuard: true,
      ingressV4: [{ kind: 'securityPolicy', id: 'p' }],
      ingressV6: [],
      egressV4: [],
      egressV6: [{ kind: 'securityPolicy', id: 'p' }],
    },
    `0a ${VNIC_N}`,
    '12 41',
    '0a 09 73 75 62 6e 65 74 73 2f 73',
    '20 01', // source_guard_enable
    '3a 11 73 65 63 75 72 69 74 79 70 6f 6c 69 63 79 73 2f 70', // ingress_v4 (7)
    '52 11 73 65 63 75 72 69 74 79 70 6f 6c 69 63 79 73 2f 70', // egress_v6 (10)
    '5a 0c 69 6e 74 65 72 66 61 63 65 73 2f 69', // host_if_name_ref (11)
  ),
  vector(
    'mapping',
    'm',
    { vpc, ip: '10.0.0.2', subnet, destination: vnic, mac: '02:00:00:00:00:01' },
    '0a 0a 6d 61 70 70 69 6e 67 73 2f 6d',
    '12 30',
    `0a 11 0a ${VPCS_V} 12 07 ${IP_10_0_0_2}`,
    '1a 09 73 75 62 6e 65 74 73 2f 73',
    `22 ${VNIC_N}`,
    '3a 06 02 00 00 00 00 01',
    '58 01', // type = VPC
  ),
  vector(
    'nextHop',
    'h',
    { ip: 'fd00::' },
    '0a 0a 6e 65 78 74 68 6f 70 73 2f 68',
    '12 18',
    `1a 16 12 14 08 02 1a 10 ${FD00}`, // ip_nh_info (3), ip_address (2): af = INET6, v6_addr (3)
  ),
  vector(
    'tunnel',
    'u',
    { vpc, localIp: '10.0.0.2', remoteIp: '10.0.0.2', vni: 4096 },
    '0a 08 74 75 6e 6e 65 6c 2f 75',
    '12 25',
    `0a ${VPCS_V}`,
    `12 07 ${IP_10_0_0_2}`,
    `1a 07 ${IP_10_0_0_2}`,
    '20 02', // type = WORKLOAD
    '2a 07 08 03 12 03 18 80 20', // encap: VXLAN 4096
  ),
  vector(
    'subnet',
    's',
    {
      vpc,
      policies: {
        ingressV4: [POLICY_P],
        ingressV6: [POLICY_P],
        egressV4: [],
        egressV6: [POLICY_P],
      },
    },
    '0a 09 73 75 62 6e 65 74 73 2f 73',
    '12 41',
    `0a ${VPCS_V}`,
    `4a ${POLICYS_P} 52 ${POLICYS_P} 62 ${POLICYS_P}`, // ingress_v4 (9, misspelt), ingress_v6 (10), egress_v6 (12)
  ),
  vector(
    'vpc',
    'v',
    {
      policies: {
        ingressV4: [POLICY_P],
        ingressV6: [],
        egressV4: [POLICY_P],
        egressV6: [],
      },
    },
    `0a ${VPCS_V}`,
    '12 28',
    '08 02',
    `22 ${POLICYS_P} 32 ${POLICYS_P}`, // ingress_v4 (4), egress_v4 (6)
  ),
] as const;

const RULE = {
  ruleName: 'r',
  priority: 10,
  action: 'ALLOW',
  terminating: true,
  protocol: 6,
  source: [{ prefix: '10.0.0.0/8' }],
  destination: [],
  sourcePorts: [],
  destinationPorts: [{ low: 80, high: 80 }],
  icmp: [],
} as const;

const POLICY_VECTORS = [
  vector(
    'securityPolicy',
    'p',
    { family: 4, defaultAction: 'DENY', format: 'FLATTENED', rules: [RULE] },
    '0a 11 73 65 63 75 72 69 74 79 70 6f 6c 69 63 79 73 2f 70',
    '12 32',
    '08 02 10 01 20 02', // type = TENANT, address_family = INET, default_security_action = DENY
    '2a 28 0a 01 72 12 23', // rules: rule_name, attrs
    '08 0a', // priority
    `12 1b 0a 0f 08 06 1a 0b ${PREFIX_10_8}`, // match.l3_match: proto_num, src_prefix (3)
    '12 08 0a 06 12 04 08 50 10 50', // l4_match.ports (1).dst_port_range (2)
    '18 01 20 01', // action = ALLOW, terminating
    '30 01', // rule_format = FLATTENED
  ),
  vector(
    'securityPolicy',
    'p',
    {
      family: 4,
      defaultAction: 'DENY',
      format: 'COMPACT',
      rules: [{ ...RULE, source: [{ low: '10.0.0.2', high: '10.0.0.2' }, ...RULE.source] }],
    },
    '0a 11 73 65 63 75 72 69 74 79 70 6f 6c 69 63 79 73 2f 70',
    '12 4e',
    '08 02 10 01 20 02',
    '2a 44 0a 01 72 12 3f',
    '08 0a',
    '12 37 0a 2b 08 06',
    '32 27', // src_ip_list (6)
    `0a 16 12 14 0a 12 0a 07 ${IP_10_0_0_2} 12 07 ${IP_10_0_0_2}`, // range (2).ipv4_range (1)
    `0a 0d 0a 0b ${PREFIX_10_8}`, // prefix (1)
    '12 08 1a 06 12 04 08 50 10 50', // l4_match.port_list (3)
    '18 01 20 01',
    '30 02', // rule_format = COMPACT
  ),
  vector(
    'securityPolicy',
    'p',
    {
      family: 6,
      defaultAction: 'ALLOW',
      format: 'FLATTENED',
      rules: [
        {
          ruleName: 'r',
          priority: 10,
          action: 'DENY',
          terminating: true,
          source: [],
          destination: [],
          sourcePorts: [],
          destinationPorts: [],
          icmp: [{ type: 128 }],
        },
      ],
    },
    '0a 11 73 65 63 75 72 69 74 79 70 6f 6c 69 63 79 73 2f 70',
    '12 26',
    '08 02 10 02 20 01',
    '2a 1c 0a 01 72 12 17',
    '08 0a',
    '12 0f',
    '0a 03 10 80 02', // proto_wild_card (2) = ANY (256)
    '12 08 12 06 08 80 01 20 80 02', // type_code (2): type = 128, code_wildcard (4) = ANY
    '18 02 20 01',
    '30 01',
  ),
] as const;

const EXTENSION_VECTORS = [
  vector(
    'addressGroup',
    'g',
    { memberType: 'IP_PORT' },
    `0a ${GROUPS_G}`,
    '12 02 08 02', // member_type = IP_PORT
  ),
  vector(
    'networkPolicy',
    'y',
    {
      ingressRules: [
        {
          ruleId: 'r',
          action: 'PASS',
          match: {
            family: 4,
            protocol: 0,
            source: { ...ANY_ENDPOINT, groups: [{ kind: 'addressGroup', id: 'g' }] },
            destination: ANY_ENDPOINT,
            ipPortGroups: [],
            icmp: { type: 0 },
          },
        },
      ],
      egressRules: [],
    },
    `0a ${POLICIES_Y}`,
    '12 24',
    '0a 22 0a 01 72', // ingress_rules: rule_id
    '10 03', // action = PASS
    '1a 1b', // match
    '08 01', // address_family = INET
    '10 00', // protocol 0 is set, not absent
    `22 11 1a ${GROUPS_G}`, // source: group_name_refs (3)
    '3a 02 08 00', // icmp: type 0
  ),
  vector(
    'policyBinding',
    'b',
    {
      port: { vnic },
      stages: [
        {
          kind: 'WORKLOAD',
          direction: 'TO_PORT',
          ruleList: 'INGRESS',
          tiers: [
            {
              tierId: 'd',
              policies: [{ kind: 'networkPolicy', id: 'y' }],
              defaultAction: 'PASS',
            },
          ],
          profiles: [{ kind: 'networkPolicy', id: 'y' }],
        },
      ],
      failsafes: [{ direction: 'INBOUND', protocol: 6, port: 22, prefix: '10.0.0.0/8' }],
      allowedSources: ['10.0.0.0/8'],
      toHostAction: 'RETURN',
      fromHostBypass: true,
      invalidAction: 'DROP',
      establishedPolicy: 'KEEP',
      disabled: true,
      deniedEncapsulation: { vxlanPort: 4789, ipip: true },
    },
    '0a 10 70 6f 6c 69 63 79 42 69 6e 64 69 6e 67 73 2f 62',
    '12 72',
    `0a 08 0a ${VNIC_N}`, // port.vnic_name_ref
    '12 33 08 05 10 02 18 01', // stages: WORKLOAD, TO_PORT, INGRESS
    `22 18 0a 01 64 12 ${POLICIES_Y} 18 02`, // tiers: tier_id, refs, default_action = PASS
    `2a ${POLICIES_Y}`, // profiles
    `1a 13 08 01 10 06 18 16 22 0b ${PREFIX_10_8}`, // failsafes
    `22 0b ${PREFIX_10_8}`, // allowed_source_prefixes
    '28 03 30 01 38 01 40 01 48 01', // to_host, from_host_bypass, invalid, established, disabled
    '52 05 08 b5 25 10 01', // denied_encapsulation: 4789, ipip
  ),
] as const;

describe('codec byte vectors', () => {
  const vectors = [...CLOUD_VECTORS, ...POLICY_VECTORS, ...EXTENSION_VECTORS];
  for (const { kind, id, spec, bytes } of vectors as readonly Vector<ObjectKind>[]) {
    const object: OpiObject = { key: { kind, id }, spec };

    it(`writes ${kind} ${JSON.stringify(spec).slice(0, 60)}`, () => {
      const message = encodeObject(object, relativeName(object.key), relativeName);
      expect(encode(kind, message).toString('hex')).to.equal(bytes.toString('hex'));
    });

    it(`reads ${kind} ${JSON.stringify(spec).slice(0, 60)}`, () => {
      expect(decodeObject(kind, decode(kind, bytes))).to.deep.equal(object);
    });
  }
});
