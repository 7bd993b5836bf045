/** Rules of the wire to rules of the model; what cannot be read denies. */
import { expect } from 'chai';
import type { Draft, Rule as WireRule } from '../../../src/gen/felix/types.js';
import { toRule } from '../../../src/driver/convert/rule.js';
import { decodeToDataplane, encodeToDataplane } from '../../../src/driver/message.js';
import type { Rule } from '../../../src/model/policy.js';

const NOTHING = {
  nets: [],
  notNets: [],
  ipSets: [],
  notIpSets: [],
  ports: [],
  namedPorts: [],
  notPorts: [],
  notNamedPorts: [],
};

describe('toRule', () => {
  it('an empty rule allows everything', () => {
    expect(ruleOf({})).to.deep.equal({
      action: 'allow',
      actionText: '',
      source: NOTHING,
      destination: NOTHING,
      destinationIpPortSets: [],
      hasHttpMatch: false,
      ruleId: '',
    });
  });

  const actions: readonly [string, Rule['action']][] = [
    ['allow', 'allow'],
    ['Allow', 'allow'],
    ['deny', 'deny'],
    ['pass', 'pass'],
    ['next-tier', 'pass'],
    ['log', 'log'],
    ['accept', 'unknown'],
    ['permit', 'unknown'],
  ];
  for (const [text, action] of actions) {
    it(`action ${JSON.stringify(text)} is ${action}`, () => {
      expect(ruleOf({ action: text })).to.include({ action, actionText: text });
    });
  }

  const protocols: readonly [string | number, Rule['protocol']][] = [
    ['tcp', { kind: 'number', number: 6 }],
    ['UDP', { kind: 'number', number: 17 }],
    ['icmp', { kind: 'number', number: 1 }],
    ['icmpv6', { kind: 'number', number: 58 }],
    ['sctp', { kind: 'number', number: 132 }],
    ['udplite', { kind: 'number', number: 136 }],
    ['gre', { kind: 'unknown', name: 'gre' }],
    [47, { kind: 'number', number: 47 }],
    [255, { kind: 'number', number: 255 }],
    [0, { kind: 'unknown', name: '0' }],
    [256, { kind: 'unknown', name: '256' }],
    [-1, { kind: 'unknown', name: '-1' }],
  ];
  for (const [wire, protocol] of protocols) {
    it(`protocol ${wire}, positive and negated`, () => {
      const sent = typeof wire === 'number' ? { number: wire } : { name: wire };
      const rule = ruleOf({ protocol: sent, not_protocol: sent });
      expect(rule.protocol).to.deep.equal(protocol);
      expect(rule.notProtocol).to.deep.equal(protocol);
    });
  }

  it('a protocol message without number or name is an unknown one, not any', () => {
    expect(ruleOf({ protocol: {} }).protocol).to.deep.equal({ kind: 'unknown', name: '' });
  });

  it('puts every condition where it belongs', () => {
    const rule = ruleOf({
      ip_version: 6,
      src_net: ['10.0.0.0/8', 'fd00::/8'],
      not_src_net: ['10.1.0.0/16'],
      src_ip_set_ids: ['s:1', 's:2'],
      not_src_ip_set_ids: ['s:3'],
      src_ports: [{ first: 1, last: 2 }],
      src_named_port_ip_set_ids: ['n:1'],
      not_src_ports: [{ first: 3, last: 3 }],
      not_src_named_port_ip_set_ids: ['n:2'],
      dst_net: ['10.2.0.0/16'],
      not_dst_net: ['10.3.0.0/16'],
      dst_ip_set_ids: ['s:4'],
      not_dst_ip_set_ids: ['s:5'],
      dst_ports: [{ first: 0, last: 65535 }],
      dst_named_port_ip_set_ids: ['n:3'],
      not_dst_ports: [{ first: 80, last: 90 }],
      not_dst_named_port_ip_set_ids: ['n:4'],
      dst_ip_port_set_ids: ['svc:1'],
      http_match: { methods: ['GET'] },
      rule_id: 'r',
    });
    expect(rule).to.deep.equal({
      action: 'allow',
      actionText: '',
      family: 6,
      source: {
        nets: ['10.0.0.0/8', 'fd00::/8'],
        notNets: ['10.1.0.0/16'],
        ipSets: ['s:1', 's:2'],
        notIpSets: ['s:3'],
        ports: [{ first: 1, last: 2 }],
        namedPorts: ['n:1'],
        notPorts: [{ first: 3, last: 3 }],
        notNamedPorts: ['n:2'],
      },
      destination: {
        nets: ['10.2.0.0/16'],
        notNets: ['10.3.0.0/16'],
        ipSets: ['s:4'],
        notIpSets: ['s:5'],
        ports: [{ first: 0, last: 65535 }],
        namedPorts: ['n:3'],
        notPorts: [{ first: 80, last: 90 }],
        notNamedPorts: ['n:4'],
      },
      destinationIpPortSets: ['svc:1'],
      hasHttpMatch: true,
      ruleId: 'r',
    });
  });

  it('icmp type 0 is a type, its absence is none', () => {
    expect(ruleOf({ icmp_type: 0 }).icmp).to.deep.equal({ type: 0 });
    expect(ruleOf({ not_icmp_type: 0 }).notIcmp).to.deep.equal({ type: 0 });
    expect(ruleOf({ icmp_type: 0 })).to.not.have.property('notIcmp');
  });

  it('an absent ICMP code is code 0', () => {
    expect(ruleOf({ icmp_type_code: { type: 3 } }).icmp).to.deep.equal({ type: 3, code: 0 });
    expect(ruleOf({ not_icmp_type_code: { type: 3, code: 4 } }).notIcmp).to.deep.equal({
      type: 3,
      code: 4,
    });
  });

  it('keeps malformed prefix texts for whoever reads prefixes', () => {
    expect(ruleOf({ src_net: ['10.0.0.0/99'] }).source.nets).to.deep.equal(['10.0.0.0/99']);
  });

  const unreadable: readonly [string, Draft<WireRule>, string][] = [
    [
      'a range that ends before it begins',
      { dst_ports: [{ first: 9, last: 3 }] },
      'port range 9-3',
    ],
    ['a port above 65535', { src_ports: [{ first: 1, last: 65536 }] }, 'port range 1-65536'],
    ['a negative port', { not_dst_ports: [{ first: -1, last: 3 }] }, 'port range -1-3'],
    ['an IP version', { ip_version: 5 }, 'IP version 5'],
    ['an ICMP type', { icmp_type: 256 }, 'ICMP type 256'],
    ['an ICMP code', { not_icmp_type_code: { type: 1, code: -1 } }, 'ICMP type 1 code -1'],
  ];
  for (const [name, wire, reason] of unreadable) {
    it(`denies when it cannot read ${name}`, () => {
      const rule = ruleOf({ action: 'allow', ...wire });
      expect(rule.action).to.equal('unknown');
      expect(rule.actionText).to.include(reason);
    });
  }
});

function ruleOf(wire: Draft<WireRule>): Rule {
  const bytes = encodeToDataplane({ active_policy_update: { policy: { inbound_rules: [wire] } } });
  const { message } = decodeToDataplane(bytes);
  if (message.payload !== 'active_policy_update') throw new Error('another payload');
  return toRule(message.active_policy_update.policy!.inbound_rules[0]!);
}
