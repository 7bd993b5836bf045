/** Felix's configuration of a node: the default one, and above it the node's own. */
import type { FelixConfigurationResource, Labels } from '../resources/resource.js';

/** Names that ConfigUpdate uses, with the texts that were set. */
export type Settings = Labels;

/** Settings in force on `node`. */
export function settingsOf(
  configurations: readonly FelixConfigurationResource[],
  node: string,
): Settings {
  const named = (name: string): Settings =>
    configurations.find((configuration) => configuration.name === name)?.settings ?? {};
  return { ...named('default'), ...named(`node.${node}`) };
}

/** Whether endpoints may ask for source prefixes beside their own; those that do are dropped whole otherwise. */
export function spoofingAllowed(settings: Settings): boolean {
  return settings['WorkloadSourceSpoofing']?.toLowerCase() === 'any';
}

/** Whether prefixes that lie in another one of their IP set are left out (felix-protocol: IP sets). */
export function nestedPrefixesHidden(settings: Settings): boolean {
  return settings['NFTablesMode']?.toLowerCase() !== 'disabled';
}

/** Changes of these do not make Felix restart (felix-protocol: ConfigUpdate). */
const LIVE: ReadonlySet<string> = new Set([
  'CalicoVersion',
  'ClusterGUID',
  'ClusterType',
  'HealthTimeoutOverrides',
]);

/** Whether Felix restarts when its settings change so. */
export function needsRestart(before: Settings, after: Settings): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].some((name) => !LIVE.has(name) && before[name] !== after[name]);
}
