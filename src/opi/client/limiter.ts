/** Bounds how many calls are in flight. */

/** Runs at most `max` pieces of work at once; others wait in the order they came. */
export class Limiter {
  private readonly max: number;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(max: number) {
    this.max = Math.max(1, max);
  }

  /** Result of `work`, once it had its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private enter(): Promise<void> {
    if (this.running < this.max) {
      this.running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** The place goes straight to the next in line, so nobody can overtake. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running -= 1;
    else next();
  }
}
