/** Which endpoints one end of a rule selects: its four selector fields and its policy's namespace as one selector. */
import { both, labelIs, type Selector } from '../selector/ast.js';
import {
  namespaceScope,
  NAMESPACE_LABEL,
  prefixLabels,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from '../selector/scope.js';
import type { EntitySpec, ServiceAccountsSpec } from './rule-spec.js';

/** Selectors of one end. */
export interface EntityScope {
  /** What the end must be; `undefined` = anything, known or not. */
  readonly positive: Selector | undefined;
  /** What it must not be, where `positive` could not take it in. */
  readonly negative: Selector | undefined;
}

/**
 * As soon as any selector is used in a namespaced policy, the end is limited to the policy's namespace, or to those that
 * a namespaceSelector selects. With a positive selector the negated one filters it; alone it must also hold for
 * addresses that nothing known has.
 */
export function entityScope(entity: EntitySpec, namespace: string): EntityScope {
  const positive = positiveScope(entity, namespace);
  const negative = entity.notSelector?.selector;
  if (positive === undefined || negative === undefined) return { positive, negative };
  return { positive: both(positive, { op: '!', operand: negative }), negative: undefined };
}

function positiveScope(entity: EntitySpec, namespace: string): Selector | undefined {
  const accounts = entity.serviceAccounts && accountScope(entity.serviceAccounts);
  const own = allOf([accounts, entity.selector?.selector]);
  const spaces = entity.namespaceSelector && namespaceScope(entity.namespaceSelector.selector);
  if (spaces !== undefined) return allOf([spaces, own]);
  if (namespace === '' || (own === undefined && entity.notSelector === undefined)) return own;
  return allOf([labelIs(NAMESPACE_LABEL, namespace), own]);
}

function accountScope({ names, selector }: ServiceAccountsSpec): Selector | undefined {
  const byLabel = selector && prefixLabels(selector.selector, SERVICE_ACCOUNT_PREFIX);
  if (names.length === 0) return byLabel;
  const values = [...new Set(names)].sort();
  return allOf([byLabel, { op: 'in', label: SERVICE_ACCOUNT_LABEL, values }]);
}

function allOf(parts: readonly (Selector | undefined)[]): Selector | undefined {
  return parts
    .filter((part) => part !== undefined)
    .reduce<Selector | undefined>(
      (left, right) => (left === undefined ? right : both(left, right)),
      undefined,
    );
}
