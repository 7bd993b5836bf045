/** Which failed keys are due when: a binary heap whose outdated entries are dropped as they surface. */

interface Entry<K> {
  readonly key: K;
  readonly at: number;
}

/** Keys by due time. Setting and dropping cost O(log n). */
export class RetryQueue<K> {
  private readonly heap: Entry<K>[] = [];
  private readonly current = new Map<K, number>();

  /** Sets (or moves) the time at which `key` is due. */
  set(key: K, at: number): void {
    this.current.set(key, at);
    this.heap.push({ key, at });
    this.rise(this.heap.length - 1);
  }

  /** Takes `key` out. */
  drop(key: K): void {
    this.current.delete(key);
  }

  /** Earliest time at which anything is due. */
  nextAt(): number | undefined {
    for (let top = this.heap[0]; top !== undefined; top = this.heap[0]) {
      if (this.current.get(top.key) === top.at) return top.at;
      this.removeTop();
    }
    return undefined;
  }

  private removeTop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink(0);
  }

  private rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.timeAt(parent) <= this.timeAt(index)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private sink(from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      const smaller = this.timeAt(left + 1) < this.timeAt(left) ? left + 1 : left;
      if (this.timeAt(index) <= this.timeAt(smaller)) return;
      this.swap(index, smaller);
      index = smaller;
    }
  }

  private timeAt(index: number): number {
    return this.heap[index]?.at ?? Infinity;
  }

  private swap(a: number, b: number): void {
    const first = this.heap[a];
    const second = this.heap[b];
    if (first === undefined || second === undefined) return;
    this.heap[a] = second;
    this.heap[b] = first;
  }
}
