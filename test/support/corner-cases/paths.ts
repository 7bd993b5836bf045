/** What decides beside the 70 corner cases: who holds an address, which port a packet takes, and in which order ports ask. */
import { icmp, icmpv6, protocol, send, tcp, udp } from '../felix/packets.js';
import type { Message } from '../felix/wire.js';
import {
  KNS,
  podMessage,
  type HostEndpointDraft,
  type PolicyDraft,
  type World,
} from '../felix/world.js';
import type { Expectation } from './case.js';

/** A case without a number of its own. */
export interface PathCase {
  readonly title: string;
  readonly world: World;
  readonly then?: readonly Message[];
  readonly expect: readonly Expectation[];
  /** No object of OPI says it: for the oracle alone. */
  readonly isOracleOnly?: true;
}

const OPEN_PODS = { a: { profiles: ['open'] }, b: { profiles: ['open'] } };
const OPEN: World = { profiles: { open: KNS }, pods: OPEN_PODS };

const HOST_POLICIES: Record<string, PolicyDraft> = {
  allow: { inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }] },
  deny: { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] },
  'deny-23': {
    inbound: [{ action: 'deny', protocol: { name: 'tcp' }, dst_ports: [{ first: 23, last: 23 }] }],
    outbound: [{ action: 'deny', protocol: { name: 'tcp' }, dst_ports: [{ first: 23, last: 23 }] }],
  },
  'pre-deny-27': {
    preDnat: true,
    inbound: [{ action: 'deny', protocol: { name: 'tcp' }, dst_ports: [{ first: 27, last: 27 }] }],
  },
  'pre-allow-80': {
    preDnat: true,
    inbound: [{ action: 'allow', protocol: { name: 'tcp' }, dst_ports: [{ first: 80, last: 80 }] }],
  },
  'raw-deny': {
    untracked: true,
    inbound: [{ action: 'deny' }],
    outbound: [{ action: 'deny' }],
  },
  'raw-allow': {
    untracked: true,
    inbound: [{ action: 'allow' }],
    outbound: [{ action: 'allow' }],
  },
};

function host(hostEndpoints: Record<string, HostEndpointDraft>, rest: World = {}): World {
  return { ...OPEN, policies: HOST_POLICIES, hostEndpoints, ...rest };
}

const PASS = 'Pass';
const DENY_FORWARD = [{ ingress: ['deny'], egress: ['deny'], default: 'Deny' }];
const REMOTE_BLOCK = {
  types: 1,
  ip_pool_type: 2,
  dst: '10.66.0.0/26',
  dst_node_name: 'node-b',
  dst_node_ip: '172.30.0.2',
};
const VTEPS = [
  {
    node: 'node-a',
    mac: '66:00:00:00:00:01',
    ipv4_addr: '10.65.0.0',
    parent_device_ip: '172.30.0.1',
  },
  {
    node: 'node-b',
    mac: '66:00:00:00:00:02',
    ipv4_addr: '10.66.0.0',
    parent_device_ip: '172.30.0.2',
  },
];
const VXLAN: World = { routes: [REMOTE_BLOCK], vteps: VTEPS, encapsulation: { vxlan: true } };
const REMOTE_POD = { source: '10.66.0.9' };
const TO_REMOTE_POD = { destination: '10.66.0.9' };

/** Who holds which address. */
const ADDRESS_CASES: readonly PathCase[] = [
  {
    title: 'a free address of our own blocks is nowhere; one outside of them is on the wire',
    world: OPEN,
    expect: [
      [send('a', 'wire', tcp(80), { destination: '10.65.0.9' }), false],
      [send('a', 'wire', tcp(80), { destination: '10.65.0.63' }), false],
      [send('a', 'wire', tcp(80), { destination: '10.65.0.64' }), true],
      [send('host', 'wire', tcp(80), { destination: 'fd65::9' }), false],
      [send('host', 'wire', tcp(80), { destination: 'fd65::40' }), true],
    ],
  },
  {
    title: 'an address of the node belongs to the node, whatever an endpoint claims',
    world: {
      ...OPEN,
      pods: { ...OPEN_PODS, c: { profiles: ['open'], fields: { ipv4_nets: ['172.30.0.1/32'] } } },
      config: { DefaultEndpointToHostAction: 'ACCEPT' },
    },
    expect: [
      [send('a', 'host', tcp(80)), true],
      [send('c', 'b', tcp(80), { source: '172.30.0.1' }), false],
      [send('c', 'b', tcp(80), { family: 6 }), true],
    ],
  },
  {
    title: 'LOCAL_HOST routes tell further addresses of the node',
    world: {
      ...OPEN,
      config: { DefaultEndpointToHostAction: 'ACCEPT' },
      routes: [{ types: 8, dst: '192.0.2.7/32' }],
    },
    expect: [
      [send('a', 'host', tcp(80), { destination: '192.0.2.7' }), true],
      [send('a', 'wire', tcp(80), { destination: '192.0.2.8' }), true],
      [send('wire', 'a', tcp(80), { source: '192.0.2.7' }), false],
    ],
  },
  {
    title: 'of two endpoints with one address the smaller holds it',
    world: {
      ...OPEN,
      pods: {
        a: { profiles: ['open'], fields: { ipv4_nets: ['10.65.0.50/32'] } },
        b: { profiles: ['open'], fields: { ipv4_nets: ['10.65.0.50/32'] } },
      },
    },
    expect: [
      [send('wire', 'a', tcp(80), { destination: '10.65.0.50' }), true],
      [send('b', 'wire', tcp(80), { source: '10.65.0.50' }), false],
      [send('b', 'wire', tcp(80), { family: 6 }), true],
    ],
  },
  {
    title: 'of two endpoints on one interface the smaller is in force',
    world: {
      ...OPEN,
      pods: { a: { profiles: ['open'] }, b: { profiles: ['open'], fields: { name: 'calia' } } },
    },
    expect: [
      [send('wire', 'a', tcp(80)), true],
      [send('wire', 'b', tcp(80)), false],
    ],
  },
  {
    title: 'of two endpoints on one interface the other returns when the smaller goes',
    world: {
      ...OPEN,
      pods: { a: { profiles: ['open'] }, b: { profiles: ['open'], fields: { name: 'calia' } } },
    },
    then: [podMessage('a', { profiles: ['open'], fields: { name: 'cali-elsewhere' } })],
    expect: [
      [send('wire', 'a', tcp(80)), true],
      [send('wire', 'b', tcp(80)), true],
    ],
  },
  {
    title: 'a local source from the wire and a link-local source towards others pass nowhere',
    world: OPEN,
    expect: [
      [send('wire', 'a', tcp(80), { source: '10.65.0.2' }), false],
      [send('wire', 'a', tcp(80), { source: '172.30.0.1' }), false],
      [send('a', 'b', tcp(80), { source: 'fe80::1', destination: 'fd65::2' }), false],
      [send('wire', 'a', tcp(80), { source: 'fe80::1', destination: 'fd65::1' }), false],
    ],
  },
  {
    title: 'link-local, multicast and broadcast destinations are the node’s',
    world: { ...OPEN, config: { DefaultEndpointToHostAction: 'ACCEPT' } },
    expect: [
      [send('a', 'host', udp(53), { destination: '169.254.1.1' }), true],
      [send('a', 'host', udp(5353), { destination: '224.0.0.251' }), true],
      [send('a', 'host', udp(5353), { destination: 'ff02::fb' }), true],
      [send('a', 'host', udp(67, 68), { destination: '255.255.255.255' }), true],
    ],
  },
];

/** Which host endpoint is asked, and when. */
const HOST_CASES: readonly PathCase[] = [
  {
    title: 'a specific endpoint without preDNAT tiers does not hide those of "*"',
    world: host({
      eth0: { name: 'eth0', tiers: [{ ingress: ['allow'], egress: ['allow'] }] },
      any: { name: '*', preDnat: [{ ingress: ['pre-deny-27'], default: PASS }] },
    }),
    expect: [
      [send('wire', 'host', tcp(27)), false],
      [send('wire', 'host', tcp(28)), true],
      [send('wire', 'a', tcp(27)), false],
      [send('a', 'wire', tcp(27)), false],
      [send('a', 'b', tcp(27)), false],
      [send('host', 'a', tcp(27)), true],
    ],
  },
  {
    title:
      'a specific endpoint with preDNAT tiers hides those of "*" on its interface, not at pods',
    world: host({
      eth0: { name: 'eth0', preDnat: [{ ingress: ['pre-allow-80'], default: PASS }] },
      any: { name: '*', preDnat: [{ ingress: ['pre-deny-27'], default: PASS }] },
    }),
    expect: [
      [send('wire', 'a', tcp(27)), true],
      [send('a', 'wire', tcp(27)), false],
    ],
  },
  {
    title:
      'a preDNAT allow of "*" at a pod skips its ingress forward tiers, not the exit’s nor the pod’s policy',
    world: host(
      {
        any: {
          name: '*',
          preDnat: [{ ingress: ['pre-allow-80'], default: PASS }],
          forward: [{ ingress: ['deny'], egress: ['deny-23'], default: PASS }],
        },
      },
      { pods: { ...OPEN_PODS, c: {} } },
    ),
    expect: [
      [send('a', 'b', tcp(80)), true],
      [send('a', 'b', tcp(81)), false],
      [send('c', 'b', tcp(80)), false],
      [send('a', 'c', tcp(80)), false],
    ],
  },
  {
    title: 'forward tiers of "*" and of the interface a pod’s packet leaves by are both asked',
    world: host({
      eth0: { name: 'eth0', forward: [{ egress: ['deny-23'], default: PASS }] },
      any: { name: '*', forward: [{ ingress: ['allow'], egress: ['deny'], default: 'Deny' }] },
    }),
    expect: [
      [send('a', 'wire', tcp(80)), true],
      [send('a', 'wire', tcp(23)), false],
      [send('a', 'b', tcp(80)), false],
      [send('wire', 'a', tcp(80)), false],
      [send('host', 'a', tcp(80)), true],
    ],
  },
  {
    title: 'untracked tiers of "*" are ignored',
    world: host({
      any: {
        name: '*',
        untracked: [{ ingress: ['raw-deny'], egress: ['raw-deny'], default: PASS }],
        tiers: [{ ingress: ['allow'], egress: ['allow'] }],
      },
    }),
    expect: [
      [send('wire', 'host', tcp(80)), true],
      [send('host', 'wire', tcp(80)), true],
      [send('wire', 'a', tcp(80)), true],
    ],
  },
  {
    title: 'untracked egress is for what the node sends; forwarded packets never meet it',
    world: host({
      eth0: { name: 'eth0', untracked: [{ egress: ['raw-deny'], default: PASS }] },
    }),
    expect: [
      [send('a', 'wire', tcp(80)), true],
      [send('host', 'wire', tcp(80)), false],
      [send('host', 'wire', udp(53)), true],
    ],
  },
  {
    title:
      'untracked and preDNAT tiers continue even where an old Felix leaves their default empty',
    world: host(
      {
        eth0: {
          name: 'eth0',
          untracked: [{ ingress: ['raw-none'], default: '' }],
          preDnat: [{ ingress: ['pre-deny-27'], default: '' }],
          tiers: [{ ingress: ['allow'], egress: ['allow'] }],
        },
      },
      { policies: { ...HOST_POLICIES, 'raw-none': { untracked: true } } },
    ),
    expect: [
      [send('wire', 'host', tcp(80)), true],
      [send('wire', 'host', tcp(27)), false],
    ],
  },
  {
    title: 'an untracked allow skips the rest of the host’s policy; the pod’s still decides',
    world: host(
      {
        eth0: {
          name: 'eth0',
          untracked: [{ ingress: ['raw-allow'], default: PASS }],
          preDnat: [{ ingress: ['pre-deny-27'], default: PASS }],
          forward: DENY_FORWARD,
        },
      },
      { pods: { a: { profiles: ['open'] }, b: {} } },
    ),
    expect: [
      [send('wire', 'a', tcp(27)), true],
      [send('wire', 'host', tcp(8080)), true],
      [send('wire', 'b', tcp(27)), false],
    ],
  },
  {
    title:
      'in untracked policy a failsafe’s reply ends the stage: the packet stays tracked and policed',
    world: host({
      eth0: {
        name: 'eth0',
        untracked: [{ ingress: ['raw-deny'], egress: ['raw-deny'], default: PASS }],
      },
    }),
    expect: [
      [send('wire', 'host', udp(40000, 53)), false],
      [send('wire', 'host', tcp(22)), true],
      [send('wire', 'a', udp(40000, 53)), true],
      [send('wire', 'a', udp(40000, 54)), false],
    ],
  },
  {
    title:
      'INVALID packets: dropped where host policy is there, failsafes or not; passed where none is',
    world: host({ eth0: { name: 'eth0', tiers: [{ ingress: ['allow'], egress: ['allow'] }] } }),
    expect: [
      [send('wire', 'host', icmp(0)), false],
      [send('host', 'wire', icmp(3, 1)), false],
      [send('wire', 'host', icmpv6(129)), false],
      [send('wire', 'host', icmp(8)), true],
    ],
  },
  {
    title: 'INVALID packets: the node without host policy and what it sends to its pods',
    world: OPEN,
    expect: [
      [send('wire', 'host', icmp(0)), true],
      [send('host', 'wire', icmp(3, 1)), true],
      [send('host', 'a', icmp(0)), true],
      [send('host', 'a', icmpv6(1)), true],
      [send('wire', 'a', icmp(0)), false],
      [send('a', 'wire', icmpv6(129)), false],
    ],
  },
];

/** Encapsulated traffic. */
const OVERLAY_CASES: readonly PathCase[] = [
  {
    title: 'VXLAN from known nodes passes in front of host policy (an XPU ends the tunnel itself)',
    isOracleOnly: true,
    world: host({ eth0: { name: 'eth0', tiers: [{ ingress: ['deny'] }] } }, VXLAN),
    expect: [[send('wire', 'host', udp(4789), { source: '172.30.0.2' }), true]],
  },
  {
    title: 'VXLAN from unknown nodes is dropped; other ports meet host policy',
    world: host({ eth0: { name: 'eth0', tiers: [{ ingress: ['allow'] }] } }, VXLAN),
    expect: [
      [send('wire', 'host', udp(4789)), false],
      [send('wire', 'host', udp(4790)), true],
    ],
  },
  {
    title:
      'IP in IP from known nodes passes, from unknown ones it is dropped without host policy too',
    isOracleOnly: true,
    world: { ...OPEN, encapsulation: { ipip: true } },
    expect: [
      [send('wire', 'host', protocol(4), { source: '172.30.0.2' }), true],
      [send('wire', 'host', protocol(4)), false],
    ],
  },
  {
    title: 'what travels in a tunnel meets the forward tiers of "*" alone',
    world: host(
      {
        eth0: { name: 'eth0', forward: DENY_FORWARD },
        any: { name: '*', forward: [{ ingress: ['deny-23'], egress: ['deny-23'], default: PASS }] },
      },
      VXLAN,
    ),
    expect: [
      [send('wire', 'a', tcp(80), REMOTE_POD), true],
      [send('wire', 'a', tcp(23), REMOTE_POD), false],
      [send('a', 'wire', tcp(80), TO_REMOTE_POD), true],
      [send('a', 'wire', tcp(23), TO_REMOTE_POD), false],
      [send('a', 'wire', tcp(80)), false],
    ],
  },
  {
    title:
      'a remote block in our own subnet needs no tunnel: the interface’s forward tiers are asked',
    world: host(
      { eth0: { name: 'eth0', forward: DENY_FORWARD } },
      { ...VXLAN, routes: [{ ...REMOTE_BLOCK, same_subnet: true }] },
    ),
    expect: [[send('a', 'wire', tcp(80), TO_REMOTE_POD), false]],
  },
];

/** All of them. */
export const PATH_CASES: readonly PathCase[] = [...ADDRESS_CASES, ...HOST_CASES, ...OVERLAY_CASES];
