/** What a port can see, as one text: equal texts are equal policies. */
import { keyText, type KeyText } from '../../../src/opi/objects/key.js';
import { specText, type PlanEntry } from '../../../src/opi/objects/plan.js';
import { refsOf } from '../../../src/opi/objects/refs.js';
import type { AnyObject, PolicyBindingSpec } from '../../../src/opi/objects/specs.js';

/**
 * Text of every port's policy: its binding with the policies and groups it reaches, members included. A vNIC without a
 * binding denies and is left out; the uplink without one passes, which is a text of its own.
 */
export function portViews(entries: Iterable<PlanEntry>): Map<string, string> {
  const byKey = new Map<KeyText, PlanEntry>();
  for (const entry of entries) byKey.set(keyText(entry.object.key), entry);
  const views = new Map([['UPLINK', 'passes everything']]);
  for (const { object } of byKey.values()) {
    if (object.key.kind !== 'policyBinding') continue;
    views.set(portOf(object), viewOf(object, byKey));
  }
  return views;
}

function portOf(binding: AnyObject): string {
  const { port } = binding.spec as PolicyBindingSpec;
  return 'vnic' in port ? keyText(port.vnic) : port.port;
}

function viewOf(binding: AnyObject, byKey: ReadonlyMap<KeyText, PlanEntry>): string {
  const seen = new Set<KeyText>([keyText(binding.key)]);
  for (const text of seen) {
    const entry = byKey.get(text);
    for (const ref of entry === undefined ? [] : refsOf(entry.object)) {
      if (['networkPolicy', 'addressGroup'].includes(ref.kind)) seen.add(keyText(ref));
    }
  }
  const lines = [...seen].map((text) => {
    const entry = byKey.get(text);
    if (entry === undefined) return `${text} MISSING`;
    return `${text} ${specText(entry.object)} ${[...(entry.members ?? [])].sort().join(' ')}`;
  });
  return lines.sort().join('\n');
}
