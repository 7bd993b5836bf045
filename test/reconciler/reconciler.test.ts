/** What the reconciler tells, and what its work costs. */
import { expect } from 'chai';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import type { ObjectKey } from '../../src/opi/objects/key.js';
import type { Origin, PlanEntry } from '../../src/opi/objects/plan.js';
import { Reconciler } from '../../src/reconciler/reconciler.js';
import type { OriginStatus } from '../../src/reconciler/types.js';
import { FakeClock } from './support/fake-clock.js';
import { Vocabulary } from './support/words.js';

const POD = `
  acl deny 4
  vpc v
  subnet s vpc=v
  iface a for=pod/a
  vnic a acl=deny for=pod/a
  policy p
  bind a policies=p for=pod/a`;

function setUp(target = new FakeTarget()): {
  words: Vocabulary;
  target: FakeTarget;
  clock: FakeClock;
  reconciler: Reconciler;
} {
  const words = new Vocabulary();
  const clock = new FakeClock();
  const reconciler = new Reconciler({ target, namer: words.namer, clock, random: () => 1 });
  return { words, target, clock, reconciler };
}

/** A set that notices when somebody walks through all of it. */
class WatchedSet extends Set<string> {
  walks = 0;

  override [Symbol.iterator](): SetIterator<string> {
    this.walks += 1;
    return super[Symbol.iterator]();
  }
}

describe('Reconciler', () => {
  it('tells origins once for each change of their state', async () => {
    const { words, reconciler } = setUp();
    const told: [Origin, OriginStatus['state']][] = [];
    const stop = reconciler.onOriginChange((changed) => {
      for (const [origin, status] of changed) told.push([origin, status.state]);
    });
    reconciler.replacePlan(words.entries(POD));
    reconciler.replacePlan(words.entries(POD));
    expect(told).to.deep.equal([['pod/a', 'pending']]);
    await reconciler.apply();
    expect(told.slice(1)).to.deep.equal([['pod/a', 'ready']]);
    const keys = ['bind', 'vnic', 'iface'].map((word) => words.key(word, 'a'));
    reconciler.plan({ upserts: [], removals: keys, members: [] });
    await reconciler.apply();
    expect(told.slice(2)).to.deep.equal([
      ['pod/a', 'pending'],
      ['pod/a', 'absent'],
    ]);
    stop();
    reconciler.replacePlan(words.entries(POD));
    expect(told).to.have.length(4);
  });

  it('says of every object whether it is there, since when, or why not', async () => {
    const { words, target, clock, reconciler } = setUp();
    const policy = words.key('policy', 'p');
    const binding = words.key('bind', 'a');
    expect(reconciler.objectStatus(policy)).to.deep.equal({ state: 'absent' });
    target.refuse(policy, 'EXHAUSTED');
    const planned = clock.now();
    reconciler.replacePlan(words.entries(POD));
    expect(reconciler.objectStatus(policy)).to.deep.equal({
      state: 'pending',
      op: 'create',
      since: planned,
    });
    clock.advance(5);
    await reconciler.apply();
    expect(reconciler.objectStatus(policy)).to.deep.include({
      state: 'failed',
      op: 'create',
      attempts: 1,
    });
    expect(reconciler.objectStatus(policy)).to.deep.include({
      since: planned + 5,
      retryAt: planned + 10_005,
    });
    expect(reconciler.objectStatus(binding)).to.deep.include({ state: 'failed', attempts: 0 });
    expect(reconciler.originStatus('pod/a').failed.map(({ why }) => why.code)).to.deep.equal([
      'BLOCKED',
    ]);
    expect([...reconciler.unready().keys()]).to.deep.equal(['pod/a']);
    target.accept(policy);
    clock.advance(10_000);
    await reconciler.apply();
    expect(reconciler.objectStatus(policy)).to.deep.equal({
      state: 'ready',
      since: planned + 10_005,
    });
    expect(reconciler.unready().size).to.equal(0);
  });

  it('counts calls, operations and errors', async () => {
    const { words, target, clock, reconciler } = setUp();
    target.failNext('create', { code: 'CONFLICT' });
    reconciler.replacePlan(words.entries(POD));
    const first = await reconciler.apply();
    clock.advance(first.retryInMs!);
    await reconciler.apply();
    const { calls, writes, errors, passes, adoptions } = reconciler.counters;
    expect(calls).to.deep.equal({ probe: 1, list: 13, create: 6, applyBatch: 2 });
    expect(writes).to.deep.include({ vnic: { create: 1 }, networkPolicy: { create: 1 } });
    expect(errors).to.deep.equal({ CONFLICT: 1 });
    expect([passes, adoptions]).to.deep.equal([2, 1]);
  });

  it('keeps one pass at a time; calls made meanwhile share one more', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const target = new FakeTarget({ latency: () => gate });
    const { words, reconciler } = setUp(target);
    reconciler.replacePlan(words.entries(POD));
    const first = reconciler.apply();
    await Promise.resolve();
    const second = reconciler.apply();
    const third = reconciler.apply();
    expect(second).to.equal(third);
    open();
    await Promise.all([first, second]);
    expect(reconciler.counters.passes).to.equal(2);
  });

  it('takes a flush told in the middle of a pass in the same pass', async () => {
    const { words, reconciler } = setUp();
    reconciler.replacePlan(words.entries(POD));
    const pass = reconciler.apply();
    await Promise.resolve();
    reconciler.plan({ upserts: [words.entry('policy p rule=7')], removals: [], members: [] });
    await pass;
    expect(reconciler.pending).to.equal(0);
  });

  it('is idle when everything is acknowledged or refused for good', async () => {
    const { words, target, reconciler } = setUp();
    target.refuse(words.key('policy', 'p'), 'INVALID');
    reconciler.replacePlan(words.entries(POD));
    let idle = false;
    void reconciler.idle.then(() => (idle = true));
    await Promise.resolve();
    expect(idle).to.equal(false);
    await reconciler.apply();
    await reconciler.idle;
    expect(idle).to.equal(true);
  });

  it('makes no more calls at a time than allowed', async () => {
    const target = new FakeTarget({
      latency: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const { words, reconciler } = setUp(target);
    const acls = Array.from({ length: 100 }, (_, n) => `acl n${n} 4 port=${n + 1}`);
    reconciler.replacePlan(words.entries(acls.join('\n')));
    await reconciler.adopt();
    target.clearCalls();
    await reconciler.apply();
    expect(target.concurrencyMax).to.equal(16);
    expect(target.calls).to.have.length(100);
  });
});

describe('Reconciler: cost', () => {
  const BIG = 100_000;

  function bigGroup(words: Vocabulary): PlanEntry & { members: WatchedSet } {
    const members = new WatchedSet();
    for (let n = 0; n < BIG; n += 1) members.add(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`);
    return { ...words.entry('group g PREFIX'), members };
  }

  it('writes one member of a large set without looking at the others', async () => {
    const { words, target, reconciler } = setUp();
    const group = bigGroup(words);
    reconciler.replacePlan([...words.entries(`${POD}\n policy q groups=g`), group]);
    await reconciler.apply();
    const key = group.object.key as ObjectKey<'addressGroup'>;
    expect(target.members(key)?.size).to.equal(BIG);
    group.members.walks = 0;
    target.clearCalls();
    group.members.add('192.168.0.1/32');
    reconciler.plan({
      upserts: [],
      removals: [],
      members: [{ key, added: ['192.168.0.1/32'], removed: [] }],
    });
    const result = await reconciler.apply();
    expect(target.calls.map(({ method, operations }) => [method, operations.length])).to.deep.equal(
      [['applyBatch', 1]],
    );
    expect(words.inWords(target.calls[0]!.operations[0]!)).to.equal('members group g +1 -0');
    expect(result).to.deep.equal({ writes: 1, calls: 1, adopted: false, pending: 0, failed: 0 });
    expect(group.members.walks).to.equal(0);
  });

  it('fills a large new group in pieces before anything names it', async () => {
    const { words, target, reconciler } = setUp();
    const group = bigGroup(words);
    reconciler.replacePlan([...words.entries(`${POD}\n policy q groups=g`), group]);
    await reconciler.apply();
    const batches = target.calls.filter(({ method }) => method === 'applyBatch');
    const texts = batches.map(({ operations }) => words.inWords(operations.join('; ')));
    expect(texts[0]).to.equal('create group g');
    expect(texts.at(-1)).to.equal('create policy q; create policy p; create bind a');
    expect(texts.slice(1, -1).every((text) => text.startsWith('members group g'))).to.equal(true);
    expect(texts).to.have.length.within(4, 6);
  });

  it('applies twelve thousand policies in a few batches, what ports see in one', async () => {
    const { words, target, reconciler } = setUp();
    const policies = Array.from({ length: 12_000 }, (_, n) => `policy n${n} rule=${n}`);
    reconciler.replacePlan(words.entries(`${POD}\n${policies.join('\n')}`));
    const result = await reconciler.apply();
    expect(result.pending).to.equal(0);
    const batches = target.calls.filter(({ method }) => method === 'applyBatch');
    expect(batches.length).to.be.within(2, 12);
    expect(words.inWords(batches.at(-1)!.operations.join('; '))).to.equal('create bind a');
    target.clearCalls();
    reconciler.plan({ upserts: [words.entry('policy n7 rule=8')], removals: [], members: [] });
    expect((await reconciler.apply()).writes).to.equal(1);
    expect(target.calls).to.have.length(1);
  }).timeout(20_000);
});
