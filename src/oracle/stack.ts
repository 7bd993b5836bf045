/** Tiers, policies and profiles in their order; felix-protocol: tiers. */
import type { Rule, TierInfo } from '../gen/felix/types.js';
import type { Packet } from './packet.js';
import { tierPolicyRef, type PolicyRef } from './policy-ref.js';
import { ruleAction, ruleMatches } from './rule.js';
import type { FelixState } from './state.js';

/** Towards the endpoint, or from it. */
export type Direction = 'ingress' | 'egress';

/** What a list of rules, tiers or profiles says; `none` when nothing in it decided. */
export type Outcome = 'allow' | 'deny' | 'none';

/** One evaluation: the packet, the state, and the path that grows while decisions are made. */
export interface Inquiry {
  readonly packet: Packet;
  readonly state: FelixState;
  readonly path: string[];
}

/** A tier's policies of one direction that are enforced. Without one the tier does not exist in that direction. */
export function enforcedPolicies(tier: TierInfo, direction: Direction): PolicyRef[] {
  const entries = direction === 'ingress' ? tier.ingress_policies : tier.egress_policies;
  return entries.map((entry) => tierPolicyRef(entry, tier.name)).filter(({ staged }) => !staged);
}

/** Asks the tiers in order: a pass, or a default action Pass, goes on to the next one. */
export function askTiers(
  inquiry: Inquiry,
  where: string,
  tiers: readonly TierInfo[],
  direction: Direction,
): Outcome {
  for (const tier of tiers) {
    const policies = enforcedPolicies(tier, direction);
    if (policies.length === 0) continue;
    const label = `${where}: tier ${tier.name}`;
    const outcome = askPolicies(inquiry, label, policies, direction);
    if (outcome === 'allow' || outcome === 'deny') return outcome;
    if (outcome === 'pass' || tier.default_action.toLowerCase() === 'pass') continue;
    inquiry.path.push(`${label}: default deny`);
    return 'deny';
  }
  return 'none';
}

function askPolicies(
  inquiry: Inquiry,
  label: string,
  policies: readonly PolicyRef[],
  direction: Direction,
): Outcome | 'pass' {
  for (const ref of policies) {
    const policy = inquiry.state.policies.get(ref.key);
    if (policy === undefined) {
      inquiry.path.push(`${label}: policy ${ref.name} is missing: deny`);
      return 'deny';
    }
    const rules = direction === 'ingress' ? policy.inbound_rules : policy.outbound_rules;
    const outcome = askRules(inquiry, `${label}: policy ${ref.name}`, rules);
    if (outcome !== 'none') return outcome;
  }
  return 'none';
}

/** Asks the profiles in order. A pass in a profile goes to the next one; it is no allow. */
export function askProfiles(
  inquiry: Inquiry,
  where: string,
  names: readonly string[],
  direction: Direction,
): Outcome {
  for (const name of names) {
    const profile = inquiry.state.profiles.get(name);
    if (profile === undefined) {
      inquiry.path.push(`${where}: profile ${name} is missing: deny`);
      return 'deny';
    }
    const rules = direction === 'ingress' ? profile.inbound_rules : profile.outbound_rules;
    const outcome = askRules(inquiry, `${where}: profile ${name}`, rules);
    if (outcome === 'allow' || outcome === 'deny') return outcome;
  }
  return 'none';
}

/** First matching rule that is no log rule. */
function askRules(inquiry: Inquiry, label: string, rules: readonly Rule[]): Outcome | 'pass' {
  const { packet, state, path } = inquiry;
  for (const [index, rule] of rules.entries()) {
    if (!ruleMatches(rule, packet, state.sets)) continue;
    const action = ruleAction(rule, state.sets);
    path.push(`${label}: rule ${index}: ${action}`);
    if (action !== 'log') return action;
  }
  return 'none';
}
