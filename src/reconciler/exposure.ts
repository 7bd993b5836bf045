/**
 * What packets can see of a change. A port sees its binding, the policies the binding names, and the groups those name:
 * in the acknowledged state, or in the state the operations at hand would make.
 */
import { parseKeyText, type KeyText } from '../opi/objects/key.js';
import { RefIndex } from '../opi/objects/ref-index.js';
import type { ExtensionOp } from './ops.js';
import type { Views } from './views.js';

/** Exposure of operations. Valid as long as neither the views nor the operations change. */
export class Exposure {
  private readonly views: Views;
  private readonly coming = new RefIndex<KeyText>();
  private readonly seenNow = new Map<KeyText, ReadonlySet<KeyText>>();
  private readonly seen = new Map<KeyText, ReadonlySet<KeyText>>();

  constructor(views: Views, ops: Iterable<ExtensionOp>) {
    this.views = views;
    for (const op of ops) this.coming.set(op.text, op.refs);
  }

  /** Operations whose new spec refers to the object. */
  comingReferrers(text: KeyText): ReadonlySet<KeyText> {
    return this.coming.referrers(text);
  }

  /** Bindings whose ports see the object now. */
  seersNow(text: KeyText): ReadonlySet<KeyText> {
    return this.memo(this.seenNow, text, (key) => this.views.refs.referrers(key));
  }

  /** Bindings whose ports see the object now or would after any of the operations. */
  seers(text: KeyText): ReadonlySet<KeyText> {
    return this.memo(this.seen, text, (key) => [
      ...this.views.refs.referrers(key),
      ...this.coming.referrers(key),
    ]);
  }

  /** Everything the port of a binding sees now, the binding included. */
  sightNow(binding: KeyText): ReadonlySet<KeyText> {
    return reach(binding, (key) => this.views.refs.refs(key));
  }

  private memo(
    cache: Map<KeyText, ReadonlySet<KeyText>>,
    text: KeyText,
    referrers: (key: KeyText) => Iterable<KeyText>,
  ): ReadonlySet<KeyText> {
    const known = cache.get(text);
    if (known !== undefined) return known;
    const bindings = new Set([...reach(text, referrers)].filter(isBinding));
    cache.set(text, bindings);
    return bindings;
  }
}

/** True for keys of policy bindings. */
export function isBinding(text: KeyText): boolean {
  return parseKeyText(text).kind === 'policyBinding';
}

function reach(start: KeyText, next: (key: KeyText) => Iterable<KeyText>): Set<KeyText> {
  const found = new Set([start]);
  for (const key of found) for (const other of next(key)) found.add(other);
  return found;
}
