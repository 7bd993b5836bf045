/** The identity of a resource: `metadata`. */
import type { Field } from '../yaml/field.js';
import type { Labels } from './resource.js';

/** Name and labels. */
export interface Metadata {
  readonly name: string;
  /** Empty for cluster-wide resources. */
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** Namespace of namespaced resources that say none, as with kubectl. */
export const DEFAULT_NAMESPACE = 'default';

/** Reads `metadata` of a resource that is in a namespace, or of one that is not. */
export function readMetadata(resource: Field, namespaced: boolean): Metadata {
  const metadata = resource.at('metadata');
  const namespace = metadata.at('namespace').orAbsent;
  if (!namespaced && namespace !== undefined) namespace.refuse('this kind is in no namespace');
  return {
    name: metadata.at('name').name(),
    namespace: namespaced ? (namespace?.name() ?? DEFAULT_NAMESPACE) : '',
    labels: metadata.at('labels').texts(),
    annotations: metadata.at('annotations').texts(),
  };
}
