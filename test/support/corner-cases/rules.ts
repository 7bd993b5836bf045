/** Corner cases 15 to 32: the conditions of a rule. One rule of ingress to `a` decides; everything else is open. */
import { icmp, icmpv6, sctp, send, tcp, udp } from '../felix/packets.js';
import { KNS, type RuleDraft, type World } from '../felix/world.js';
import type { CornerCase } from './case.js';

const TCP = { name: 'tcp' };

/** Ingress to `a` is what `rule` allows, and no more. */
function only(rule: RuleDraft, sets: World['sets'] = {}): World {
  return {
    sets,
    policies: { p: { inbound: [{ action: 'allow', ...rule }] } },
    profiles: { open: KNS },
    pods: {
      a: { tiers: [{ ingress: ['p'], default: 'Deny' }], profiles: ['open'] },
      b: { profiles: ['open'] },
    },
  };
}

const from = (source: string) => send('wire', 'a', tcp(80), { source });

/** The corner cases of rule conditions. */
export const RULE_CASES: readonly CornerCase[] = [
  {
    corner: 15,
    title: 'prefixes of both families: each family has its own',
    world: only({ src_net: ['198.18.0.0/16', '2001:db8::/32'] }),
    expect: [
      [from('2001:db8::1'), true],
      [from('2001:db9::1'), false],
      [from('198.18.255.255'), true],
      [from('198.19.0.0'), false],
    ],
  },
  {
    corner: 16,
    title: 'sources of both families and destinations of one: no rule for the other',
    world: only({ src_net: ['198.18.0.0/16', '2001:db8::/32'], dst_net: ['10.65.0.0/16'] }),
    expect: [
      [from('2001:db8::1'), false],
      [from('198.18.0.1'), true],
    ],
  },
  {
    corner: 17,
    title: 'a negated list of the other family alone: no rule for this one',
    world: only({ not_src_net: ['2001:db8::/32'] }),
    expect: [
      [from('198.18.0.1'), false],
      [from('2001:db8::1'), false],
      [from('2001:db9::1'), true],
    ],
  },
  {
    corner: 18,
    title: 'a negated list that holds a whole family never matches it',
    world: only({ not_dst_net: ['0.0.0.0/0', 'fd66::/16'] }),
    expect: [
      [from('198.18.0.1'), false],
      [from('2001:db8::1'), true],
    ],
  },
  {
    corner: 19,
    title: 'two source sets: a source in one of them only does not match',
    world: only(
      { src_ip_set_ids: ['s:1', 's:2'] },
      {
        's:1': { type: 'net', members: ['198.18.0.0/24', 'fd65::/64'] },
        's:2': { type: 'net', members: ['198.18.0.8/30'] },
      },
    ),
    expect: [
      [from('198.18.0.7'), false],
      [from('198.18.0.8'), true],
      [from('198.18.0.11'), true],
      [from('198.18.0.12'), false],
    ],
  },
  {
    corner: 20,
    title: 'an empty set under negation holds for everyone',
    world: only({ not_src_ip_set_ids: ['s:0'] }, { 's:0': { type: 'net', members: [] } }),
    expect: [
      [from('198.18.0.1'), true],
      [from('2001:db8::1'), true],
    ],
  },
  {
    corner: 21,
    title: 'an empty set matches nobody',
    world: only({ src_ip_set_ids: ['s:0'] }, { 's:0': { type: 'net', members: [] } }),
    expect: [
      [from('198.18.0.1'), false],
      [from('2001:db8::1'), false],
    ],
  },
  {
    corner: 22,
    title: 'a numeric port or a member of the named set: either is enough',
    world: only(
      {
        protocol: TCP,
        dst_ports: [{ first: 80, last: 80 }],
        dst_named_port_ip_set_ids: ['n:1'],
      },
      { 'n:1': { type: 'port', members: ['10.65.0.1,tcp:8080'] } },
    ),
    expect: [
      [send('wire', 'a', tcp(8080)), true],
      [send('wire', 'a', tcp(80)), true],
      [send('wire', 'a', tcp(81)), false],
    ],
  },
  {
    corner: 23,
    title: 'a named set that holds the port for another address does not match',
    world: only(
      { protocol: TCP, dst_named_port_ip_set_ids: ['n:1'] },
      { 'n:1': { type: 'port', members: ['10.65.0.2,tcp:8080', 'fd65::1,tcp:8080'] } },
    ),
    expect: [
      [send('wire', 'a', tcp(8080)), false],
      [send('wire', 'a', tcp(8080), { family: 6 }), true],
    ],
  },
  {
    corner: 24,
    title: 'a named set that holds the port for another protocol does not match',
    world: only(
      { protocol: TCP, dst_named_port_ip_set_ids: ['n:1'] },
      { 'n:1': { type: 'port', members: ['10.65.0.1,udp:53'] } },
    ),
    expect: [
      [send('wire', 'a', tcp(53)), false],
      [send('wire', 'a', udp(53)), false],
    ],
  },
  {
    corner: 25,
    title: 'a named set member of protocol sctp matches protocol 132',
    world: only(
      { protocol: { number: 132 }, dst_named_port_ip_set_ids: ['n:1'] },
      { 'n:1': { type: 'port', members: ['10.65.0.1,sctp:5060'] } },
    ),
    expect: [
      [send('wire', 'a', sctp(5060)), true],
      [send('wire', 'a', sctp(5061)), false],
      [send('wire', 'a', tcp(5060)), false],
    ],
  },
  {
    corner: 26,
    title: 'type 0 is a type of its own; without a type all of ICMP matches',
    world: {
      ...only({}),
      policies: {
        p: {
          inbound: [
            { action: 'deny', ip_version: 4, protocol: { name: 'icmp' }, icmp_type: 0 },
            { action: 'allow', ip_version: 4, protocol: { name: 'icmp' } },
          ],
        },
      },
      config: { DisableConntrackInvalidCheck: 'true' },
    },
    expect: [
      [send('wire', 'a', icmp(0)), false],
      [send('wire', 'a', icmp(8)), true],
      [send('wire', 'a', icmp(3, 1)), true],
      [send('wire', 'a', tcp(80)), false],
    ],
  },
  {
    corner: 27,
    title: 'type and code both count; an absent code is code 0',
    world: {
      ...only({}),
      policies: {
        p: {
          inbound: [
            { action: 'allow', protocol: { name: 'icmp' }, icmp_type_code: { type: 3, code: 4 } },
            { action: 'allow', protocol: { name: 'icmp' }, icmp_type_code: { type: 8 } },
          ],
        },
      },
      config: { DisableConntrackInvalidCheck: 'true' },
    },
    expect: [
      [send('wire', 'a', icmp(3, 1)), false],
      [send('wire', 'a', icmp(3, 4)), true],
      [send('wire', 'a', icmp(8, 0)), true],
      [send('wire', 'a', icmp(8, 1)), false],
    ],
  },
  {
    corner: 28,
    title: 'protocol number 1 with a type is ICMP of IPv4, whatever the IP version says',
    world: only({ protocol: { number: 1 }, icmp_type: 8 }),
    expect: [
      [send('wire', 'a', icmp(8)), true],
      [send('wire', 'a', icmpv6(128)), false],
      [send('wire', 'a', icmpv6(8)), false],
    ],
  },
  {
    corner: 29,
    title: 'protocol name icmp comes with IP version 4',
    world: only({ ip_version: 4, protocol: { name: 'icmp' } }),
    expect: [
      [send('wire', 'a', icmp(8)), true],
      [send('wire', 'a', icmpv6(128)), false],
    ],
  },
  {
    corner: 31,
    title: 'an HTTP condition is left to a proxy: the rest of the rule decides',
    world: only({
      protocol: TCP,
      dst_ports: [{ first: 80, last: 80 }],
      http_match: { methods: ['GET'] },
    }),
    expect: [
      [send('wire', 'a', tcp(80)), true],
      [send('wire', 'a', tcp(443)), false],
    ],
  },
  {
    corner: 32,
    title: 'an address and port set: another protocol on the right port does not match',
    world: only(
      { dst_ip_port_set_ids: ['svc:1'] },
      { 'svc:1': { type: 'port', members: ['10.65.0.1,tcp:8080', 'fd65::1,udp:53'] } },
    ),
    expect: [
      [send('wire', 'a', tcp(8080)), true],
      [send('wire', 'a', udp(8080)), false],
      [send('wire', 'a', udp(53), { family: 6 }), true],
      [send('wire', 'a', tcp(8081)), false],
    ],
  },
];
