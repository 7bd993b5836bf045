/** Sets of integers as sorted, disjoint, half-open intervals: addresses, ports, protocols, ICMP types. */

/** A value of a set: `number` where it fits, `bigint` for addresses. */
export type Ordinal = number | bigint;

/** Inclusive range of values. */
export interface OrdinalRange<T extends Ordinal> {
  readonly low: T;
  readonly high: T;
}

/** The integers 0 up to (not including) `size`. Its `full` and `empty` sets are the only ones of their content. */
export class Domain<T extends Ordinal> {
  readonly full: IntervalSet<T>;
  readonly empty: IntervalSet<T>;
  /** The value behind one value. */
  readonly next: (value: T) => T;
  /** The value before one value. */
  readonly previous: (value: T) => T;
  private readonly zero: T;
  private readonly size: T;

  constructor(zero: T, size: T, next: (value: T) => T, previous: (value: T) => T) {
    this.zero = zero;
    this.size = size;
    this.next = next;
    this.previous = previous;
    this.full = new IntervalSet(this, [zero, size]);
    this.empty = new IntervalSet(this, []);
  }

  /** Set of sorted, disjoint bounds: `[from, to)` pairs, each bound greater than the one before. */
  ofBounds(bounds: readonly T[]): IntervalSet<T> {
    if (bounds.length === 0) return this.empty;
    if (bounds.length === 2 && bounds[0] === this.zero && bounds[1] === this.size) return this.full;
    return new IntervalSet(this, bounds);
  }

  /** Union of ranges in any order; they may overlap. */
  ofRanges(ranges: Iterable<OrdinalRange<T>>): IntervalSet<T> {
    const sorted = [...ranges].sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
    const bounds: T[] = [];
    for (const { low, high } of sorted) {
      const end = this.next(high);
      const last = bounds.at(-1);
      if (last === undefined || low > last) bounds.push(low, end);
      else if (end > last) bounds[bounds.length - 1] = end;
    }
    return this.ofBounds(bounds);
  }
}

/** Domain of small numbers 0..size-1. */
export function numberDomain(size: number): Domain<number> {
  return new Domain<number>(
    0,
    size,
    (value) => value + 1,
    (value) => value - 1,
  );
}

/** Domain of addresses of a width in bits. */
export function bigintDomain(bits: number): Domain<bigint> {
  return new Domain<bigint>(
    0n,
    1n << BigInt(bits),
    (value) => value + 1n,
    (value) => value - 1n,
  );
}

/** An immutable set. `a === b` is a cheap sufficient test of equality, and the exact one for full and empty sets. */
export class IntervalSet<T extends Ordinal> {
  readonly domain: Domain<T>;
  /** Half-open bounds: `[b0, b1)`, `[b2, b3)`, ... */
  readonly bounds: readonly T[];

  constructor(domain: Domain<T>, bounds: readonly T[]) {
    this.domain = domain;
    this.bounds = bounds;
  }

  get isEmpty(): boolean {
    return this.bounds.length === 0;
  }

  get isFull(): boolean {
    return this === this.domain.full;
  }

  /** Number of disjoint ranges. */
  get rangeCount(): number {
    return this.bounds.length / 2;
  }

  /** The ranges, ascending. */
  *ranges(): Generator<OrdinalRange<T>> {
    for (let index = 0; index < this.bounds.length; index += 2) {
      yield { low: this.at(index), high: this.domain.previous(this.at(index + 1)) };
    }
  }

  /** True if `value` is a member. */
  has(value: T): boolean {
    return countUpTo(this.bounds, value) % 2 === 1;
  }

  /** Values in both. */
  and(other: IntervalSet<T>): IntervalSet<T> {
    if (this === other || other.isFull || this.isEmpty) return this;
    if (this.isFull || other.isEmpty) return other;
    const [small, large] =
      this.bounds.length <= other.bounds.length ? [this, other] : [other, this];
    if (small.bounds.length * 16 < large.bounds.length)
      return this.domain.ofBounds(slices(small.bounds, large.bounds));
    return this.domain.ofBounds(merge(this.bounds, other.bounds, (a, b) => a && b));
  }

  /** Values in either. */
  or(other: IntervalSet<T>): IntervalSet<T> {
    if (this === other || this.isFull || other.isEmpty) return this;
    if (other.isFull || this.isEmpty) return other;
    return this.domain.ofBounds(merge(this.bounds, other.bounds, (a, b) => a || b));
  }

  /** Values in this set and not in the other. */
  minus(other: IntervalSet<T>): IntervalSet<T> {
    if (other.isEmpty || this.isEmpty) return this;
    if (this === other || other.isFull) return this.domain.empty;
    return this.domain.ofBounds(merge(this.bounds, other.bounds, (a, b) => a && !b));
  }

  /** Values of the domain that are not in this set. */
  complement(): IntervalSet<T> {
    return this.domain.full.minus(this);
  }

  /** True if some value is in both. */
  overlaps(other: IntervalSet<T>): boolean {
    const [small, large] =
      this.bounds.length <= other.bounds.length ? [this, other] : [other, this];
    if (large.isFull) return !small.isEmpty;
    for (let index = 0; index < small.bounds.length; index += 2) {
      const from = countUpTo(large.bounds, small.at(index));
      if (from % 2 === 1) return true;
      const start = large.bounds[from];
      if (start !== undefined && start < small.at(index + 1)) return true;
    }
    return false;
  }

  /** True if every value of `other` is in this set. */
  covers(other: IntervalSet<T>): boolean {
    if (this.isFull || this === other || other.isEmpty) return true;
    if (other.isFull) return false;
    for (let index = 0; index < other.bounds.length; index += 2) {
      const from = countUpTo(this.bounds, other.at(index));
      const end = this.bounds[from];
      if (from % 2 === 0 || end === undefined || end < other.at(index + 1)) return false;
    }
    return true;
  }

  /** True if both hold the same values. */
  equals(other: IntervalSet<T>): boolean {
    if (this === other) return true;
    if (this.bounds.length !== other.bounds.length) return false;
    return this.bounds.every((bound, index) => bound === other.bounds[index]);
  }

  /** The smallest single range that holds every value. */
  hull(): IntervalSet<T> {
    if (this.bounds.length <= 2) return this;
    return this.domain.ofBounds([this.at(0), this.at(this.bounds.length - 1)]);
  }

  private at(index: number): T {
    return this.bounds[index] as T;
  }
}

/** Intersection for a set with far fewer ranges than `large`: a slice of `large` for each range. */
function slices<T extends Ordinal>(small: readonly T[], large: readonly T[]): T[] {
  const bounds: T[] = [];
  for (let index = 0; index < small.length; index += 2) {
    const low = small[index] as T;
    const end = small[index + 1] as T;
    let at = countUpTo(large, low);
    if (at % 2 === 1) bounds.push(low);
    for (; at < large.length && (large[at] as T) < end; at++) bounds.push(large[at] as T);
    if (at % 2 === 1) bounds.push(end);
  }
  return bounds;
}

/** How many bounds are at or below `value`; odd = the value lies inside an interval. */
function countUpTo<T extends Ordinal>(bounds: readonly T[], value: T): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] as T) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sweeps over the bounds of two sets and keeps the stretches for which `keep` holds. */
function merge<T extends Ordinal>(
  a: readonly T[],
  b: readonly T[],
  keep: (inA: boolean, inB: boolean) => boolean,
): T[] {
  const out: T[] = [];
  let i = 0;
  let j = 0;
  let inside = false;
  while (i < a.length || j < b.length) {
    const fromA = j >= b.length || (i < a.length && (a[i] as T) <= (b[j] as T));
    const at = (fromA ? a[i] : b[j]) as T;
    if (a[i] === at) i++;
    if (b[j] === at) j++;
    const now = keep(i % 2 === 1, j % 2 === 1);
    if (now !== inside) out.push(at);
    inside = now;
  }
  return out;
}
