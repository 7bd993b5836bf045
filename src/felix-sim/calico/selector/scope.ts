/**
 * Selectors over namespaces and service accounts, as selectors over endpoints. Endpoints inherit the labels of both from
 * profiles, under the prefixes `pcns.` and `pcsa.`; what no endpoint has (`all()` meaning "all namespaces") becomes a
 * test of the label that says where an endpoint is.
 */
import { mapLeaves, type Selector } from './ast.js';
import { parseSelector } from './parse.js';
import { formatSelector } from './print.js';

/** Prefix of labels inherited from the namespace. */
export const NAMESPACE_PREFIX = 'pcns.';
/** Prefix of labels inherited from the service account. */
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.';
/** Label of everything that is in a namespace. */
export const NAMESPACE_LABEL = 'projectcalico.org/namespace';
/** Label of workloads, by who made them: `k8s` for pods. */
export const ORCHESTRATOR_LABEL = 'projectcalico.org/orchestrator';
/** Label of workloads with a service account. */
export const SERVICE_ACCOUNT_LABEL = 'projectcalico.org/serviceaccount';

/** The selector with `prefix` in front of all its labels. */
export function prefixLabels(selector: Selector, prefix: string): Selector {
  return reread(
    mapLeaves(selector, (leaf) =>
      'label' in leaf ? { ...leaf, label: `${prefix}${leaf.label}` } : leaf,
    ),
  );
}

/** A rule's namespaceSelector: `all()` is everything in a namespace, `global()` everything that is in none. */
export function namespaceScope(selector: Selector): Selector {
  return reread(
    mapLeaves(prefixLabels(selector, NAMESPACE_PREFIX), (leaf) => {
      if (leaf.op === 'all') return { op: 'has', label: NAMESPACE_LABEL };
      if (leaf.op !== 'global') return leaf;
      return { op: '!', operand: { op: 'has', label: NAMESPACE_LABEL } };
    }),
  );
}

/** Replaces `all()` by "has this label", anywhere in the selector. */
export function allMeans(selector: Selector, label: string): Selector {
  return mapLeaves(selector, (leaf) => (leaf.op === 'all' ? { op: 'has', label } : leaf));
}

/** Calico hands such selectors on as text: what is negated twice comes out plain. */
function reread(selector: Selector): Selector {
  return parseSelector(formatSelector(selector));
}
