/** Every call of the port fails once, in every way: the passes after it converge and touch nothing already right. */
import { expect } from 'chai';
import type { OpiErrorCode } from '../../src/opi/objects/errors.js';
import {
  TARGET_METHODS,
  type FakeFailure,
  type TargetMethod,
} from '../../src/opi/objects/fake-target.js';
import { World } from './support/world.js';

const BASE = `
  acl deny 4
  vpc v
  subnet s vpc=v
  iface a
  vnic a acl=deny
  bind uplink policies=r,p
  policy r groups=g rule=1`;

const BEFORE = `${BASE}
  map 10.65.0.1 vnic=a
  group g PREFIX 10.0.0.1/32 10.0.0.2/32
  group big PREFIX 10.0.0.1/32
  group old PREFIX 10.0.0.1/32
  policy p groups=g rule=1
  policy q groups=old,big rule=1
  bind a policies=p,q
  iface c
  vnic c acl=deny
  bind c policies=q`;

const AFTER = `${BASE}
  map 10.65.0.1 vnic=b
  iface b
  vnic b acl=deny
  group g PREFIX 10.0.0.1/32 10.0.0.3/32
  group big PREFIX 10.1.0.1/32 10.1.0.2/32 10.1.0.3/32 10.1.0.4/32 10.1.0.5/32 10.1.0.6/32
  group new PREFIX 10.2.0.1/32 10.2.0.2/32 10.2.0.3/32 10.2.0.4/32 10.2.0.5/32 10.2.0.6/32
  policy p groups=g,new rule=2
  policy q groups=big rule=2
  bind a policies=p
  bind b policies=p,q`;

/** Small enough that uploads and pieces occur; policies that ports see still fit in one batch. */
const LIMITS = { pieceBytesMax: 200, atomicBytesMax: 1 << 20 };

/** Failures after which the same spec is tried again. */
const PASSING: readonly FakeFailure[] = [
  { code: 'UNAVAILABLE' },
  { code: 'UNAVAILABLE', lostAnswer: true },
  { code: 'DENIED' },
  { code: 'CONFLICT' },
  { code: 'PRECONDITION' },
  { code: 'NOT_FOUND' },
  { code: 'ALREADY_EXISTS' },
  { code: 'EXHAUSTED' },
];

/** Failures after which only a new spec (or a new start) is tried. */
const LASTING: readonly OpiErrorCode[] = ['INVALID', 'UNSUPPORTED', 'UNKNOWN'];

async function callsOf(method: TargetMethod): Promise<number> {
  const world = await worldAt(BEFORE);
  world.target.clearCalls();
  world.restartAgent();
  world.want(AFTER);
  await world.settle();
  return world.target.calls.filter((call) => call.method === method).length;
}

async function worldAt(plan: string): Promise<World> {
  const world = new World({ limits: LIMITS });
  world.want(plan, true);
  await world.settle();
  return world;
}

async function failAt(method: TargetMethod, index: number, failure: FakeFailure): Promise<World> {
  const world = await worldAt(BEFORE);
  world.restartAgent();
  world.want(AFTER);
  failAfter(world, method, index, failure);
  await world.settle();
  expect(world.target.failuresLeft, 'the failure was met').to.equal(0);
  return world;
}

/** Lets `index` calls pass before the one that fails. */
function failAfter(world: World, method: TargetMethod, index: number, failure: FakeFailure): void {
  let passed = 0;
  if (index === 0) return world.target.failNext(method, failure);
  const stop = world.target.observe((call) => {
    if (call.method !== method || ++passed !== index) return;
    stop();
    world.target.failNext(method, failure);
  });
}

describe('reconciler: every call fails once', () => {
  for (const method of TARGET_METHODS) {
    it(`${method}: the next passes converge`, async () => {
      const count = await callsOf(method);
      expect(count, 'the method is used').to.be.greaterThan(0);
      for (let index = 0; index < count; index += 1) {
        for (const failure of PASSING) {
          const world = await failAt(method, index, failure);
          await world.expectConverged();
        }
      }
    });

    it(`${method}: a refusal for good holds up nothing else, and a new start heals it`, async () => {
      const count = await callsOf(method);
      for (let index = 0; index < count; index += 1) {
        for (const code of LASTING) {
          // A kind that the server says it does not offer has no objects: the answer is taken at its word.
          if (method === 'list' && code === 'UNSUPPORTED') continue;
          const world = await failAt(method, index, { code });
          world.restartAgent();
          await world.settle();
          await world.expectConverged();
        }
      }
    });
  }
});
