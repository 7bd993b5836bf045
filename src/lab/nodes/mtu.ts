/** How large packets of pods may be, so that they fit into every tunnel of their pools. Pure. */
import type { PoolResource } from '../../felix-sim/calico/resources/resource.js';
import { podMtu } from '../../overlay/mtu.js';

/** Largest packet on the wire of a lab, bytes. */
export const WIRE_MTU = 1500;

/** What pods of these pools get, bytes: as with Calico, which looks at the pools and not at where a pod's packets go. */
export function mtuOfPods(pools: readonly PoolResource[]): number {
  const tunnelled = pools.filter(({ vxlanMode }) => vxlanMode !== '');
  return podMtu(
    WIRE_MTU,
    tunnelled.map(({ cidr }) => `vxlan-v${cidr.family}` as const),
  );
}
