/** Calico's policies, enforced and staged, namespaced and global (felix-protocol: objects, tiers). */
import { compileRules } from '../rules/compile.js';
import { readRule } from '../rules/read-rule.js';
import { ALL, both, labelIs, type Selector } from '../selector/ast.js';
import {
  allMeans,
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  prefixLabels,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from '../selector/scope.js';
import type { Field } from '../yaml/field.js';
import { readMetadata } from './metadata.js';
import type { PolicyResource } from './resource.js';

/** Tier of policies that name none. */
export const DEFAULT_TIER = 'default';

const COMMON_FIELDS = [
  'tier',
  'order',
  'selector',
  'serviceAccountSelector',
  'types',
  'ingress',
  'egress',
  'performanceHints',
];
const GLOBAL_FIELDS = ['namespaceSelector', 'doNotTrack', 'preDNAT', 'applyOnForward'];
const HINTS = ['AssumeNeededOnEveryNode'] as const;

/** A NetworkPolicy or StagedNetworkPolicy; `undefined` for a staged one that stages a deletion. */
export function readNamespacedPolicy(resource: Field, kind: string): PolicyResource | undefined {
  const { namespace, name } = readMetadata(resource, true);
  const spec = resource.at('spec');
  if (!isStagedSet(spec, kind, COMMON_FIELDS)) return undefined;
  const own = spec.at('selector').selector()?.selector;
  const inNamespace = labelIs(NAMESPACE_LABEL, namespace);
  const selector = withAccounts(own === undefined ? inNamespace : both(own, inNamespace), spec);
  return {
    ...readCommon(spec, namespace),
    is: 'policy',
    kind,
    namespace,
    name,
    selector: selector ?? ALL,
    doNotTrack: false,
    preDnat: false,
    applyOnForward: true,
  };
}

/** A GlobalNetworkPolicy or StagedGlobalNetworkPolicy; `undefined` for one that stages a deletion. */
export function readGlobalPolicy(resource: Field, kind: string): PolicyResource | undefined {
  const { name } = readMetadata(resource, false);
  const spec = resource.at('spec');
  if (!isStagedSet(spec, kind, [...COMMON_FIELDS, ...GLOBAL_FIELDS])) return undefined;
  const policy: PolicyResource = {
    ...readCommon(spec, ''),
    is: 'policy',
    kind,
    namespace: '',
    name,
    selector: globalSelector(spec),
    doNotTrack: readFlag(spec.at('doNotTrack')),
    preDnat: readFlag(spec.at('preDNAT')),
    applyOnForward: readFlag(spec.at('applyOnForward')),
  };
  checkPlaces(spec, policy);
  return policy;
}

/** Directions of a policy that does not list them: those it has rules for, ingress where it has none at all. */
export function defaultTypes(
  ingressRules: number,
  egressRules: number,
): { readonly ingress: boolean; readonly egress: boolean } {
  return { ingress: ingressRules > 0 || egressRules === 0, egress: egressRules > 0 };
}

function isStagedSet(spec: Field, kind: string, fields: readonly string[]): boolean {
  if (!kind.startsWith('Staged')) {
    spec.only(...fields);
    return true;
  }
  spec.only('stagedAction', ...fields);
  const action = spec.at('stagedAction').orAbsent?.oneOf('Set', 'Delete', 'Learn', 'Ignore');
  return action !== 'Delete';
}

function readCommon(spec: Field, namespace: string) {
  const ingress = spec.at('ingress').items();
  const egress = spec.at('egress').items();
  return {
    tier: spec.at('tier').orAbsent?.name() ?? DEFAULT_TIER,
    order: spec.at('order').orAbsent?.number() ?? Infinity,
    perfHints: spec
      .at('performanceHints')
      .items()
      .map((hint) => hint.oneOf(...HINTS)),
    ...readTypes(spec.at('types'), ingress.length, egress.length),
    rules: compileRules(
      ingress.map((rule) => readRule(rule, namespace)),
      egress.map((rule) => readRule(rule, namespace)),
      namespace,
    ),
  };
}

function readTypes(field: Field, ingressRules: number, egressRules: number) {
  const types = field.items().map((type) => type.oneOf('Ingress', 'Egress'));
  if (types.length === 0) return defaultTypes(ingressRules, egressRules);
  return { ingress: types.includes('Ingress'), egress: types.includes('Egress') };
}

/** With a namespaceSelector every `all()`, the policy's own too, means "in a namespace"; likewise for accounts. */
function globalSelector(spec: Field): Selector {
  let selector = spec.at('selector').selector()?.selector;
  const spaces = spec.at('namespaceSelector').selector()?.selector;
  if (spaces !== undefined) {
    const prefixed = prefixLabels(spaces, NAMESPACE_PREFIX);
    const joined = selector === undefined ? prefixed : both(selector, prefixed);
    selector = allMeans(joined, NAMESPACE_LABEL);
  }
  const joined = withAccounts(selector, spec);
  if (joined === selector) return selector ?? ALL;
  return allMeans(joined ?? ALL, SERVICE_ACCOUNT_LABEL);
}

function withAccounts(selector: Selector | undefined, spec: Field): Selector | undefined {
  const accounts = spec.at('serviceAccountSelector').selector()?.selector;
  if (accounts === undefined) return selector;
  const prefixed = prefixLabels(accounts, SERVICE_ACCOUNT_PREFIX);
  return selector === undefined ? prefixed : both(selector, prefixed);
}

function readFlag(field: Field): boolean {
  return field.orAbsent?.boolean() ?? false;
}

/** Where a policy may apply, as Calico's own validation has it. */
function checkPlaces(spec: Field, policy: PolicyResource): void {
  const { doNotTrack, preDnat, applyOnForward, egress, rules } = policy;
  if (doNotTrack && preDnat) spec.at('preDNAT').refuse('goes not with doNotTrack');
  if ((doNotTrack || preDnat) && !applyOnForward) {
    spec.at('applyOnForward').refuse('must be true with doNotTrack or preDNAT');
  }
  if (preDnat && (egress || rules.outbound.length > 0)) {
    spec.at('preDNAT').refuse('has no egress');
  }
}
