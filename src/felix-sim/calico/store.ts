/** The resources of a cluster at one moment, by kind. */
import { readMetadata } from './resources/metadata.js';
import { kindReader } from './resources/kinds.js';
import { resourceKey, type Resource } from './resources/resource.js';
import { BUILT_IN_PROFILE, BUILT_IN_TIER } from './resources/sets.js';
import type { Field } from './yaml/field.js';

type ResourceOf<K extends Resource['is']> = Extract<Resource, { readonly is: K }>;

/** Never absent: deleting one gives back what it is without being written. */
const BUILT_IN: readonly Resource[] = [BUILT_IN_TIER, BUILT_IN_PROFILE];

/** What has been applied and not deleted. */
export class ResourceStore {
  private readonly resources = new Map<string, Resource>();

  constructor() {
    for (const resource of BUILT_IN) this.put(resource);
  }

  /** Applies a resource: it replaces one of the same kind, namespace and name whole. Throws `SimError`. */
  apply(document: Field): void {
    const reader = kindReader(document);
    if (reader === 'ignored') return;
    const { name, namespace } = readMetadata(document, reader.namespaced);
    const resource = reader.read(document);
    if (resource === undefined) this.resources.delete(resourceKey(reader.id(name, namespace)));
    else this.put(resource);
  }

  /** Deletes a resource by its name. One that is not there is no error. Throws `SimError`. */
  delete(document: Field): void {
    const reader = kindReader(document);
    if (reader === 'ignored') return;
    const { name, namespace } = readMetadata(document, reader.namespaced);
    const key = resourceKey(reader.id(name, namespace));
    this.resources.delete(key);
    for (const resource of BUILT_IN) if (resourceKey(resource) === key) this.put(resource);
  }

  /** All resources of one sort. */
  all<K extends Resource['is']>(is: K): ResourceOf<K>[] {
    return [...this.resources.values()].filter(
      (resource): resource is ResourceOf<K> => resource.is === is,
    );
  }

  private put(resource: Resource): void {
    this.resources.set(resourceKey(resource), resource);
  }
}
