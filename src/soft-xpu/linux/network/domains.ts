/** Numbers of routing domains: the smallest free one from 1 for each Vpc, kept for as long as the Vpc lives. */
import { invariant } from '../../../base/errors.js';
import { DOMAIN_NUMBER_MAX } from '../names.js';

/** See the file head. */
export class DomainNumbers {
  private readonly numbers = new Map<string, number>();
  private readonly released = new Set<string>();

  /** Number of a Vpc, from now on its own. */
  take(vpcId: string): number {
    this.released.delete(vpcId);
    const known = this.numbers.get(vpcId);
    if (known !== undefined) return known;
    const taken = new Set(this.numbers.values());
    let free = 1;
    while (taken.has(free)) free += 1;
    invariant(free <= DOMAIN_NUMBER_MAX, 'more Vpcs than the limit of the Vpc table');
    this.numbers.set(vpcId, free);
    return free;
  }

  /** Number of a Vpc, if it has one. */
  find(vpcId: string): number | undefined {
    return this.numbers.get(vpcId);
  }

  /** Number of a Vpc that has one: it was taken, and not released before the last `settle`. */
  of(vpcId: string): number {
    const number = this.numbers.get(vpcId);
    invariant(number !== undefined, `vpc ${vpcId} has no number`);
    return number;
  }

  /** The Vpc is gone; its number is free for others after the next `settle`, when the kernel knows nothing of it. */
  release(vpcId: string): void {
    if (this.numbers.has(vpcId)) this.released.add(vpcId);
  }

  /** The kernel has forgotten what was released. */
  settle(): void {
    for (const vpcId of this.released) this.numbers.delete(vpcId);
    this.released.clear();
  }

  /** Numbers by Vpc, without released ones. */
  entries(): Record<string, number> {
    return Object.fromEntries([...this.numbers].filter(([id]) => !this.released.has(id)));
  }

  /** Takes numbers over from an earlier process. */
  restore(numbers: Readonly<Record<string, number>>): void {
    for (const [vpcId, number] of Object.entries(numbers)) this.numbers.set(vpcId, number);
  }
}
