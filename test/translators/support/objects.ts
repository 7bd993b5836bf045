/** Looks into the objects a Player received, by what they stand for. */
import type { Delta } from '../../../src/model/delta.js';
import type { WorkloadEndpoint } from '../../../src/model/endpoint.js';
import { keyText, type ObjectKey, type ObjectKind } from '../../../src/opi/objects/key.js';
import type { SpecByKind } from '../../../src/opi/objects/specs.js';
import { ObjectNames } from '../../../src/translators/names.js';
import { type Player, SETTINGS } from './play.js';

/** Names of the recordings' node. */
export const NAMES = new ObjectNames(SETTINGS.ownerId);

/** Spec of an object; `undefined` if it is not there. */
export function specOf<K extends ObjectKind>(
  player: Player,
  key: ObjectKey<K>,
): SpecByKind[K] | undefined {
  return player.objects.get(keyText(key))?.object.spec as SpecByKind[K] | undefined;
}

/** All specs of a kind. */
export function specsOf<K extends ObjectKind>(player: Player, kind: K): SpecByKind[K][] {
  const entries = [...player.objects.values()].filter(({ object }) => object.key.kind === kind);
  return entries.map(({ object }) => object.spec as SpecByKind[K]);
}

/** Address -> id of the Vnic it leads to. */
export function mappings(player: Player): Record<string, string> {
  return Object.fromEntries(
    specsOf(player, 'mapping').map(({ ip, destination }) => [ip, destination.id]),
  );
}

/** The Delta that tells a pod. */
export function pod(endpoint: WorkloadEndpoint): Delta {
  return { type: 'workload', endpoint };
}
