/** Keys by object identity, and a cache that forgets what was not asked for lately. */

/** Numbers objects in the order they are first seen; never holds an object alive. */
export class IdentityNumbers {
  private readonly numbers = new WeakMap<object, number>();
  private count = 0;

  of(object: object): number {
    let number = this.numbers.get(object);
    if (number === undefined) {
      number = ++this.count;
      this.numbers.set(object, number);
    }
    return number;
  }
}

/** At most `size` values; the one unused for longest goes first. */
export class RecentCache<K, V> {
  private readonly values = new Map<K, V>();
  private readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  /** The value of a key, made if it is not there. */
  get(key: K, make: () => V): V {
    let value = this.values.get(key);
    if (value === undefined) value = make();
    else this.values.delete(key);
    this.values.set(key, value);
    if (this.values.size > this.size) this.values.delete(this.oldest());
    return value;
  }

  private oldest(): K {
    return this.values.keys().next().value as K;
  }
}
