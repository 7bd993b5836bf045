/** The loop: passes when there is something to do, at the right time, and never two at once. */
import { expect } from 'chai';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import { ReconcileLoop } from '../../src/reconciler/loop.js';
import { Reconciler } from '../../src/reconciler/reconciler.js';
import type { ApplyResult } from '../../src/reconciler/types.js';
import { FakeClock } from './support/fake-clock.js';
import { Vocabulary } from './support/words.js';

interface Running {
  readonly words: Vocabulary;
  readonly target: FakeTarget;
  readonly clock: FakeClock;
  readonly reconciler: Reconciler;
  readonly loop: ReconcileLoop;
  readonly results: ApplyResult[];
  readonly bugs: unknown[];
}

function start(verifyEveryMs = 5000): Running {
  const words = new Vocabulary();
  const clock = new FakeClock();
  const target = new FakeTarget();
  const reconciler = new Reconciler({ target, namer: words.namer, clock, random: () => 1 });
  const results: ApplyResult[] = [];
  const bugs: unknown[] = [];
  const loop = new ReconcileLoop({
    reconciler,
    clock,
    verifyEveryMs,
    onPass: (result) => results.push(result),
    onBug: (thrown) => bugs.push(thrown),
  });
  return { words, target, clock, reconciler, loop, results, bugs };
}

/** Lets everything that is ready run. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('ReconcileLoop', () => {
  it('runs a pass when woken, and another when a retry is due', async () => {
    const { words, target, clock, reconciler, loop, results } = start();
    target.failNext('create', { code: 'CONFLICT' });
    reconciler.replacePlan(words.entries('vpc v'));
    loop.wake();
    await quiet();
    expect(results.map(({ pending }) => pending)).to.deep.equal([1]);
    clock.advance(199);
    await quiet();
    expect(results).to.have.length(1);
    clock.advance(1);
    await quiet();
    expect(results.map(({ pending }) => pending)).to.deep.equal([1, 0]);
    await loop.stop();
  });

  it('does not hammer an XPU that does not answer, however often it is woken', async () => {
    const { words, target, clock, reconciler, loop, results } = start();
    for (let n = 0; n < 3; n += 1) target.failNext('probe', { code: 'UNAVAILABLE' });
    reconciler.replacePlan(words.entries('vpc v'));
    loop.wake();
    await quiet();
    for (let n = 0; n < 10; n += 1) loop.wake();
    await quiet();
    expect(results).to.have.length(1);
    for (const ms of [200, 400, 800]) {
      clock.advance(ms);
      await quiet();
    }
    expect(results.map(({ unreachable }) => unreachable?.code)).to.deep.equal([
      'UNAVAILABLE',
      'UNAVAILABLE',
      'UNAVAILABLE',
      undefined,
    ]);
    expect(reconciler.pending).to.equal(0);
    await loop.stop();
  });

  it('notices by itself that the XPU was born again', async () => {
    const { words, target, clock, reconciler, loop } = start();
    reconciler.replacePlan(words.entries('vpc v'));
    loop.wake();
    await quiet();
    target.restart();
    clock.advance(5000);
    await quiet();
    expect(target.object(words.key('vpc', 'v'))).to.not.equal(undefined);
    await loop.stop();
  });

  it('ends after the pass under way and leaves no timer behind', async () => {
    const { words, target, clock, reconciler, loop, results } = start();
    target.failNext('create', { code: 'CONFLICT' });
    reconciler.replacePlan(words.entries('vpc v'));
    loop.wake();
    await loop.stop();
    clock.advance(60_000);
    await quiet();
    expect(results.length).to.be.lessThan(2);
    expect(clock.waiting).to.equal(0);
  });

  it('tells a bug and ends', async () => {
    const { words, target, reconciler, loop, bugs } = start();
    reconciler.onOriginChange(() => {
      throw new Error('a listener must not throw');
    });
    reconciler.plan({ upserts: [], removals: [], members: [] });
    const calls = target.calls.length;
    try {
      reconciler.replacePlan(words.entries('vpc v for=x'));
    } catch {
      loop.wake();
    }
    await quiet();
    expect(bugs).to.have.length(1);
    loop.wake();
    await quiet();
    expect(target.calls.length).to.be.greaterThan(calls);
    await loop.stop();
  });
});
