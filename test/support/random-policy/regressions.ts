/** Worlds and packets on which random runs or recordings found the judges to differ, as small as they could be made. */
import { addressBits, formatCidr, parseIp, prefixMask } from '../../../src/base/ip.js';
import { icmp, send, tcp, udp } from '../felix/packets.js';
import { KNS, type World } from '../felix/world.js';
import type { Trial } from './run.js';

/** A failure that was found once; the title says what was wrong. */
export interface Regression extends Trial {
  readonly title: string;
}

const PODS: World = {
  profiles: { open: KNS },
  pods: { a: { profiles: ['open'] }, b: { profiles: ['open'] } },
};
const HOST: World = {
  ...PODS,
  policies: { allow: { inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }] } },
  hostEndpoints: {
    eth0: { name: 'eth0', tiers: [{ ingress: ['allow'], egress: ['allow'], default: 'Deny' }] },
  },
};

/** A remote block of each family behind VXLAN. */
const TUNNELS: World = {
  routes: [
    ['10.66.0.0/26', '172.30.0.2'],
    ['fd66::/122', 'fd30::2'],
  ].map(([dst, dst_node_ip]) => ({
    types: 1,
    ip_pool_type: 2,
    dst,
    dst_node_name: 'node-b',
    dst_node_ip,
  })),
  vteps: ['1', '2'].map((number) => ({
    node: number === '1' ? 'node-a' : 'node-b',
    mac: `66:00:00:00:00:0${number}`,
    ipv4_addr: `10.6${4 + Number(number)}.0.0`,
    parent_device_ip: `172.30.0.${number}`,
    mac_v6: `66:00:00:00:06:0${number}`,
    ipv6_addr: `fd6${4 + Number(number)}::10`,
    parent_device_ipv6: `fd30::${number}`,
  })),
  encapsulation: { vxlan: true },
};

/** Prefixes of every length around an address, down to `shortest`. */
function nested(address: string, shortest: number): string[] {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(`${address} is no address`);
  const { family, value } = ip;
  return Array.from({ length: addressBits(family) - shortest + 1 }, (_, index) => {
    const length = shortest + index;
    return formatCidr({ family, value: value & prefixMask(family, length), length });
  });
}

/** `a` receives from one set of very many prefix lengths, unless sender or receiver are in others. */
const MANY_LENGTHS: World = {
  ...PODS,
  sets: {
    's:in': { type: 'net', members: [...nested('198.18.0.8', 1), ...nested('2001:db8::8', 1)] },
    's:out': { type: 'net', members: [...nested('203.0.113.128', 8), ...nested('2002::1', 16)] },
    's:far': { type: 'net', members: [...nested('172.30.0.1', 8), ...nested('fd30::1', 16)] },
  },
  policies: {
    p: {
      inbound: [
        {
          action: 'allow',
          src_ip_set_ids: ['s:in'],
          not_src_ip_set_ids: ['s:out', 's:far'],
          not_dst_ip_set_ids: ['s:far'],
        },
      ],
    },
  },
  pods: { ...PODS.pods, a: { tiers: [{ ingress: ['p'], default: 'Deny' }] } },
};

/** Every one of them. */
export const REGRESSIONS: readonly Regression[] = [
  {
    title: 'native denied at the end of untracked tiers where an old Felix left the default empty',
    world: {
      ...HOST,
      policies: { ...HOST.policies, none: { untracked: true } },
      hostEndpoints: {
        eth0: {
          name: 'eth0',
          tiers: [{ ingress: ['allow'] }],
          untracked: [{ ingress: ['none'], egress: ['none'], default: '' }],
        },
      },
    },
    probes: [send('wire', 'host', tcp(8080)), send('wire', 'a', udp(8080))],
  },
  {
    title: 'plain dropped INVALID packets that the node sends to its pods',
    world: PODS,
    probes: [send('host', 'a', icmp(0)), send('host', 'a', icmp(3, 1))],
  },
  {
    title: 'plain dropped INVALID packets that the node sends to its pods beside host policy',
    world: HOST,
    probes: [send('host', 'a', icmp(0)), send('host', 'wire', icmp(0))],
  },
  {
    title: 'plain dropped INVALID packets that the node sends into a tunnel beside host policy',
    world: {
      ...HOST,
      routes: [
        {
          types: 1,
          ip_pool_type: 2,
          dst: '10.66.0.0/26',
          dst_node_name: 'node-b',
          dst_node_ip: '172.30.0.2',
        },
      ],
      vteps: [
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
      ],
      encapsulation: { vxlan: true },
    },
    probes: [send('host', 'wire', icmp(0), { destination: '10.66.0.9' })],
  },
  {
    title:
      'native forwarded what a link-local address sent; the oracle sent multicast on to the wire',
    world: PODS,
    probes: [
      send('a', 'b', tcp(80), { source: 'fe80::1', destination: 'fd65::2' }),
      send('wire', 'host', udp(5353), { destination: 'ff02::fb' }),
    ],
  },
  {
    title: 'the kernel refused rules about sets of very many prefix lengths',
    world: MANY_LENGTHS,
    probes: [
      '198.18.0.8',
      '198.18.0.9',
      '128.0.0.1',
      '1.0.0.1',
      '203.0.113.128',
      '203.0.114.1',
      '172.16.0.1',
      '2001:db8::8',
      '2001:db8::9',
      '::2',
      '8000::1',
      '2002::1',
      '2003::1',
    ].map((source) => send('wire', 'a', tcp(80), { source })),
  },
  {
    title: 'the uplink’s preDNAT policy was asked for the outer packets of tunnels',
    world: {
      ...HOST,
      ...TUNNELS,
      policies: { ...HOST.policies, pre: { preDnat: true, inbound: [{ action: 'deny' }] } },
      hostEndpoints: { eth0: { name: 'eth0', preDnat: [{ ingress: ['pre'], default: 'Pass' }] } },
    },
    probes: [
      send('wire', 'a', tcp(80), { source: 'fd66::9' }),
      send('wire', 'a', tcp(80), { source: '10.66.0.9' }),
      send('wire', 'a', tcp(80), { family: 6 }),
    ],
  },
];
