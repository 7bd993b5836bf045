/** Corner cases 33 to 49: pods, their host, and what pods may never send. */
import { icmpv6, protocol, send, tcp, udp } from '../felix/packets.js';
import { KNS, podMessage, type World } from '../felix/world.js';
import type { CornerCase } from './case.js';

const OPEN: World = { profiles: { open: KNS }, pods: { a: { profiles: ['open'] } } };

/** `a` may send everything and receives nothing; `b` the other way round. */
const CLOSED: World = {
  policies: { in: { inbound: [] }, out: { outbound: [] } },
  profiles: { open: KNS },
  pods: {
    a: { tiers: [{ ingress: ['in'], default: 'Deny' }], profiles: ['open'] },
    b: { tiers: [{ egress: ['out'], default: 'Deny' }], profiles: ['open'] },
  },
};

const SPOOFING: World = {
  config: { WorkloadSourceSpoofing: 'Any' },
  profiles: { open: KNS },
  pods: {
    a: { profiles: ['open'], fields: { allow_spoofed_source_prefixes: ['192.0.2.0/24'] } },
    b: { profiles: ['open'] },
  },
};

function toHost(action: string): World {
  return { ...OPEN, config: { DefaultEndpointToHostAction: action } };
}

/** The corner cases of pods. */
export const WORKLOAD_CASES: readonly CornerCase[] = [
  {
    corner: 33,
    title: 'the host reaches a pod that denies ingress',
    world: CLOSED,
    expect: [
      [send('host', 'a', tcp(80)), true],
      [send('host', 'a', tcp(80), { family: 6 }), true],
    ],
  },
  {
    corner: 34,
    title: 'another node does not reach a pod that denies ingress',
    world: CLOSED,
    expect: [
      [send('wire', 'a', tcp(80), { source: '172.30.0.2' }), false],
      [send('wire', 'a', tcp(80), { source: 'fd30::2' }), false],
    ],
  },
  {
    corner: 35,
    title: 'pod to its own node under DROP: denied although its policy allows',
    world: toHost('DROP'),
    expect: [[send('a', 'host', tcp(80)), false]],
  },
  {
    corner: 35,
    title: 'pod to its own node without the setting: denied',
    world: OPEN,
    expect: [[send('a', 'host', tcp(80)), false]],
  },
  {
    corner: 35,
    title: 'pod to its own node under ACCEPT: allowed if its policy allows',
    world: { ...CLOSED, config: { DefaultEndpointToHostAction: 'ACCEPT' } },
    expect: [
      [send('a', 'host', tcp(80)), true],
      [send('b', 'host', tcp(80)), false],
    ],
  },
  {
    corner: 35,
    title: 'pod to its own node under RETURN: handed to the host',
    world: toHost('Return'),
    expect: [[send('a', 'host', tcp(80)), true]],
  },
  {
    corner: 37,
    title:
      'neighbour and listener discovery to the host passes a pod that denies egress, RA does not',
    world: CLOSED,
    expect: [
      ...[130, 131, 132, 133, 135, 136].map(
        (type) => [send('b', 'host', icmpv6(type)), true] as const,
      ),
      [send('b', 'host', icmpv6(134)), false],
      [send('b', 'host', icmpv6(135), { source: 'fe80::1', destination: 'ff02::1:ff00:1' }), true],
      [send('b', 'host', icmpv6(128)), false],
      [send('b', 'wire', icmpv6(135)), false],
    ],
  },
  {
    corner: 38,
    title: 'DHCP of a pod that denies egress: denied',
    world: CLOSED,
    expect: [[send('b', 'host', udp(67, 68), { destination: '172.30.0.1' }), false]],
  },
  {
    corner: 39,
    title: 'UDP to the VXLAN port from a pod: denied although its policy allows',
    world: OPEN,
    expect: [
      [send('a', 'wire', udp(4789)), false],
      [send('a', 'wire', udp(4789), { family: 6 }), false],
      [send('a', 'wire', udp(4790)), true],
      [send('a', 'wire', tcp(4789)), true],
    ],
  },
  {
    corner: 39,
    title: 'UDP to a VXLAN port of another number, and with the setting that allows it',
    world: {
      ...OPEN,
      config: { VXLANPort: '8472', AllowVXLANPacketsFromWorkloads: 'true' },
    },
    expect: [
      [send('a', 'wire', udp(4789)), true],
      [send('a', 'wire', udp(8472)), true],
    ],
  },
  {
    corner: 40,
    title: 'IP in IP from a pod: denied unless the setting allows it',
    world: OPEN,
    expect: [
      [send('a', 'wire', protocol(4)), false],
      [send('a', 'wire', protocol(4), { family: 6 }), false],
      [send('a', 'wire', protocol(47)), true],
    ],
  },
  {
    corner: 40,
    title: 'IP in IP from a pod with the setting: its policy decides',
    world: { ...OPEN, config: { AllowIPIPPacketsFromWorkloads: 'true' } },
    expect: [[send('a', 'wire', protocol(4)), true]],
  },
  {
    corner: 41,
    title: 'a source that is not the pod’s own: denied before policy',
    world: SPOOFING,
    expect: [
      [send('b', 'wire', tcp(80), { source: '10.65.0.1' }), false],
      [send('b', 'wire', tcp(80), { source: '192.0.2.1' }), false],
      [send('b', 'wire', tcp(80), { source: 'fd65::1' }), false],
      [send('b', 'wire', tcp(80)), true],
      [send('a', 'wire', tcp(80), { source: '192.0.2.255' }), true],
      [send('a', 'wire', tcp(80), { source: '192.0.3.0' }), false],
      [send('a', 'wire', tcp(80), { source: '172.30.0.1' }), false],
    ],
  },
  {
    corner: 42,
    title: 'Felix leaves out an endpoint that may not spoof as it asks: nothing passes',
    world: { profiles: { open: KNS }, pods: { b: { profiles: ['open'] } } },
    expect: [
      [send('a', 'b', tcp(80)), false],
      [send('b', 'a', tcp(80)), false],
      [send('host', 'a', tcp(80)), false],
    ],
  },
  {
    corner: 43,
    title: 'before its endpoint is told nothing of a pod passes; then its policy decides',
    world: { profiles: { open: KNS }, pods: { b: { profiles: ['open'] } } },
    then: [podMessage('a', { profiles: ['open'] })],
    expect: [
      [send('a', 'b', tcp(80)), true],
      [send('c', 'b', tcp(80)), false],
      [send('b', 'c', tcp(80)), false],
    ],
  },
  {
    corner: 44,
    title: 'the sender allows, the receiver denies: denied',
    world: CLOSED,
    expect: [
      [send('b', 'a', tcp(80)), false],
      [send('a', 'b', tcp(80)), true],
    ],
  },
  {
    corner: 49,
    title: 'an endpoint whose state is not active: nothing passes',
    world: {
      profiles: { open: KNS },
      pods: {
        a: { profiles: ['open'], fields: { state: 'inactive' } },
        b: { profiles: ['open'] },
      },
    },
    expect: [
      [send('a', 'b', tcp(80)), false],
      [send('b', 'a', tcp(80)), false],
      [send('wire', 'a', tcp(80)), false],
      [send('b', 'wire', tcp(80)), true],
    ],
  },
];
