/** Names of resources on the wire, and references by them. */
import { lastSegment, type ObjectKey, type ObjectKind } from '../objects/key.js';
import { malformed } from './errors.js';

/** First segment of the names of each kind, as the protos' patterns have it (two of them are singular). */
export const COLLECTIONS: Readonly<Record<ObjectKind, string>> = {
  interface: 'interfaces',
  vpc: 'vpcs',
  subnet: 'subnets',
  routeTable: 'routetables',
  route: 'routes',
  vnic: 'vnic',
  mapping: 'mappings',
  nextHop: 'nexthops',
  tunnel: 'tunnel',
  securityPolicy: 'securitypolicys',
  addressGroup: 'addressGroups',
  networkPolicy: 'networkPolicies',
  policyBinding: 'policyBindings',
};

/** Gives the name by which the server knows an object. */
export type NameOf = (key: ObjectKey) => string;

/** The name of the protos' pattern: `collection/id`. What a server that was not asked yet is assumed to say. */
export function relativeName(key: ObjectKey): string {
  return `${COLLECTIONS[key.kind]}/${key.id}`;
}

/** Key of the object that a reference names, in whatever form: the id is its last segment. */
export function refKey<K extends ObjectKind>(kind: K, name: string, field: string): ObjectKey<K> {
  const id = lastSegment(name);
  if (id === '') throw malformed(field, `no name in "${name}"`);
  return { kind, id };
}

/** Keys of a list of references. */
export function refKeys<K extends ObjectKind>(
  kind: K,
  names: readonly string[],
  field: string,
): ObjectKey<K>[] {
  return names.map((name, index) => refKey(kind, name, `${field}[${index}]`));
}

/** Key of an optional reference; an empty name is none. */
export function optionalRefKey<K extends ObjectKind>(
  kind: K,
  name: string,
  field: string,
): ObjectKey<K> | undefined {
  return name === '' ? undefined : refKey(kind, name, field);
}
