/** Places of payloads in one flush of Felix (felix-protocol: one flush). */
import type { ToDataplane } from '../../gen/felix/types.js';

type Payload = NonNullable<ToDataplane['payload']>;

const ORDER: readonly (readonly Payload[])[] = [
  ['config_update'],
  ['ipset_update'],
  ['ipset_delta_update'],
  ['active_policy_update'],
  ['active_profile_update'],
  ['workload_endpoint_update', 'host_endpoint_update'],
  ['workload_endpoint_remove', 'host_endpoint_remove'],
  ['active_profile_remove'],
  ['active_policy_remove'],
  ['ipset_remove'],
  ['service_account_remove'],
  ['service_account_update'],
  ['namespace_remove'],
  ['namespace_update'],
  ['route_remove'],
  ['vtep_remove'],
  ['vtep_update'],
  ['route_update'],
  ['wireguard_endpoint_remove', 'wireguard_endpoint_v6_remove'],
  ['wireguard_endpoint_update', 'wireguard_endpoint_v6_update'],
  ['host_metadata_remove', 'host_metadata_v6_remove', 'host_metadata_v4v6_remove'],
  ['host_metadata_update', 'host_metadata_v6_update', 'host_metadata_v4v6_update'],
  ['ipam_pool_remove'],
  ['ipam_pool_update'],
  ['encapsulation'],
  ['global_bgp_config_update'],
  ['service_remove'],
  ['service_update'],
];

const PLACES: ReadonlyMap<string, number> = new Map(
  ORDER.flatMap((payloads, place) => payloads.map((payload) => [payload, place])),
);

/** The messages in the order of a flush; those of one place stay as they are. */
export function inFlushOrder(messages: readonly ToDataplane[]): ToDataplane[] {
  const placeOf = ({ payload }: ToDataplane): number => PLACES.get(payload ?? '') ?? ORDER.length;
  return messages.toSorted((a, b) => placeOf(a) - placeOf(b));
}
