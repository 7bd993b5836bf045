/** Corner cases 50 to 59: the policy of the node's own interface. */
import { icmp, send, tcp, udp } from '../felix/packets.js';
import { KNS, type HostEndpointDraft, type PolicyDraft, type World } from '../felix/world.js';
import type { CornerCase } from './case.js';

const POLICIES: Record<string, PolicyDraft> = {
  allow: { inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }] },
  deny: { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] },
  'no-test-net': {
    inbound: [{ action: 'deny', dst_net: ['192.0.2.0/24'] }],
    outbound: [{ action: 'deny', dst_net: ['192.0.2.0/24'] }],
  },
  'allow-80': {
    inbound: [{ action: 'allow', protocol: { name: 'tcp' }, dst_ports: [{ first: 80, last: 80 }] }],
  },
  'node-port': {
    preDnat: true,
    inbound: [
      { action: 'allow', protocol: { number: 6 }, dst_ports: [{ first: 30000, last: 32767 }] },
    ],
  },
  untracked: {
    untracked: true,
    inbound: [
      { action: 'allow', protocol: { name: 'udp' }, dst_ports: [{ first: 53, last: 53 }] },
      { action: 'allow', ip_version: 4, protocol: { name: 'icmp' } },
    ],
  },
};

/** Two open pods beside the host endpoints. */
function world(hostEndpoints: Record<string, HostEndpointDraft>, rest: World = {}): World {
  return {
    policies: POLICIES,
    profiles: { open: KNS },
    pods: { a: { profiles: ['open'] }, b: { profiles: ['open'] } },
    hostEndpoints,
    ...rest,
  };
}

/** The corner cases of host endpoints. */
export const HOST_ENDPOINT_CASES: readonly CornerCase[] = [
  {
    corner: 50,
    title: 'a host endpoint without policy: failsafe ports alone',
    world: world({ 'node-a': { name: 'eth0' } }),
    expect: [
      [send('wire', 'host', tcp(22)), true],
      [send('wire', 'host', tcp(22), { family: 6 }), true],
      [send('wire', 'host', tcp(8080)), false],
      [send('wire', 'host', udp(22)), false],
      [send('host', 'wire', udp(53)), true],
      [send('host', 'wire', tcp(22)), false],
      [send('wire', 'host', icmp(8)), false],
    ],
  },
  {
    corner: 51,
    title: 'inbound failsafes "none": not even SSH',
    world: world({ 'node-a': { name: 'eth0' } }, { config: { FailsafeInboundHostPorts: 'None' } }),
    expect: [
      [send('wire', 'host', tcp(22)), false],
      [send('host', 'wire', udp(53)), true],
    ],
  },
  {
    corner: 51,
    title: 'failsafes with a prefix hold for that remote side and its family',
    world: world(
      { 'node-a': { name: 'eth0' } },
      {
        config: {
          FailsafeInboundHostPorts: 'tcp:198.18.0.0/24:22,tcp:[2001:db8::/32]:2222,9000',
          FailsafeOutboundHostPorts: 'udp:198.18.0.8/29:53',
        },
      },
    ),
    expect: [
      [send('wire', 'host', tcp(22)), true],
      [send('wire', 'host', tcp(22), { source: '198.18.1.0' }), false],
      [send('wire', 'host', tcp(22), { family: 6 }), false],
      [send('wire', 'host', tcp(2222), { family: 6 }), true],
      [send('wire', 'host', tcp(2222)), false],
      [send('wire', 'host', tcp(9000)), true],
      [send('wire', 'host', udp(9000)), false],
      [send('host', 'wire', udp(53)), true],
      [send('host', 'wire', udp(53), { destination: '198.18.0.7' }), false],
    ],
  },
  {
    corner: 52,
    title: 'no forward tiers: routed traffic passes, the pod’s policy still decides',
    world: world(
      { 'node-a': { name: 'eth0', tiers: [{ ingress: ['deny'], egress: ['deny'] }] } },
      { pods: { a: { profiles: ['open'] }, b: {} } },
    ),
    expect: [
      [send('wire', 'a', tcp(80)), true],
      [send('a', 'wire', tcp(80)), true],
      [send('wire', 'b', tcp(80)), false],
      [send('wire', 'host', tcp(80)), false],
    ],
  },
  {
    corner: 53,
    title: 'forward tiers of ingress alone do not deny what leaves',
    world: world({ 'node-a': { name: 'eth0', forward: [{ ingress: ['deny'], default: 'Deny' }] } }),
    expect: [
      [send('a', 'wire', tcp(80)), true],
      [send('wire', 'a', tcp(80)), false],
      [send('host', 'a', tcp(80)), true],
    ],
  },
  {
    corner: 54,
    title: 'a preDNAT allow skips the host’s own policy, never the pod’s',
    world: world(
      {
        'node-a': {
          name: 'eth0',
          preDnat: [{ ingress: ['node-port'], default: 'Pass' }],
          tiers: [{ ingress: ['deny'] }],
          forward: [{ ingress: ['deny'], default: 'Deny' }],
        },
      },
      { pods: { a: { profiles: ['open'] }, b: {} } },
    ),
    expect: [
      [send('wire', 'host', tcp(30080)), true],
      [send('wire', 'a', tcp(30080)), true],
      [send('wire', 'a', tcp(29999)), false],
      [send('wire', 'b', tcp(30080)), false],
    ],
  },
  {
    corner: 55,
    title:
      'an untracked allow inbound does not cover the reply, which is INVALID or meets normal policy',
    world: world({
      'node-a': { name: 'eth0', untracked: [{ ingress: ['untracked'], default: 'Pass' }] },
    }),
    expect: [
      [send('wire', 'host', udp(53)), true],
      [send('host', 'wire', udp(40000, 53)), false],
      [send('wire', 'host', icmp(8)), true],
      [send('host', 'wire', icmp(0)), false],
    ],
  },
  {
    corner: 55,
    title: 'a packet that untracked policy allowed meets no INVALID check, at the pod neither',
    world: world({
      'node-a': {
        name: 'eth0',
        untracked: [{ ingress: ['untracked'], default: 'Pass' }],
        forward: [{ ingress: ['deny'], default: 'Deny' }],
      },
    }),
    expect: [
      [send('wire', 'a', icmp(0)), true],
      [send('a', 'wire', icmp(0)), false],
    ],
  },
  {
    corner: 56,
    title: 'untracked and preDNAT policies live in host endpoints alone: no effect on pods',
    world: world({}),
    expect: [
      [send('a', 'b', udp(53)), true],
      [send('a', 'b', tcp(30080)), true],
      [send('wire', 'a', icmp(0)), false],
    ],
  },
  {
    corner: 57,
    title: 'a name that no interface has matches nothing, expected addresses or not',
    world: world({ 'node-a': { name: 'eth9', expected: ['172.30.0.1'] } }),
    expect: [
      [send('wire', 'host', tcp(8080)), true],
      [send('host', 'wire', tcp(8080)), true],
    ],
  },
  {
    corner: 57,
    title: 'without a name an expected address finds the interface; the smallest id wins',
    world: world({
      z: { name: 'eth0', tiers: [{ ingress: ['allow'], egress: ['allow'] }] },
      m: { expected: ['172.31.0.1'], tiers: [{ ingress: ['allow'] }] },
      n: { expected: ['192.0.2.1', 'fd30::1'], tiers: [{ ingress: ['allow-80'] }] },
    }),
    expect: [
      [send('wire', 'host', tcp(80)), true],
      [send('wire', 'host', tcp(8080)), false],
    ],
  },
  {
    corner: 58,
    title: '"*" and a specific endpoint: the interface uses its own only',
    world: world({
      any: { name: '*', tiers: [{ ingress: ['deny'] }], forward: [{ egress: ['deny'] }] },
      eth0: {
        name: 'eth0',
        tiers: [{ ingress: ['allow'] }],
        forward: [{ ingress: ['allow'], egress: ['allow'] }],
      },
    }),
    expect: [
      [send('wire', 'host', tcp(8080)), true],
      [send('a', 'wire', tcp(80)), true],
      [send('wire', 'a', tcp(80)), false],
    ],
  },
  {
    corner: 58,
    title: '"*" alone speaks for the interface',
    world: world({ any: { name: '*', tiers: [{ ingress: ['allow-80'] }] } }),
    expect: [
      [send('wire', 'host', tcp(80)), true],
      [send('wire', 'host', tcp(8080)), false],
      [send('host', 'a', tcp(8080)), true],
    ],
  },
  {
    corner: 59,
    title: '"*" with applyOnForward denies what a pod may send to',
    world: world({
      any: {
        name: '*',
        tiers: [{ ingress: ['no-test-net'], egress: ['no-test-net'], default: 'Pass' }],
        forward: [{ ingress: ['no-test-net'], egress: ['no-test-net'], default: 'Pass' }],
      },
    }),
    expect: [
      [send('a', 'wire', tcp(80), { destination: '192.0.2.1' }), false],
      [send('a', 'wire', tcp(80)), true],
      [send('a', 'b', tcp(80)), true],
    ],
  },
];
