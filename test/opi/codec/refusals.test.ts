/** Traps of the wire format: what looks harmless in a message and must not be taken for it. */
import { expect } from 'chai';
import {
  decodeCapabilities,
  decodeDeviceCapabilities,
  encodeCapabilities,
} from '../../../src/opi/codec/capabilities.js';
import { decodeObject, encodeObject, unreadableObject } from '../../../src/opi/codec/codec.js';
import { WireError, type WireErrorCode } from '../../../src/opi/codec/errors.js';
import { decodeMember, encodeMember } from '../../../src/opi/codec/members.js';
import { relativeName } from '../../../src/opi/codec/names.js';
import { decodePacket, encodePacket } from '../../../src/opi/codec/packet.js';
import { OBJECT_KINDS, type ObjectKind } from '../../../src/opi/objects/key.js';
import { specText } from '../../../src/opi/objects/plan.js';
import { refsOf } from '../../../src/opi/objects/refs.js';
import { decode, encode, hex, MESSAGES } from './wire.js';

/** The error of reading a message of a kind. */
function errorOf(kind: ObjectKind, spec: object): WireError {
  const name = relativeName({ kind, id: 'x' });
  return thrownBy(() => decodeObject(kind, decode(kind, encode(kind, { name, spec }))));
}

function thrownBy(work: () => unknown): WireError {
  try {
    work();
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(WireError);
    return thrown as WireError;
  }
  throw new Error('nothing was refused');
}

const ANY = { proto_wild_card: 'WILDCARD_MATCH_ANY' };
const prefix = { addr: { af: 1, v4_addr: 0x0a000000 }, len: 8 };

/** A SecurityPolicy of one rule with this match. */
function rule(match: object, format = 'FLATTENED'): object {
  return {
    address_family: 'IP_AF_INET',
    default_security_action: 'SECURITY_RULE_ACTION_DENY',
    rule_format: `POLICY_RULE_FORMAT_${format}`,
    rules: [{ rule_name: 'r', attrs: { action: 'SECURITY_RULE_ACTION_ALLOW', match } }],
  };
}

const REFUSED: readonly [string, ObjectKind, object, WireErrorCode, string][] = [
  ['a rule without a protocol', 'securityPolicy', rule({ l3_match: {} }), 'MALFORMED', 'proto_num'],
  [
    'a wildcard that was left at zero and matches nothing',
    'securityPolicy',
    rule({ l3_match: { proto_wild_card: 'WILDCARD_MATCH_NONE' } }),
    'UNEXPRESSED',
    'proto_wild_card',
  ],
  [
    'a list in a FLATTENED rule',
    'securityPolicy',
    rule({ l3_match: { ...ANY, src_ip_list: { ip_entries: [{ prefix }] } } }),
    'MALFORMED',
    'src_ip_list',
  ],
  [
    'a single prefix in a COMPACT rule',
    'securityPolicy',
    rule({ l3_match: { ...ANY, dst_prefix: prefix } }, 'COMPACT'),
    'MALFORMED',
    'dst_prefix',
  ],
  [
    'an empty list, which matches nothing, for no condition',
    'securityPolicy',
    rule({ l3_match: { ...ANY, src_ip_list: {} } }, 'COMPACT'),
    'MALFORMED',
    'src_ip_list',
  ],
  ['a tag', 'securityPolicy', rule({ l3_match: { ...ANY, src_tag: 7 } }), 'UNEXPRESSED', 'src_tag'],
  [
    'a stateless policy',
    'securityPolicy',
    { ...rule({}), stateless: true },
    'UNEXPRESSED',
    'stateless',
  ],
  [
    'an ICMP match without a code',
    'securityPolicy',
    rule({ l3_match: { proto_num: 1 }, l4_match: { type_code: { type: 8 } } }),
    'MALFORMED',
    'code',
  ],
  [
    'a rule that does nothing',
    'securityPolicy',
    { ...rule({ l3_match: ANY }), default_security_action: 'SECURITY_RULE_ACTION_NONE' },
    'UNEXPRESSED',
    'default_security_action',
  ],
  ['a family that is not given', 'routeTable', {}, 'MALFORMED', 'af'],
  [
    'eval_mapping false for a next hop',
    'route',
    { route_table_name_ref: 'routetables/t', attrs: { prefix, eval_mapping: false } },
    'MALFORMED',
    'eval_mapping',
  ],
  [
    'a family that contradicts its address',
    'nextHop',
    { ip_nh_info: { ip_address: { af: 'IP_AF_INET6', v4_addr: 1 } } },
    'MALFORMED',
    'af',
  ],
  [
    'an IPv6 address of four bytes',
    'nextHop',
    { ip_nh_info: { ip_address: { v6_addr: hex('0a000002') } } },
    'MALFORMED',
    'v6_addr',
  ],
  [
    'a MAC written as text',
    'interface',
    { host_if_spec: { ifname: 'i', mac_address: Buffer.from('02:00:00:00:00:01') } },
    'MALFORMED',
    'mac_address',
  ],
  [
    'an interface that is not the host’s',
    'interface',
    { uplink_spec: {} },
    'UNEXPRESSED',
    'uplink_spec',
  ],
  ['a reference without a name', 'subnet', {}, 'MALFORMED', 'vpc_name_ref'],
  [
    'VXLAN without an id',
    'vpc',
    { fabric_encap: { type: 'ENCAP_TYPE_VXLAN' } },
    'MALFORMED',
    'vnid',
  ],
  [
    'a rule of network/k8s without an action',
    'networkPolicy',
    { ingress_rules: [{ rule_id: 'r' }] },
    'MALFORMED',
    'action',
  ],
  [
    'a binding of the host port',
    'policyBinding',
    { port: { well_known_port: 'WELL_KNOWN_PORT_HOST' } },
    'MALFORMED',
    'port',
  ],
  [
    'a binding that does not say what becomes of packets to the host',
    'policyBinding',
    { port: { vnic_name_ref: 'vnic/n' } },
    'MALFORMED',
    'to_host_action',
  ],
];

describe('codec refusals', () => {
  for (const [what, kind, spec, code, field] of REFUSED) {
    it(`refuses ${what}`, () => {
      const error = errorOf(kind, spec);
      expect(error.code, error.message).to.equal(code);
      expect(error.field).to.match(new RegExp(`(^|\\.)${field}$`));
    });
  }

  it('refuses to write a FLATTENED rule with two entries, and ports beside ICMP', () => {
    const base = {
      ruleName: 'r',
      priority: 1,
      action: 'ALLOW',
      terminating: true,
      source: [],
      destination: [],
      sourcePorts: [],
      destinationPorts: [],
      icmp: [],
    } as const;
    const write = (changes: object) => (): unknown =>
      encodeObject(
        {
          key: { kind: 'securityPolicy', id: 'p' },
          spec: {
            family: 4,
            defaultAction: 'DENY',
            format: 'FLATTENED',
            rules: [{ ...base, ...changes }],
          },
        },
        '',
        relativeName,
      );
    const two = [{ prefix: '10.0.0.0/8' }, { prefix: '11.0.0.0/8' }];
    expect(thrownBy(write({ source: two })).message).to.include('FLATTENED');
    const both = { destinationPorts: [{ low: 1, high: 1 }], icmp: [{ type: 8 }] };
    expect(thrownBy(write(both)).message).to.include('ports and ICMP');
  });

  it('shows an unreadable object of every kind as one that equals no other and can be handled', () => {
    for (const kind of OBJECT_KINDS) {
      const object = unreadableObject(kind, 'x');
      expect(object.key).to.deep.equal({ kind, id: 'x' });
      expect(refsOf(object)).to.be.an('array');
      expect(specText(object)).to.match(/unreadable|""|"vni":0/);
    }
  });
});

describe('codec members', () => {
  it('writes IPv4 as a number and IPv6 as bytes', () => {
    const bytes = (text: string): string => encode('member', encodeMember(text)).toString('hex');
    expect(bytes('10.0.0.2/32')).to.equal(hex('0d 02 00 00 0a 18 20').toString('hex'));
    expect(bytes('10.0.0.2,6:8080')).to.equal(
      hex('0d 02 00 00 0a 18 20 20 06 28 90 3f').toString('hex'),
    );
    const fd00 = 'fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01';
    expect(bytes('fd00::1,17:53')).to.equal(
      hex(`12 10 ${fd00} 18 80 01 20 11 28 35`).toString('hex'),
    );
  });

  it('keeps 0.0.0.0/0 and port 0 apart from what was not sent', () => {
    const again = (text: string): string =>
      decodeMember(decode('member', encode('member', encodeMember(text))));
    for (const text of ['0.0.0.0/0', '::/0', '0.0.0.0,6:0']) expect(again(text)).to.equal(text);
    expect(thrownBy(() => decodeMember(decode('member', Buffer.alloc(0)))).problem).to.equal(
      'no address',
    );
  });

  it('clears host bits as every prefix does', () => {
    expect(
      decodeMember(decode('member', encode('member', { v4_addr: 0x0a010203, len: 8 }))),
    ).to.equal('10.0.0.0/8');
  });

  it('refuses what is no member', () => {
    for (const text of [
      '',
      '10.0.0.1',
      '10.0.0.256/32',
      '10.0.0.0/33',
      '10.0.0.1,0:80',
      '10.0.0.1,6:65536',
      '10.0.0,6:80',
      'x,6:80',
    ]) {
      if (text === '10.0.0.1')
        expect(encodeMember(text)).to.deep.equal({ v4_addr: 0x0a000001, len: 32 });
      else expect(() => encodeMember(text), text).to.throw(WireError);
    }
    for (const message of [
      { v4_addr: 1, len: 31, protocol: 6 },
      { v4_addr: 1, len: 32, port: 80 },
      { v4_addr: 1, len: 32, protocol: 256 },
      { v4_addr: 1, len: -1 },
    ]) {
      expect(() => decodeMember(decode('member', encode('member', message)))).to.throw(WireError);
    }
  });
});

describe('codec capabilities and packets', () => {
  it('tells boot id, limits and features both ways', () => {
    const told = {
      bootId: 'b',
      limits: {
        addressGroup: 1,
        groupMembers: 2,
        networkPolicy: 3,
        rulesPerPolicy: 4,
        policyBinding: 5,
        vnic: 6,
        mapping: 7,
        route: 8,
      },
      features: [
        'established_policy_reevaluate',
        'rule_log',
        'rule_stats',
        'lookup',
        'flow_fetch',
        'flow_flush',
      ],
      batchBytesMax: 9,
    };
    const bytes = encode('capabilities', encodeCapabilities(told));
    expect(decodeCapabilities(decode('capabilities', bytes))).to.deep.equal(told);
  });

  it('takes what was not told for absent', () => {
    const silent = { name: 'k8sCapabilities', status: { datapath_boot_id: 'b' } };
    expect(
      decodeCapabilities(decode('capabilities', encode('capabilities', silent))),
    ).to.deep.equal({
      bootId: 'b',
      limits: {},
      features: [],
    });
    expect(decodeDeviceCapabilities(decode('deviceCapabilities', Buffer.alloc(0)))).to.equal(false);
  });

  it('keeps a packet as it is, zeros included', () => {
    const packet = {
      source: '10.0.0.2',
      destination: '10.0.0.3',
      protocol: 1,
      sourcePort: 0,
      destinationPort: 0,
      icmp: { type: 0, code: 0 },
      tcpFlags: 0,
    };
    expect(decodePacket(decode('packet', encode('packet', encodePacket(packet))))).to.deep.equal(
      packet,
    );
  });

  it('knows the message of every kind', () => {
    for (const kind of OBJECT_KINDS) expect(MESSAGES).to.have.property(kind);
  });
});
