/** Which objects must exist before an object can: the order of writes is derived from this, never kept by hand. */
import { keyText, type ObjectKey } from './key.js';
import type { PolicyRuleSpec } from './match.js';
import type {
  AnyObject,
  OpiObject,
  PolicyBindingSpec,
  PolicyListsSpec,
  RouteSpec,
  VnicSpec,
} from './specs.js';

/** Keys an object refers to, without repeats, in the order first named. */
export function refsOf(object: OpiObject): ObjectKey[] {
  const unique = new Map(namedRefs(object as AnyObject).map((key) => [keyText(key), key]));
  return [...unique.values()];
}

function namedRefs(object: AnyObject): ObjectKey[] {
  const { key, spec } = object;
  switch (key.kind) {
    case 'vpc': {
      const vpc = spec as AnySpec<'vpc'>;
      return [...present([vpc.v4RouteTable, vpc.v6RouteTable]), ...listRefs(vpc.policies)];
    }
    case 'subnet': {
      const subnet = spec as AnySpec<'subnet'>;
      return [subnet.vpc, ...listRefs(subnet.policies)];
    }
    case 'route':
      return routeRefs(spec as RouteSpec);
    case 'vnic':
      return vnicRefs(spec as VnicSpec);
    case 'mapping': {
      const mapping = spec as AnySpec<'mapping'>;
      return [mapping.vpc, mapping.subnet, mapping.destination];
    }
    case 'nextHop':
      return present([(spec as AnySpec<'nextHop'>).vpc]);
    case 'tunnel':
      return [(spec as AnySpec<'tunnel'>).vpc];
    case 'networkPolicy': {
      const policy = spec as AnySpec<'networkPolicy'>;
      return [...policy.ingressRules, ...policy.egressRules].flatMap(ruleRefs);
    }
    case 'policyBinding':
      return bindingRefs(spec as PolicyBindingSpec);
    case 'interface':
    case 'routeTable':
    case 'securityPolicy':
    case 'addressGroup':
      return [];
  }
}

type AnySpec<K extends AnyObject['key']['kind']> = Extract<
  AnyObject,
  { key: ObjectKey<K> }
>['spec'];

function present(keys: readonly (ObjectKey | undefined)[]): ObjectKey[] {
  return keys.filter((key): key is ObjectKey => key !== undefined);
}

function routeRefs(spec: RouteSpec): ObjectKey[] {
  if ('tunnel' in spec.via) return [spec.table, spec.via.tunnel];
  if ('nextHop' in spec.via) return [spec.table, spec.via.nextHop];
  return [spec.table];
}

function vnicRefs(spec: VnicSpec): ObjectKey[] {
  return [spec.subnet, spec.hostInterface, ...listRefs(spec)];
}

function listRefs(lists: PolicyListsSpec | undefined): ObjectKey[] {
  if (lists === undefined) return [];
  return [...lists.ingressV4, ...lists.ingressV6, ...lists.egressV4, ...lists.egressV6];
}

function ruleRefs(rule: PolicyRuleSpec): ObjectKey[] {
  const sides = [rule.match.source, rule.match.destination];
  return [
    ...sides.flatMap((side) => [
      ...side.groups,
      ...side.notGroups,
      ...side.namedPortGroups,
      ...side.notNamedPortGroups,
    ]),
    ...rule.match.ipPortGroups,
  ];
}

function bindingRefs(spec: PolicyBindingSpec): ObjectKey[] {
  const port = 'vnic' in spec.port ? [spec.port.vnic] : [];
  const policies = spec.stages.flatMap((stage) => [
    ...stage.tiers.flatMap((tier) => tier.policies),
    ...stage.profiles,
  ]);
  return [...port, ...policies];
}
