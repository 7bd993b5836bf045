/** Chance that can be had again: CALICO_XPU_SEED sets the seed, every failure names it. */

/** Draws from one seed. */
export class Chance {
  readonly seed: number;
  private state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  /** 0 <= x < 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, 0 <= x < limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** The values in another order. */
  shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);
  }
}

/** The seed of this run. */
export function seedOfRun(): number {
  const given = process.env['CALICO_XPU_SEED'];
  return given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
}
