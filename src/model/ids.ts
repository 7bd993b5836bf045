/**
 * Identities of Calico's objects. All are branded strings with one canonical text, so that a map can key on them and a
 * policy id is never passed where a profile name belongs.
 */

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** Felix's opaque IP set id (`s:...`, `n:...`, `svc:...`). */
export type IpSetId = Branded<string, 'IpSetId'>;
/** Profile name, e.g. `kns.default`. */
export type ProfileName = Branded<string, 'ProfileName'>;
/** `kind|namespace|name`, or `tier|tierName|policyName` from a Calico before v3.32. Unique per policy of one session. */
export type PolicyKey = Branded<string, 'PolicyKey'>;
/** `orchestrator/escapedWorkload/endpoint`, e.g. `k8s/shop%2Fdb-1/eth0`. */
export type WorkloadKey = Branded<string, 'WorkloadKey'>;
/** `host/escapedId`. */
export type HostEndpointKey = Branded<string, 'HostEndpointKey'>;

/** A policy's identity, as far as its Calico generation tells it. */
export interface PolicyId {
  /** `NetworkPolicy`, `GlobalNetworkPolicy`, ...; empty before v3.32. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Tier of the key before v3.32; empty from v3.32, where the tier is no part of the identity. */
  readonly tier: string;
}

/** A workload endpoint's identity. */
export interface WorkloadId {
  readonly orchestrator: string;
  /** `namespace/pod` on Kubernetes. */
  readonly workload: string;
  readonly endpoint: string;
}

/** Marks a string as an IP set id. */
export function ipSetId(id: string): IpSetId {
  return id as IpSetId;
}

/** Marks a string as a profile name. */
export function profileName(name: string): ProfileName {
  return name as ProfileName;
}

/** Canonical key of a policy id. */
export function policyKey(id: PolicyId): PolicyKey {
  const parts = id.tier === '' ? [id.kind, id.namespace, id.name] : ['tier', id.tier, '', id.name];
  return parts.join('|') as PolicyKey;
}

/** Canonical key of a workload endpoint; each part is percent-escaped so that `/` separates parts only. */
export function workloadKey(id: WorkloadId): WorkloadKey {
  return [id.orchestrator, id.workload, id.endpoint]
    .map(encodeURIComponent)
    .join('/') as WorkloadKey;
}

/** Canonical key of a host endpoint. */
export function hostEndpointKey(endpointId: string): HostEndpointKey {
  return `host/${encodeURIComponent(endpointId)}` as HostEndpointKey;
}

/** Felix's order of workload endpoints: orchestrator, workload, endpoint, by code unit. The smaller one wins a conflict. */
export function compareWorkloadIds(a: WorkloadId, b: WorkloadId): number {
  return (
    compareText(a.orchestrator, b.orchestrator) ||
    compareText(a.workload, b.workload) ||
    compareText(a.endpoint, b.endpoint)
  );
}

/** Order by code unit, independent of locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * True for a staged policy, which is never enforced. From v3.32 the kind says so; before, the name carries `staged:`
 * behind an optional `namespace/`.
 */
export function isStaged(id: PolicyId): boolean {
  if (id.kind !== '') return id.kind.startsWith('Staged');
  return id.name.slice(id.name.indexOf('/') + 1).startsWith('staged:');
}
