/** Who refers to whom, in both directions, kept up to date one object at a time. */

/** Index of references between keys. Cost of a change: the references of the object that changed. */
export class RefIndex<K extends string = string> {
  private readonly forward = new Map<K, readonly K[]>();
  private readonly backward = new Map<K, Set<K>>();

  /** Sets what `key` refers to. */
  set(key: K, refs: readonly K[]): void {
    this.delete(key);
    if (refs.length === 0) return;
    this.forward.set(key, refs);
    for (const ref of refs) {
      const referrers = this.backward.get(ref);
      if (referrers === undefined) this.backward.set(ref, new Set([key]));
      else referrers.add(key);
    }
  }

  /** Forgets what `key` refers to; others may still refer to it. */
  delete(key: K): void {
    for (const ref of this.forward.get(key) ?? []) {
      const referrers = this.backward.get(ref);
      referrers?.delete(key);
      if (referrers?.size === 0) this.backward.delete(ref);
    }
    this.forward.delete(key);
  }

  /** What `key` refers to. */
  refs(key: K): readonly K[] {
    return this.forward.get(key) ?? [];
  }

  /** Who refers to `key`. */
  referrers(key: K): ReadonlySet<K> {
    return this.backward.get(key) ?? EMPTY;
  }

  /** Forgets everything. */
  clear(): void {
    this.forward.clear();
    this.backward.clear();
  }
}

const EMPTY: ReadonlySet<never> = new Set();
