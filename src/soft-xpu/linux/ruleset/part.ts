/** What one unit (a policy, a port, a mapping, ...) contributes to the table: chains, elements, sets, counters. */

/** A chain. Base chains say where they hook in. */
export interface Chain {
  /** `type filter hook ...; policy accept;`, or '' for a chain that is jumped to. */
  readonly hook: string;
  /** One rule each, in nft's words. */
  readonly lines: readonly string[];
}

/** An element of a set or map that a unit claims. */
export interface Claim {
  readonly set: string;
  /** As nft writes it. */
  readonly key: string;
  /** Value in a map; '' in a set. */
  readonly value: string;
}

/** A unit's whole contribution. */
export interface Part {
  readonly counters: ReadonlySet<string>;
  /** Counters that the unit had before stay, for what they count is still there. */
  readonly keepsCounters: boolean;
  /** Declaration by name: `set NAME` or `map NAME` with its type. */
  readonly sets: ReadonlyMap<string, string>;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly claims: readonly Claim[];
}

/** Collects a part. */
export class PartBuilder implements Part {
  readonly counters = new Set<string>();
  keepsCounters = false;
  readonly sets = new Map<string, string>();
  readonly chains = new Map<string, Chain>();
  readonly claims: Claim[] = [];

  /** Adds a chain that others jump to. */
  chain(name: string, lines: readonly string[]): this {
    this.chains.set(name, { hook: '', lines });
    return this;
  }

  /** Adds a base chain of type filter that accepts what its rules let through. */
  base(name: string, hook: string, priority: number, lines: readonly string[]): this {
    const text = `type filter hook ${hook} priority ${priority}; policy accept;`;
    this.chains.set(name, { hook: text, lines });
    return this;
  }

  /** Adds a named counter and gives the statement that counts on it. */
  counter(name: string): string {
    this.counters.add(name);
    return countOn(name);
  }

  /** Adds a set; `type` as nft writes it, `type ifname` or `typeof ip daddr : ct zone`. */
  set(name: string, type: string): this {
    this.sets.set(name, `set ${name} { ${type}; }`);
    return this;
  }

  /** Adds a map. */
  map(name: string, type: string): this {
    this.sets.set(name, `map ${name} { ${type}; }`);
    return this;
  }

  /** Claims an element. */
  claim(set: string, key: string, value = ''): this {
    this.claims.push({ set, key, value });
    return this;
  }
}

/** The statement that counts on a named counter which another unit has made. */
export function countOn(name: string): string {
  return `counter name ${name}`;
}

/** A netdev's name as nft writes it. Names hold no quote: see the store's check of interface names. */
export function quoted(ifname: string): string {
  return `"${ifname}"`;
}
