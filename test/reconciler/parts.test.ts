/** The graph runner and the retry queue. */
import { expect } from 'chai';
import fc from 'fast-check';
import { runGraph } from '../../src/reconciler/graph.js';
import { RetryQueue } from '../../src/reconciler/retry-queue.js';

describe('runGraph', () => {
  it('starts nothing before what it depends on is done, and no more than allowed at a time', async () => {
    const edges: Record<string, string[]> = {
      d: ['b', 'c'],
      b: ['a'],
      c: ['a'],
      a: [],
      e: ['nobody'],
    };
    const done: string[] = [];
    let running = 0;
    let most = 0;
    await runGraph({
      nodes: Object.keys(edges),
      dependsOn: (node) => edges[node]!,
      concurrency: 2,
      stopped: () => false,
      work: async (node) => {
        expect(
          edges[node]!.filter((other) => other !== 'nobody' && !done.includes(other)),
        ).to.deep.equal([]);
        most = Math.max(most, ++running);
        await Promise.resolve();
        running -= 1;
        done.push(node);
      },
    });
    expect([...done].sort()).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(most).to.equal(2);
  });

  it('stops when told, and leaves out cycles', async () => {
    const done: string[] = [];
    const run = (nodes: string[], dependsOn: (node: string) => string[]): Promise<void> =>
      runGraph({
        nodes,
        dependsOn,
        concurrency: 1,
        stopped: () => done.length >= 2,
        work: (node) => Promise.resolve(void done.push(node)),
      });
    await run(['x', 'y', 'a'], (node) => (node === 'x' ? ['y'] : node === 'y' ? ['x'] : []));
    expect(done).to.deep.equal(['a']);
    await run(['b', 'c'], () => []);
    expect(done).to.deep.equal(['a', 'b']);
  });

  it('rejects when the work does', async () => {
    const run = runGraph({
      nodes: ['a'],
      dependsOn: () => [],
      concurrency: 1,
      stopped: () => false,
      work: () => Promise.reject(new Error('a bug')),
    });
    const thrown: unknown = await run.catch((error: unknown) => error);
    expect((thrown as Error).message).to.equal('a bug');
  });
});

describe('RetryQueue', () => {
  it('knows the earliest time, like a plain map does', () => {
    const change = fc.record({ key: fc.nat(5), at: fc.option(fc.nat(20), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const queue = new RetryQueue<number>();
        const model = new Map<number, number>();
        for (const { key, at } of changes) {
          if (at === undefined) queue.drop(key);
          else queue.set(key, at);
          if (at === undefined) model.delete(key);
          else model.set(key, at);
          const earliest = model.size === 0 ? undefined : Math.min(...model.values());
          expect(queue.nextAt()).to.equal(earliest);
        }
      }),
    );
  });
});
