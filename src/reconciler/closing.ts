/** How the port of a binding is closed when its policy cannot be written. */
import { keyText, parseKeyText, type KeyText } from '../opi/objects/key.js';
import { refsOf } from '../opi/objects/refs.js';
import type { PolicyBindingSpec } from '../opi/objects/specs.js';
import type { Core } from './core.js';
import { closingOp, type ExtensionOp } from './ops.js';
import { digestOf } from './views.js';

/**
 * The operation that closes a binding's port: its closed form where the plan gives one, else its deletion where that
 * denies. `closed`: nothing to do. `open`: the port cannot be closed.
 */
export function closureOf(core: Core, binding: KeyText): ExtensionOp | 'closed' | 'open' {
  const held = core.views.acknowledged.get(binding);
  const closed = core.views.wanted.get(binding)?.entry.closed;
  if (closed !== undefined) {
    const digest = digestOf(closed);
    if (held?.digest === digest) return 'closed';
    const usable = refsOf(closed).every((ref) => core.views.acknowledged.has(keyText(ref)));
    if (usable && !core.failures.isRefusedClosure(binding, digest)) {
      return closingOp(binding, closed, digest);
    }
  }
  if (!deniesWithoutBinding(core, binding)) return 'open';
  if (held === undefined) return 'closed';
  return core.failures.isRefusedClosure(binding, '') ? 'open' : closingOp(binding, undefined);
}

/** True if the port denies everything once the binding is gone: vNICs do, the uplink and the tunnel pass. */
export function deniesWithoutBinding(core: Core, binding: KeyText): boolean {
  if (parseKeyText(binding).kind !== 'policyBinding') return false;
  const { views } = core;
  const object = views.acknowledged.get(binding)?.object ?? views.wanted.get(binding)?.entry.object;
  return object !== undefined && 'vnic' in (object.spec as PolicyBindingSpec).port;
}

/** True while the XPU holds an object's closed form. */
export function holdsClosedForm(core: Core, text: KeyText): boolean {
  const closed = core.views.wanted.get(text)?.entry.closed;
  if (closed === undefined) return false;
  return core.views.acknowledged.get(text)?.digest === digestOf(closed);
}
