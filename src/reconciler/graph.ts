/** Work on the nodes of a graph: as many at a time as allowed, none before what it depends on. */

/** One run over a graph. */
export interface GraphRun<K> {
  /** Nodes in the order in which they start where dependencies leave a choice. */
  readonly nodes: readonly K[];
  /** What must be done before a node; keys that are no nodes are ignored. */
  readonly dependsOn: (node: K) => Iterable<K>;
  /** Must not reject for failures that belong to the node alone. */
  readonly work: (node: K) => Promise<void>;
  readonly concurrency: number;
  /** True = start nothing more. */
  readonly stopped: () => boolean;
}

/**
 * Runs `work` once on every node. Nodes that depend on a failed one run too: `work` judges for itself. Nodes of a cycle
 * are left out. Rejects with the first rejection of `work`.
 */
export function runGraph<K>(run: GraphRun<K>): Promise<void> {
  const { waitsFor, unblocks } = edgesOf(run);
  const ready = run.nodes.filter((node) => waitsFor.get(node) === 0);
  let next = 0;
  let running = 0;
  return new Promise((resolve, reject) => {
    const finish = (node: K): void => {
      running -= 1;
      for (const other of unblocks.get(node) ?? []) {
        const left = (waitsFor.get(other) ?? 0) - 1;
        waitsFor.set(other, left);
        if (left === 0) ready.push(other);
      }
      pump();
    };
    const pump = (): void => {
      while (running < run.concurrency && next < ready.length && !run.stopped()) {
        const node = ready[next] as K;
        next += 1;
        running += 1;
        run.work(node).then(() => finish(node), reject);
      }
      if (running === 0) resolve();
    };
    pump();
  });
}

function edgesOf<K>(run: GraphRun<K>): { waitsFor: Map<K, number>; unblocks: Map<K, K[]> } {
  const waitsFor = new Map(run.nodes.map((node) => [node, 0]));
  const unblocks = new Map<K, K[]>();
  for (const node of run.nodes) {
    const needed = new Set(run.dependsOn(node));
    for (const other of needed) {
      if (!waitsFor.has(other) || other === node) continue;
      waitsFor.set(node, (waitsFor.get(node) ?? 0) + 1);
      unblocks.set(other, [...(unblocks.get(other) ?? []), node]);
    }
  }
  return { waitsFor, unblocks };
}
