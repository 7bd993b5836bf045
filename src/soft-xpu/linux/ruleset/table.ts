/**
 * What our table should hold, and the text that takes the kernel from what it held to that. Parts are replaced one unit
 * at a time; only names that a replaced part touches are compared.
 */
import type { ElementChanges } from './elements.js';
import type { Chain, Claim, Part } from './part.js';
import { transactionText, type TableDifference } from './transaction.js';

/** Something that units have in common, as the last of them wrote it; it is there for as long as one of them has it. */
interface Owned<T> {
  readonly units: Set<string>;
  value: T;
}

/** Values that units claim for one element; the unit whose name comes first decides. */
type Claims = Map<string, string>;

/** See the file head. */
export class Table {
  private readonly parts = new Map<string, Part>();
  private readonly chains = new Map<string, Owned<Chain>>();
  private readonly sets = new Map<string, Owned<string>>();
  private readonly counters = new Map<string, Owned<true>>();
  private readonly elements = new Map<string, Map<string, Claims>>();
  private touched = new Touched();

  /** Puts a part in place of the unit's; `undefined` takes the unit away. */
  replace(unit: string, part: Part | undefined): void {
    const before = this.parts.get(unit);
    if (before !== undefined) this.drop(unit, before);
    if (part === undefined) this.parts.delete(unit);
    else this.take(unit, part.keepsCounters ? withCounters(part, before) : part);
  }

  /**
   * Text of everything that changed since the last call, with the element changes of sets that no part claims. '' if
   * nothing did.
   */
  flush(streamed: ElementChanges): string {
    const { touched } = this;
    this.touched = new Touched();
    return transactionText({
      counters: compare(touched.counters, this.counters),
      sets: compare(touched.sets, this.sets),
      chains: compare(touched.chains, this.chains),
      elements: this.elementChanges(touched, streamed),
    });
  }

  private take(unit: string, part: Part): void {
    this.parts.set(unit, part);
    for (const [name, chain] of part.chains)
      put(this.chains, this.touched.chains, unit, name, chain);
    for (const [name, text] of part.sets) put(this.sets, this.touched.sets, unit, name, text);
    for (const name of part.counters) put(this.counters, this.touched.counters, unit, name, true);
    for (const claim of part.claims) this.claimsOf(claim).set(unit, claim.value);
  }

  private drop(unit: string, part: Part): void {
    for (const name of part.chains.keys()) remove(this.chains, this.touched.chains, unit, name);
    for (const name of part.sets.keys()) remove(this.sets, this.touched.sets, unit, name);
    for (const name of part.counters) remove(this.counters, this.touched.counters, unit, name);
    for (const claim of part.claims) this.claimsOf(claim).delete(unit);
  }

  /** Claims of an element, which is noted as touched. */
  private claimsOf({ set, key }: Claim): Claims {
    const elements = child(this.elements, set);
    const claims = child(elements, key);
    const before = child(this.touched.elements, set);
    if (!before.has(key)) before.set(key, decided(claims));
    return claims;
  }

  private elementChanges(touched: Touched, changes: ElementChanges): ElementChanges {
    for (const [set, keys] of touched.elements) {
      const elements = child(this.elements, set);
      for (const [key, before] of keys) {
        const claims = child(elements, key);
        const after = decided(claims);
        if (claims.size === 0) elements.delete(key);
        if (after === before) continue;
        if (before !== undefined) changes.remove(set, key);
        if (after !== undefined) changes.add(set, after === '' ? key : `${key} : ${after}`);
      }
    }
    return changes;
  }
}

function withCounters(part: Part, before: Part | undefined): Part {
  if (before === undefined) return part;
  return { ...part, counters: new Set([...before.counters, ...part.counters]) };
}

/** What was there before the first change since the last flush. */
class Touched {
  readonly chains = new Map<string, Chain | undefined>();
  readonly sets = new Map<string, string | undefined>();
  readonly counters = new Map<string, true | undefined>();
  readonly elements = new Map<string, Map<string, string | undefined>>();
}

function put<T>(
  owned: Map<string, Owned<T>>,
  touched: Map<string, T | undefined>,
  unit: string,
  name: string,
  value: T,
): void {
  const held = owned.get(name);
  if (!touched.has(name)) touched.set(name, held?.value);
  if (held === undefined) owned.set(name, { units: new Set([unit]), value });
  else {
    held.units.add(unit);
    held.value = value;
  }
}

/** What another unit has as well stays. */
function remove<T>(
  owned: Map<string, Owned<T>>,
  touched: Map<string, T | undefined>,
  unit: string,
  name: string,
): void {
  const held = owned.get(name);
  if (held?.units.delete(unit) !== true || held.units.size > 0) return;
  if (!touched.has(name)) touched.set(name, held.value);
  owned.delete(name);
}

function compare<T>(
  touched: Map<string, T | undefined>,
  owned: Map<string, Owned<T>>,
): TableDifference<T> {
  const [created, changed, removed]: [[string, T][], [string, T][], string[]] = [[], [], []];
  for (const [name, before] of touched) {
    const after = owned.get(name)?.value;
    if (after === undefined) {
      if (before !== undefined) removed.push(name);
    } else if (before === undefined) created.push([name, after]);
    else if (!same(before, after)) changed.push([name, after]);
  }
  return { created, changed, removed };
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  const [left, right] = [(a as Chain).lines, (b as Chain).lines];
  return left.length === right.length && left.every((line, index) => line === right[index]);
}

function decided(claims: Claims): string | undefined {
  if (claims.size <= 1) return claims.values().next().value;
  const [first] = [...claims.keys()].sort();
  return first === undefined ? undefined : claims.get(first);
}

function child<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = new Map<L, V>()));
  return found;
}
