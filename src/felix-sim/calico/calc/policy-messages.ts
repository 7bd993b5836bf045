/** Policies and profiles as messages. */
import type { ActivePolicyUpdate, ActiveProfileUpdate, Draft } from '../../../gen/felix/types.js';
import { given } from '../given.js';
import type { PolicyResource, ProfileResource } from '../resources/resource.js';
import { withRuleIds } from '../rules/rule-id.js';

/** What stands in for a profile that an endpoint names and nobody wrote: nothing passes. */
const MISSING_PROFILE: ProfileResource['rules'] = {
  inbound: [{ action: 'deny' }],
  outbound: [{ action: 'deny' }],
  sets: [],
};

/** A policy. */
export function policyMessage(
  policy: PolicyResource,
  originalSelector: string,
): Draft<ActivePolicyUpdate> {
  const { name, namespace, kind, rules } = policy;
  return {
    id: given({ name, namespace, kind }),
    policy: given({
      namespace,
      inbound_rules: withRuleIds(rules.inbound, `pol-in-default/${name}`),
      outbound_rules: withRuleIds(rules.outbound, `pol-out-default/${name}`),
      untracked: policy.doNotTrack,
      pre_dnat: policy.preDnat,
      original_selector: originalSelector,
      perf_hints: policy.perfHints,
      tier: policy.tier,
    }),
  };
}

/** A profile, or what stands in for it. */
export function profileMessage(
  name: string,
  profile: ProfileResource | undefined,
): Draft<ActiveProfileUpdate> {
  const { inbound, outbound } = profile?.rules ?? MISSING_PROFILE;
  return {
    id: { name },
    profile: given({
      inbound_rules: withRuleIds(inbound, `prof-in-${name}`),
      outbound_rules: withRuleIds(outbound, `prof-out-${name}`),
    }),
  };
}
