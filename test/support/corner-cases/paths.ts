/** What decides beside the 70 corner cases: who holds an address, which port a packet takes, and in which order ports ask. */
import { icmp, icmpv6, send, tcp, udp } from '../felix/packets.js';
import { podMessage } from '../felix/world.js';
import { OVERLAY_CASES } from './overlay-paths.js';
import {
  DENY_FORWARD,
  host,
  HOST_POLICIES,
  OPEN,
  OPEN_PODS,
  PASS,
  type PathCase,
} from './path-case.js';

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

/** All of them. */
export const PATH_CASES: readonly PathCase[] = [...ADDRESS_CASES, ...HOST_CASES, ...OVERLAY_CASES];
