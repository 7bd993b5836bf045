/** SecurityPolicy objects named by their content: equal lists of any ports are one object, and content never changes. */
import { hashText } from '../../../base/hash.js';
import { canonicalJson } from '../../../base/json.js';
import type { ObjectNames } from '../../names.js';
import type { IpEntrySpec, SecurityRuleSpec } from '../../../opi/objects/match.js';
import type { OpiObject, SecurityPolicySpec } from '../../../opi/objects/specs.js';

const DIGEST_CHARS = 51;
const digests = new WeakMap<readonly IpEntrySpec[], string>();

/** The object of a spec. */
export function policyObject(
  names: Pick<ObjectNames, 'listPolicy'>,
  spec: SecurityPolicySpec,
): OpiObject<'securityPolicy'> {
  return { key: names.listPolicy(contentText(spec)), spec };
}

/** Text that is equal for equal specs alone. Entry lists stand in it by digest, made once for each shared list. */
export function contentText(spec: SecurityPolicySpec): string {
  const rules = spec.rules.map((rule) => canonicalJson(digested(rule))).join('\n');
  return `${spec.family} ${spec.defaultAction} ${spec.format}\n${rules}`;
}

function digested(rule: SecurityRuleSpec): unknown {
  return { ...rule, source: digestOf(rule.source), destination: digestOf(rule.destination) };
}

function digestOf(entries: readonly IpEntrySpec[]): unknown {
  if (entries.length <= 1) return entries;
  let digest = digests.get(entries);
  if (digest === undefined) {
    digest = hashText(canonicalJson(entries), DIGEST_CHARS);
    digests.set(entries, digest);
  }
  return digest;
}
