/** Which way packets to other nodes' addresses take, and what becomes of encapsulated packets. */
import { protocol, send, tcp, udp } from '../felix/packets.js';
import type { World } from '../felix/world.js';
import type { CornerCase, Expectation } from './case.js';
import { DENY_FORWARD, host, OPEN, PASS, type PathCase } from './path-case.js';

const REMOTE_BLOCK = {
  types: 1,
  ip_pool_type: 2,
  dst: '10.66.0.0/26',
  dst_node_name: 'node-b',
  dst_node_ip: '172.30.0.2',
};
const PLAIN_BLOCK = { ...REMOTE_BLOCK, ip_pool_type: 1 };
const PLAIN_BLOCK_V6 = { ...PLAIN_BLOCK, dst: 'fd66::/122', dst_node_ip: 'fd30::2' };
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

/** Addresses of other nodes, and encapsulated traffic. */
export const OVERLAY_CASES: readonly PathCase[] = [
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
  {
    title: 'blocks without encapsulation are on the wire, both families',
    world: { ...OPEN, routes: [PLAIN_BLOCK, PLAIN_BLOCK_V6] },
    expect: [
      [send('a', 'wire', tcp(80), TO_REMOTE_POD), true],
      [send('host', 'wire', tcp(80), { destination: 'fd66::9' }), true],
      [send('wire', 'a', tcp(80), REMOTE_POD), true],
    ],
  },
  {
    title: 'an address that another node borrowed from our block is there; its neighbours are not',
    world: {
      ...OPEN,
      ...VXLAN,
      routes: [
        { ...REMOTE_BLOCK, dst: '10.65.0.20/32', borrowed: true },
        { ...REMOTE_BLOCK, dst: '10.65.0.21/32', borrowed: true, same_subnet: true },
        { ...PLAIN_BLOCK, dst: '10.65.0.22/32', borrowed: true },
        { ...PLAIN_BLOCK_V6, dst: 'fd65::22/128', borrowed: true },
      ],
    },
    expect: [
      ...['10.65.0.20', '10.65.0.21', '10.65.0.22', 'fd65::22'].flatMap(
        (destination): Expectation[] => [
          [send('a', 'wire', tcp(80), { destination }), true],
          [send('host', 'wire', tcp(80), { destination }), true],
        ],
      ),
      [send('a', 'wire', tcp(80), { destination: '10.65.0.19' }), false],
      [send('a', 'wire', tcp(80), { destination: '10.65.0.23' }), false],
    ],
  },
  {
    title: 'a pod of ours that borrowed from a remote block is here; its neighbours are not',
    world: {
      ...OPEN,
      ...VXLAN,
      pods: { ...OPEN.pods, c: { profiles: ['open'], fields: { ipv4_nets: ['10.66.0.7/32'] } } },
      routes: [REMOTE_BLOCK, { types: 4, ip_pool_type: 2, dst: '10.66.0.7/32', borrowed: true }],
    },
    expect: [
      [send('a', 'c', tcp(80), { destination: '10.66.0.7' }), true],
      [send('wire', 'c', tcp(80), { source: '10.66.0.9', destination: '10.66.0.7' }), true],
      [send('c', 'wire', tcp(80), { source: '10.66.0.7', destination: '10.66.0.9' }), true],
      [send('wire', 'a', tcp(80), { source: '10.66.0.7' }), false],
    ],
  },
  {
    title: 'an address that a pod of ours gave back to another node’s block is there again',
    world: {
      ...OPEN,
      ...VXLAN,
      routes: [REMOTE_BLOCK, { types: 4, ip_pool_type: 2, dst: '10.66.0.7/32', borrowed: true }],
    },
    then: [{ route_remove: { dst: '10.66.0.7/32' } }],
    expect: [[send('a', 'wire', tcp(80), { destination: '10.66.0.7' }), true]],
  },
  {
    title: 'a pod that moves to another node with its address leaves our block by its own route',
    world: {
      ...OPEN,
      ...VXLAN,
      routes: [{ types: 4, ip_pool_type: 2, dst: '10.65.0.2/32', local_workload: true }],
    },
    then: [
      {
        workload_endpoint_remove: {
          id: { orchestrator_id: 'k8s', workload_id: 'default/b', endpoint_id: 'eth0' },
        },
      },
      { route_update: { ...REMOTE_BLOCK, dst: '10.65.0.2/32', borrowed: true } },
    ],
    expect: [
      [send('a', 'wire', tcp(80), { destination: '10.65.0.2' }), true],
      [send('wire', 'a', tcp(80), { source: '10.65.0.2' }), true],
    ],
  },
];

/** Corner cases of the seventy whose packets go to or come from other nodes. */
export const OVERLAY_CORNER_CASES: readonly CornerCase[] = [
  {
    corner: 34,
    title:
      'another node, and a pod of its behind the tunnel, do not reach a pod that denies ingress',
    world: { ...OPEN, ...VXLAN, pods: { a: {}, b: { profiles: ['open'] } } },
    expect: [
      [send('wire', 'a', tcp(80), { source: '172.30.0.2' }), false],
      [send('wire', 'a', tcp(80), REMOTE_POD), false],
      [send('wire', 'b', tcp(80), REMOTE_POD), true],
      [send('host', 'a', tcp(80)), true],
    ],
  },
  {
    corner: 39,
    title: 'a pod’s own VXLAN is denied towards nodes that VXLAN leads to, and inside the tunnel',
    world: { ...OPEN, ...VXLAN },
    expect: [
      [send('a', 'wire', udp(4789), { destination: '172.30.0.2' }), false],
      [send('a', 'wire', udp(4789), TO_REMOTE_POD), false],
      [send('a', 'wire', udp(4790), TO_REMOTE_POD), true],
    ],
  },
  {
    corner: 40,
    title: 'a pod’s own IP in IP is denied towards other nodes and inside the tunnel',
    world: { ...OPEN, ...VXLAN },
    expect: [
      [send('a', 'wire', protocol(4), { destination: '172.30.0.2' }), false],
      [send('a', 'wire', protocol(4), TO_REMOTE_POD), false],
    ],
  },
  {
    corner: 41,
    title: 'a pod does not send as a pod of another node, nor as one whose address left our block',
    world: { ...OPEN, ...VXLAN, routes: [REMOTE_BLOCK, { ...REMOTE_BLOCK, dst: '10.65.0.20/32' }] },
    expect: [
      [send('a', 'wire', tcp(80), REMOTE_POD), false],
      [send('a', 'b', tcp(80), { source: '10.65.0.20' }), false],
      [send('wire', 'b', tcp(80), { source: '10.65.0.20' }), true],
    ],
  },
  {
    corner: 52,
    title: 'a host endpoint without forward tiers lets pods’ traffic through, tunnel or not',
    world: host({ eth0: { name: 'eth0' } }, { ...VXLAN, routes: [REMOTE_BLOCK, PLAIN_BLOCK_V6] }),
    expect: [
      [send('a', 'wire', tcp(80), TO_REMOTE_POD), true],
      [send('a', 'wire', tcp(80), { destination: 'fd66::9' }), true],
      [send('wire', 'a', tcp(80), REMOTE_POD), true],
      [send('wire', 'host', tcp(80), { source: '172.30.0.2' }), false],
    ],
  },
];
