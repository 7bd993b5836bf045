/** A NetworkPolicy: one chain for each of its lists, shared by every stage that names the policy. */
import type { ObjectKey } from '../../../opi/objects/key.js';
import type { PolicyRuleSpec } from '../../../opi/objects/match.js';
import type { NetworkPolicySpec, RuleListName } from '../../../opi/objects/specs.js';
import { MARK } from '../names.js';
import { ruleCounter } from './counters.js';
import type { GroupConditions } from './groups.js';
import { countOn, PartBuilder, type Part } from './part.js';
import { ruleText, type RuleVerdict } from './rule.js';
import { isMarked, setMark } from './mark.js';

/** Chain that a rule's DENY goes to. */
export const DENY_BY_RULE = 'deny/rule';

/** Chain of one list of a policy. */
export function policyChain({ id }: ObjectKey<'networkPolicy'>, list: RuleListName): string {
  return `policy/${id}/${list.toLowerCase()}`;
}

/** Chains and counters of a policy. */
export function policyPart(id: string, spec: NetworkPolicySpec, groups: GroupConditions): Part {
  const part = new PartBuilder();
  addList(part, id, 'INGRESS', spec.ingressRules, groups);
  addList(part, id, 'EGRESS', spec.egressRules, groups);
  return part;
}

function addList(
  part: PartBuilder,
  id: string,
  list: RuleListName,
  rules: readonly PolicyRuleSpec[],
  groups: GroupConditions,
): void {
  const chain = policyChain({ kind: 'networkPolicy', id }, list);
  const lines: string[] = [];
  rules.forEach((rule, index) => {
    part.counter(ruleCounter(id, list, rule.ruleId));
    const text = ruleText(rule, verdictOf(id, list, rule), `${chain}/${index}`, groups);
    lines.push(...text.lines);
    for (const [name, own] of text.chains) part.chain(name, own);
  });
  part.chain(chain, lines);
}

/** LOG counts and goes on: the kernel's own log is silent in a network namespace. */
function verdictOf(
  id: string,
  list: RuleListName,
  { ruleId, action }: PolicyRuleSpec,
): RuleVerdict {
  const count = countOn(ruleCounter(id, list, ruleId));
  switch (action) {
    case 'ALLOW':
      return { statement: `${count} accept` };
    case 'DENY':
      return { statement: `${count} goto ${DENY_BY_RULE}` };
    case 'PASS':
      return {
        statement: `${count} ${setMark(MARK.pass)} return`,
        afterJump: `${isMarked(MARK.pass)} return`,
      };
    case 'LOG':
      return { statement: count };
  }
}
