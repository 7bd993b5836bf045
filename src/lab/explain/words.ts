/** Calico's objects as people write them. */
import type { Degradation } from '../../translators/degradation.js';
import type { RuleOrigin } from '../../translators/policy/program.js';
import type { RuleSourceName } from './rule-sources.js';

/** `NetworkPolicy shop/db`, `GlobalNetworkPolicy all`, `profile kns.shop`. */
export function sourceText(source: RuleSourceName): string {
  if ('missing' in source) return 'what Felix named and never sent';
  if ('profile' in source) return `profile ${source.profile}`;
  const { kind, namespace, name } = source.policy;
  const place = namespace === '' ? name : `${namespace}/${name}`;
  return `${kind === '' ? 'policy' : kind} ${place}`;
}

/** `SUBJECT egress: budget: REASON (tier T, NetworkPolicy shop/db ingress rule 3)`. */
export function degradationText({ subject, direction, code, reason, rule }: Degradation): string {
  const place = direction === undefined ? subject : `${subject} ${direction}`;
  return `${place}: ${code}: ${reason}${rule === undefined ? '' : ` (${originText(rule)})`}`;
}

/** `tier default, NetworkPolicy shop/db ingress rule 3`. */
export function originText({ source, direction, index }: RuleOrigin): string {
  const owner =
    source.kind === 'profile'
      ? sourceText({ profile: source.name })
      : `tier ${source.tier}, ${sourceText({ policy: source.id })}`;
  return `${owner} ${direction} rule ${index}`;
}
