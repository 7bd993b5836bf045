/** An endpoint's tiers in one direction (felix-protocol: tiers): which of them are there, and the lists they ask. */
import type { ProfileName } from '../../model/ids.js';
import type { Tier } from '../../model/policy.js';
import type { Catalog } from './catalog.js';
import type { RuleList, RuleOrigin, TierProgram } from './program.js';

/** What tiers are built from. */
export type RuleLists = Pick<Catalog, 'policyList' | 'profileList'>;

/**
 * Tiers that are there in this direction, in the order Felix gave. A tier without an enforced policy in the direction
 * is none: neither its staged policies nor its default action have any effect.
 */
export function tierPrograms(
  tiers: readonly Tier[],
  direction: RuleOrigin['direction'],
  lists: RuleLists,
): TierProgram[] {
  return tiers.flatMap((tier) => {
    const policies = tierPolicies(tier, direction, lists);
    const { name, defaultAction } = tier;
    return policies.length === 0 ? [] : [{ name, policies, defaultAction }];
  });
}

function tierPolicies(
  tier: Tier,
  direction: RuleOrigin['direction'],
  lists: RuleLists,
): RuleList[] {
  const enforced = tier[direction].filter(({ staged }) => !staged);
  const unique = new Map(enforced.map((ref) => [ref.key, ref]));
  return [...unique.values()].map(({ key, id }) => lists.policyList(key, id, tier.name, direction));
}

/** Lists of an endpoint's profiles, in the order Felix gave. */
export function profileLists(
  profiles: readonly ProfileName[],
  direction: RuleOrigin['direction'],
  lists: RuleLists,
): RuleList[] {
  return [...new Set(profiles)].map((name) => lists.profileList(name, direction));
}
