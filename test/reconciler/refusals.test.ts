/**
 * The XPU refuses some objects for good. Whatever the plan: every port ends with exactly its wanted policy or closed,
 * never with an old one; the uplink alone, which cannot be closed without a closed form, may keep its whole old state.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import { keyText } from '../../src/opi/objects/key.js';
import { facts, planOf } from './support/plans.js';
import { portViews } from './support/ports.js';
import { UnnamedTarget } from './support/unnamed-target.js';
import { World } from './support/world.js';

const TIME_MS = 1000;

const refusal = fc.record({
  what: fc.constantFrom('policy p', 'policy q', 'group g', 'group h', 'bind a', 'bind uplink'),
  code: fc.constantFrom('INVALID' as const, 'UNKNOWN' as const, 'EXHAUSTED' as const),
});

/** A run: a first plan that is accepted, refusals, a second plan. */
async function run(
  world: World,
  plans: readonly [string, string],
  refusals: readonly { what: string; code: 'INVALID' | 'UNKNOWN' | 'EXHAUSTED' }[],
): Promise<void> {
  const [first, second] = plans;
  world.want(first, true);
  await world.settle();
  const before = portViews(world.target.entries());
  const keys = refusals.map(({ what }) =>
    world.words.key(...(what.split(' ') as [string, string])),
  );
  refusals.forEach(({ code }, index) => world.target.refuse(keys[index]!, code));
  world.want(second);
  await world.settle(3);
  expectClosedOrWanted(world, before, new Set(keys.map(keyText)));
  for (const key of keys) world.target.accept(key);
  world.restartAgent();
  await world.settle();
  await world.expectConverged();
}

function expectClosedOrWanted(
  world: World,
  before: ReadonlyMap<string, string>,
  refused: ReadonlySet<string>,
): void {
  const wanted = portViews(world.wanted());
  const closed = portViews(world.closedForms());
  const uplink = keyText(world.words.key('bind', 'uplink'));
  const hasForm = world.closedForms().some(({ object }) => keyText(object.key) === uplink);
  const canClose = hasForm && !refused.has(uplink);
  for (const [port, view] of portViews(world.target.entries())) {
    const right = [wanted.get(port), closed.get(port)];
    if (port === 'UPLINK' && !canClose) right.push(before.get(port));
    expect(right, `${port} sees ${view}`).to.include(view);
  }
}

describe('reconciler: refusals', () => {
  for (const named of [true, false]) {
    for (const closed of [false, true]) {
      const name = `${named ? 'named' : 'unnamed'} operation${closed ? ', closed forms' : ''}`;
      it(`${name}: a port has what is wanted, or is closed`, async () => {
        const twoPlans = fc
          .tuple(facts, facts)
          .map(([a, b]) => [planOf(a, closed), planOf(b, closed)] as const);
        const property = fc.asyncProperty(
          twoPlans,
          fc.array(refusal, { minLength: 1, maxLength: 3 }),
          fc.constantFrom(250, 1 << 20),
          (plans, refusals, pieceBytesMax) => {
            const limits = { pieceBytesMax, atomicBytesMax: 1 << 20 };
            const Target = named ? FakeTarget : UnnamedTarget;
            return run(new World({ limits, Target, checkNeed: false }), plans, refusals);
          },
        );
        await fc.assert(property, { numRuns: 5000, interruptAfterTimeLimit: TIME_MS });
      }).timeout(TIME_MS * 4);
    }
  }

  it('leaves a port that has nothing to do with a refusal untouched', async () => {
    const base = 'acl deny 4\nvpc v\nsubnet s vpc=v';
    const pod = (name: string, policy: string): string =>
      `iface ${name}\nvnic ${name} acl=deny\nbind ${name} policies=${policy} for=${name}`;
    const world = new World();
    world.want([base, pod('a', 'p'), pod('b', 'q'), 'policy p', 'policy q'].join('\n'), true);
    await world.settle();
    world.target.refuse(world.words.key('policy', 'p'), 'INVALID');
    world.target.clearCalls();
    world.want([base, pod('a', 'p'), pod('b', 'q'), 'policy p rule=2', 'policy q'].join('\n'));
    await world.settle();
    const touched = world.target.calls.flatMap(({ operations }) => operations);
    const b = keyText(world.words.key('bind', 'b'));
    expect(touched.some((operation) => operation.includes(b))).to.equal(false);
    expect(world.reconciler.originStatus('a').state).to.equal('failed');
    expect(world.reconciler.originStatus('b').state).to.equal('ready');
  });
});
