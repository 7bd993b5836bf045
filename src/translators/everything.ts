/** The dirty set of a state that took the place of another: every key of both. */
import type { DesiredState, DirtySet } from '../desired/state.js';

/** Marks every key of the given states. */
export function everythingDirty(states: readonly DesiredState[]): DirtySet {
  return {
    config: true,
    ipSets: keysOf(states.map(({ ipSets }) => ipSets)),
    members: new Map(),
    policies: keysOf(states.map(({ policies }) => policies)),
    profiles: keysOf(states.map(({ profiles }) => profiles)),
    workloads: keysOf(states.map(({ workloads }) => workloads)),
    hostEndpoints: keysOf(states.map(({ hostEndpoints }) => hostEndpoints)),
    hosts: keysOf(states.map(({ hosts }) => hosts)),
    pools: keysOf(states.map(({ pools }) => pools)),
    routes: keysOf(states.map(({ routes }) => routes)),
    vteps: keysOf(states.map(({ vteps }) => vteps)),
    encapsulation: true,
    wireguard: keysOf(states.map(({ wireguard }) => wireguard)),
  };
}

function keysOf<K>(maps: readonly ReadonlyMap<K, unknown>[]): ReadonlySet<K> {
  return new Set(maps.flatMap((map) => [...map.keys()]));
}
