/** Corner cases 1 to 14: tiers, profiles, actions. */
import { icmp, send, tcp } from '../felix/packets.js';
import { KNS, type RuleDraft, type World } from '../felix/world.js';
import type { CornerCase, Expectation } from './case.js';

const ALLOW: RuleDraft = { action: 'allow' };
const DENY: RuleDraft = { action: 'deny' };

/** Pod `a` as given; `b` open both ways, so that only `a` decides. */
function world(pod: NonNullable<World['pods']>[string], rest: World = {}): World {
  return {
    ...rest,
    profiles: { open: KNS, empty: {}, ...rest.profiles },
    pods: { a: pod, b: { profiles: ['open'] } },
  };
}

function ingress(allowed: boolean): Expectation {
  return [send('b', 'a', tcp(80)), allowed];
}

function egress(allowed: boolean): Expectation {
  return [send('a', 'b', tcp(80)), allowed];
}

/** The corner cases of tiers and profiles. */
export const TIER_CASES: readonly CornerCase[] = [
  {
    corner: 1,
    title: 'no tiers, an allowing namespace profile: allowed both ways',
    world: world({ profiles: ['open'] }),
    expect: [ingress(true), egress(true)],
  },
  {
    corner: 2,
    title: 'no tiers and no profiles: denied both ways',
    world: world({}),
    expect: [ingress(false), egress(false), [send('wire', 'a', tcp(80)), false]],
  },
  {
    corner: 3,
    title: 'an ingress policy without rules denies ingress and leaves egress to the profile',
    world: world(
      { tiers: [{ ingress: ['default/p'], default: 'Deny' }], profiles: ['open'] },
      { policies: { 'default/p': {} } },
    ),
    expect: [ingress(false), egress(true)],
  },
  {
    corner: 4,
    title: 'a tier with egress policies alone is skipped for ingress, default action included',
    world: world(
      { tiers: [{ egress: ['p'], default: 'Deny' }], profiles: ['open'] },
      { policies: { p: { outbound: [DENY] } } },
    ),
    expect: [ingress(true), egress(false)],
  },
  {
    corner: 5,
    title: 'a tier of staged policies passes to the next tier and the profiles',
    world: world(
      {
        tiers: [
          { name: 'first', ingress: ['staged:s'], egress: ['staged:s'], default: 'Deny' },
          { name: 'second', ingress: ['p'], default: 'Deny' },
        ],
        profiles: ['open'],
      },
      { policies: { 'staged:s': { inbound: [DENY], outbound: [DENY] }, p: { inbound: [ALLOW] } } },
    ),
    expect: [ingress(true), egress(true)],
  },
  {
    corner: 6,
    title: 'a staged deny before an enforced allow decides nothing',
    world: world(
      { tiers: [{ ingress: ['staged:s', 'p'], default: 'Deny' }] },
      { policies: { 'staged:s': { inbound: [DENY] }, p: { inbound: [ALLOW] } } },
    ),
    expect: [ingress(true)],
  },
  {
    corner: 7,
    title: 'a tier whose default is Pass and whose policies match nothing goes to the next tier',
    world: world(
      {
        tiers: [
          { name: 'first', ingress: ['p'], egress: ['p'], default: 'Pass' },
          { name: 'second', ingress: ['q'], default: 'Deny' },
        ],
        profiles: ['open'],
      },
      { policies: { p: {}, q: { inbound: [{ ...DENY }] } } },
    ),
    expect: [ingress(false), egress(true)],
  },
  {
    corner: 8,
    title: 'an empty default action with an enforced policy denies',
    world: world(
      { tiers: [{ ingress: ['p'], default: '' }], profiles: ['open'] },
      { policies: { p: {} } },
    ),
    expect: [ingress(false), egress(true)],
  },
  {
    corner: 9,
    title: 'a pass in the only tier goes to the profiles',
    world: world(
      { tiers: [{ ingress: ['p'], default: 'Deny' }], profiles: ['open'] },
      { policies: { p: { inbound: [{ action: 'next-tier' }, DENY] } } },
    ),
    expect: [ingress(true)],
  },
  {
    corner: 10,
    title: 'a pass in the last tier with a profile without rules denies',
    world: world(
      { tiers: [{ ingress: ['p'], default: 'Deny' }], profiles: ['empty'] },
      { policies: { p: { inbound: [{ action: 'pass' }] } } },
    ),
    expect: [ingress(false)],
  },
  {
    corner: 11,
    title: 'a pass in a profile is no allow: the next profile decides, or nothing does',
    world: world(
      { profiles: ['passing'] },
      { profiles: { passing: { inbound: [{ action: 'next-tier' }, ALLOW], outbound: [ALLOW] } } },
    ),
    expect: [ingress(false), egress(true)],
  },
  {
    corner: 11,
    title: 'a profile without a match, or a pass in one, leaves the packet to the next',
    world: world(
      { profiles: ['empty', 'passing', 'open'] },
      { profiles: { passing: { inbound: [{ action: 'pass' }], outbound: [{ action: 'pass' }] } } },
    ),
    expect: [ingress(true), egress(true)],
  },
  {
    corner: 12,
    title: 'a log rule decides nothing: the next rule or the default action does',
    world: world(
      { tiers: [{ ingress: ['p'], egress: ['p'], default: 'Deny' }], profiles: ['open'] },
      {
        policies: {
          p: { inbound: [{ action: 'log' }, ALLOW], outbound: [{ action: 'log' }] },
        },
      },
    ),
    expect: [ingress(true), egress(false)],
  },
  {
    corner: 13,
    title: 'an empty action allows',
    world: world(
      { tiers: [{ ingress: ['p'], default: 'Deny' }] },
      { policies: { p: { inbound: [{ action: '' }] } } },
    ),
    expect: [ingress(true)],
  },
  {
    corner: 14,
    title: 'a rule without conditions matches everything of both families',
    world: world(
      { tiers: [{ ingress: ['p'], default: 'Deny' }] },
      { policies: { p: { inbound: [ALLOW] } } },
    ),
    expect: [
      ingress(true),
      [send('b', 'a', tcp(80), { family: 6 }), true],
      [send('b', 'a', icmp(8)), true],
      [send('wire', 'a', { protocol: 47 }), true],
    ],
  },
];
