/** Order of tiers and policies, and the lists that an endpoint gets of them (felix-protocol: tiers). */
import { encodeTierEntry } from '../../../driver/message.js';
import type { Draft, TierInfo } from '../../../gen/felix/types.js';
import { given } from '../given.js';
import type { PolicyResource, TierResource } from '../resources/resource.js';

/** A tier with its policies, in the order of evaluation. */
export interface OrderedTier {
  readonly tier: TierResource;
  readonly policies: readonly PolicyResource[];
}

/** Tier lists of one endpoint. A workload endpoint has only the normal ones. */
export interface EndpointTiers {
  readonly normal: Draft<TierInfo>[];
  readonly untracked: Draft<TierInfo>[];
  readonly preDnat: Draft<TierInfo>[];
  readonly forward: Draft<TierInfo>[];
}

/** Tiers by order, then name, with their policies by order, then name, namespace and kind. Policies of no tier are left out. */
export function orderTiers(
  tiers: readonly TierResource[],
  policies: readonly PolicyResource[],
): OrderedTier[] {
  return tiers
    .toSorted((a, b) => compareOrder(a, b) || compareText(a.name, b.name))
    .map((tier) => ({
      tier,
      policies: policies
        .filter((policy) => policy.tier === tier.name)
        .sort((a, b) => compareOrder(a, b) || compareText(sortName(a), sortName(b))),
    }));
}

/** The lists of an endpoint that these policies select. */
export function tiersOf(
  tiers: readonly OrderedTier[],
  selecting: ReadonlySet<PolicyResource>,
): EndpointTiers {
  const lists: EndpointTiers = { normal: [], untracked: [], preDnat: [], forward: [] };
  for (const { tier, policies } of tiers) {
    const own = policies.filter((policy) => selecting.has(policy));
    const tracked = own.filter(({ doNotTrack, preDnat }) => !doNotTrack && !preDnat);
    const forward = tracked.filter(({ applyOnForward }) => applyOnForward);
    addTier(lists.normal, tier.name, tier.defaultAction, tracked);
    addTier(lists.forward, tier.name, tier.defaultAction, forward);
    // What these two say nothing about goes on to the normal ones.
    const untracked = own.filter(({ doNotTrack }) => doNotTrack);
    addTier(lists.untracked, tier.name, 'Pass', untracked);
    const preDnat = own.filter((policy) => policy.preDnat && !policy.doNotTrack);
    addTier(lists.preDnat, tier.name, 'Pass', preDnat);
  }
  return lists;
}

function addTier(
  list: Draft<TierInfo>[],
  name: string,
  defaultAction: string,
  policies: readonly PolicyResource[],
): void {
  const entries = (direction: 'ingress' | 'egress'): Uint8Array[] =>
    policies
      .filter((policy) => policy[direction])
      .map(({ name: policy, namespace, kind }) =>
        encodeTierEntry(given({ name: policy, namespace, kind })),
      );
  const ingress = entries('ingress');
  const egress = entries('egress');
  if (ingress.length + egress.length === 0) return;
  list.push({
    name,
    ingress_policies: ingress,
    egress_policies: egress,
    default_action: defaultAction,
  });
}

function sortName({ name, namespace, kind }: PolicyResource): string {
  return `${name}/${namespace}/${kind}`;
}

function compareOrder(a: { readonly order: number }, b: { readonly order: number }): number {
  return a.order === b.order ? 0 : a.order - b.order;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
