/** Corner cases 60 to 68: what messages mean for the state, shown by packets. */
import type { Message } from '../felix/wire.js';
import { send, tcp } from '../felix/packets.js';
import { KNS, podMessage, setMessage, type World } from '../felix/world.js';
import type { CornerCase } from './case.js';

/** Ingress to `a` is allowed for the members of one set. */
const MEMBERS: World = {
  sets: { 's:1': { type: 'net', members: ['198.18.0.0/24', '198.18.0.8/30'] } },
  policies: { p: { inbound: [{ action: 'allow', src_ip_set_ids: ['s:1'] }] } },
  profiles: { open: KNS },
  pods: { a: { tiers: [{ ingress: ['p'], default: 'Deny' }] }, b: { profiles: ['open'] } },
};

const from = (source: string) => send('wire', 'a', tcp(80), { source });

const REMOVE_B: Message = {
  workload_endpoint_remove: {
    id: { orchestrator_id: 'k8s', workload_id: 'default/b', endpoint_id: 'eth0' },
  },
};

/** The corner cases of changes. */
export const CHANGE_CASES: readonly CornerCase[] = [
  {
    corner: 60,
    title: 'a whole membership for a known set replaces, it does not merge',
    world: MEMBERS,
    then: [setMessage('s:1', { type: 'net', members: ['203.0.113.0/24'] })],
    expect: [
      [from('198.18.0.1'), false],
      [from('203.0.113.255'), true],
    ],
  },
  {
    corner: 61,
    title: 'a nested prefix removed leaves the covering one, and the other way round',
    world: MEMBERS,
    then: [{ ipset_delta_update: { id: 's:1', removed_members: ['198.18.0.8/30'] } }],
    expect: [
      [from('198.18.0.9'), true],
      [from('198.18.0.1'), true],
    ],
  },
  {
    corner: 61,
    title: 'a covering prefix removed leaves the nested one',
    world: MEMBERS,
    then: [{ ipset_delta_update: { id: 's:1', removed_members: ['198.18.0.0/24'] } }],
    expect: [
      [from('198.18.0.9'), true],
      [from('198.18.0.1'), false],
    ],
  },
  {
    corner: 62,
    title: 'the deny-all profile that Felix sends for a missing one denies',
    world: {
      profiles: {
        gone: { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] },
        open: KNS,
      },
      pods: { a: { profiles: ['gone', 'open'] }, b: { profiles: ['open'] } },
    },
    expect: [
      [send('b', 'a', tcp(80)), false],
      [send('a', 'b', tcp(80)), false],
    ],
  },
  {
    corner: 63,
    title: 'an update with another address: the old one belongs to nobody any more',
    world: {
      profiles: { open: KNS },
      pods: { a: { profiles: ['open'] }, b: { profiles: ['open'] } },
    },
    then: [podMessage('b', { profiles: ['open'], fields: { ipv4_nets: ['10.65.0.7/32'] } })],
    expect: [
      [send('a', 'b', tcp(80)), false],
      [send('a', 'b', tcp(80), { destination: '10.65.0.7' }), true],
      [send('b', 'a', tcp(80)), false],
      [send('b', 'a', tcp(80), { source: '10.65.0.7' }), true],
    ],
  },
  {
    corner: 63,
    title: 'the address of a pod that went is free for the next one',
    world: {
      profiles: { open: KNS },
      pods: { a: { profiles: ['open'] }, b: { profiles: ['open'] } },
    },
    then: [
      REMOVE_B,
      podMessage('c', { profiles: ['open'], fields: { ipv4_nets: ['10.65.0.2/32'] } }),
    ],
    expect: [
      [send('a', 'c', tcp(80), { destination: '10.65.0.2' }), true],
      [send('b', 'a', tcp(80)), false],
    ],
  },
  {
    corner: 64,
    title: 'a policy that no endpoint names has no effect',
    world: {
      policies: { everywhere: { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] } },
      profiles: { open: KNS },
      pods: { a: { profiles: ['open'] }, b: { profiles: ['open'] } },
    },
    expect: [[send('a', 'b', tcp(80)), true]],
  },
  {
    corner: 65,
    title: 'a second configuration in mid session changes what it says and resets nothing',
    world: {
      profiles: { open: KNS },
      pods: { a: { profiles: ['open'] }, b: { profiles: ['open'] } },
    },
    then: [{ config_update: { config: { FelixHostname: 'node-a', ClusterType: 'k8s,bgp' } } }],
    expect: [
      [send('a', 'b', tcp(80)), true],
      [send('wire', 'a', tcp(80)), true],
    ],
  },
  {
    corner: 68,
    title: 'one name in two namespaces: two policies, equal rule ids or not',
    world: {
      policies: {
        'default/p': { inbound: [{ action: 'allow', rule_id: 'AAAAAAAAAAAAAAAA' }] },
        'other/p': { inbound: [{ action: 'deny', rule_id: 'AAAAAAAAAAAAAAAA' }] },
      },
      profiles: { open: KNS },
      pods: {
        a: { tiers: [{ ingress: ['default/p'] }], profiles: ['open'] },
        b: { tiers: [{ ingress: ['other/p'] }], profiles: ['open'] },
      },
    },
    expect: [
      [send('b', 'a', tcp(80)), true],
      [send('a', 'b', tcp(80)), false],
    ],
  },
];
