/** What must be acknowledged by the XPU before an endpoint is up. */
import type { HostEndpointKey, WorkloadKey } from '../model/ids.js';
import type { ObjectKey } from '../opi/objects/key.js';
import type { EndpointPlace } from './endpoint-table.js';
import type { PlanTable } from './plan-table.js';
import { TUNNEL, UPLINK } from './policy/compile.js';
import type { HostPolicy } from './policy/host-endpoints.js';
import { portUnit } from './policy/lowering.js';

/** What an endpoint needs on the XPU before it is up. */
export interface EndpointExpectation {
  /** Workload or host endpoint key: the origin its objects carry. */
  readonly key: string;
  readonly kind: 'workload' | 'host';
  /** Objects that must be acknowledged; what they refer to is implied. Empty and no `error` = up at once. */
  readonly objects: readonly ObjectKey[];
  /** Why nothing is programmed: resolved to no interface, interface held by another endpoint, ... */
  readonly error?: string;
}

/** A pod's endpoint: its port, its addresses, its policy. */
export function workloadExpectation(
  key: WorkloadKey,
  place: EndpointPlace,
  table: PlanTable,
): EndpointExpectation {
  if ('error' in place) return { key, kind: 'workload', objects: [], error: place.error };
  const objects = [...objectsOf(table, `endpoint/${key}`), ...policyObjects(table, key)];
  return { key, kind: 'workload', objects };
}

/** A host endpoint: the policy of the ports it binds, or why it binds none. */
export function hostExpectation(
  key: HostEndpointKey,
  host: HostPolicy,
  table: PlanTable,
  hostVnic: ObjectKey<'vnic'>,
): EndpointExpectation {
  const error = host.errors.get(key);
  if (error !== undefined) return { key, kind: 'host', objects: [], error };
  const entries = [UPLINK, TUNNEL].flatMap((subject) => table.unit(`policy/${portUnit(subject)}`));
  const own = entries.filter(({ origins }) => origins.includes(key));
  return { key, kind: 'host', objects: [hostVnic, ...own.map(({ object }) => object.key)] };
}

function policyObjects(table: PlanTable, subject: string): ObjectKey[] {
  return objectsOf(table, `policy/${portUnit(subject)}`);
}

function objectsOf(table: PlanTable, unit: string): ObjectKey[] {
  return table.unit(unit).map(({ object }) => object.key);
}
