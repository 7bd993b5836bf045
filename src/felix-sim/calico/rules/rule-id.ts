/**
 * Ids of rules, as Felix gives them: each hashes the one before it and the rule's bytes, so that an id says what the rule
 * is and what stands above it. The chain begins with the policy's name alone (felix-protocol: objects).
 */
import { createHash } from 'node:crypto';
import { ToDataplaneType } from '../../../driver/wire-types.js';
import type { Draft, Rule } from '../../../gen/felix/types.js';

const RuleType = ToDataplaneType.root.lookupType('felix.Rule');
const ID_LENGTH = 16;

/** Members of a oneof: Go writes them behind all other fields. */
const LAST_FIELDS = ['icmp_type', 'icmp_type_code', 'not_icmp_type', 'not_icmp_type_code'] as const;

/** The same rules with their ids. `seed` names direction and policy. */
export function withRuleIds(rules: readonly Draft<Rule>[], seed: string): Draft<Rule>[] {
  let digest = createHash('sha224').update(seed).digest();
  return rules.map((rule) => {
    digest = createHash('sha224').update(digest).update(ruleBytes(rule)).digest();
    return { ...rule, rule_id: digest.toString('base64url').slice(0, ID_LENGTH) };
  });
}

function ruleBytes(rule: Draft<Rule>): Uint8Array {
  const first: Record<string, unknown> = { ...rule };
  const last: Record<string, unknown> = {};
  for (const name of LAST_FIELDS) {
    if (first[name] === undefined) continue;
    last[name] = first[name];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy of our own
    delete first[name];
  }
  return Buffer.concat([RuleType.encode(first).finish(), RuleType.encode(last).finish()]);
}
