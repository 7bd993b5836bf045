/** One port as it was in one state, and everything else as it is in another. */
import { keyText } from '../../../src/opi/objects/key.js';
import type { PlanEntry } from '../../../src/opi/objects/plan.js';
import type { MappingSpec, PolicyBindingSpec } from '../../../src/opi/objects/specs.js';
import { boundPort } from './opened.js';

/** Kinds that only say what ports decide: what other ports have of them does not count, their doors are open. */
const RULES = ['networkPolicy', 'addressGroup', 'securityPolicy'];

/** `entries` with the rules and the addresses that `port` has in `state`; without the port if it is not there. */
export function withPortAsOf(
  port: string,
  state: readonly PlanEntry[],
  entries: readonly PlanEntry[],
): PlanEntry[] {
  const own = state.filter((entry) => isRule(entry) || belongsTo(port, entry));
  const addresses = new Set(own.flatMap(addressOf));
  const rest = entries.filter(
    (entry) =>
      !isRule(entry) &&
      !belongsTo(port, entry) &&
      !addressOf(entry).some((address) => addresses.has(address)),
  );
  const keys = new Set(own.map(({ object }) => keyText(object.key)));
  return [...rest.filter(({ object }) => !keys.has(keyText(object.key))), ...own];
}

function isRule({ object }: PlanEntry): boolean {
  return RULES.includes(object.key.kind);
}

/** The port's Vnic, its binding, and the Mappings that lead to it. */
function belongsTo(port: string, { object }: PlanEntry): boolean {
  const { key, spec } = object;
  if (key.kind === 'vnic') return keyText(key) === port;
  if (key.kind === 'policyBinding') return boundPort((spec as PolicyBindingSpec).port) === port;
  return key.kind === 'mapping' && keyText((spec as MappingSpec).destination) === port;
}

function addressOf({ object }: PlanEntry): string[] {
  return object.key.kind === 'mapping' ? [(object.spec as MappingSpec).ip] : [];
}
