/**
 * Random plans, told whole or by flushes, between passes and in the middle of calls, while calls fail and either side
 * restarts: in the end the XPU holds the plan and nothing is left to write. All the while no port ever sees a mix.
 */
import fc from 'fast-check';
import type { OpiErrorCode } from '../../src/opi/objects/errors.js';
import { TARGET_METHODS, type TargetMethod } from '../../src/opi/objects/fake-target.js';
import { facts, planOf, type Facts } from './support/plans.js';
import { World } from './support/world.js';

const TIME_MS = 1000;

type Step =
  | {
      readonly do: 'want';
      readonly facts: Facts;
      readonly whole: boolean;
      readonly midCall: boolean;
    }
  | { readonly do: 'apply' | 'restart agent' | 'restart xpu' }
  | { readonly do: 'wait'; readonly ms: number }
  | {
      readonly do: 'fail';
      readonly method: TargetMethod;
      readonly code: OpiErrorCode;
      readonly lost: boolean;
    };

const CODES: readonly OpiErrorCode[] = [
  'UNAVAILABLE',
  'UNAVAILABLE',
  'UNAVAILABLE',
  'CONFLICT',
  'EXHAUSTED',
  'PRECONDITION',
  'NOT_FOUND',
  'INVALID',
  'UNKNOWN',
  'DENIED',
];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('want' as const),
      facts,
      whole: fc.boolean(),
      midCall: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('apply' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('restart agent' as const, 'restart xpu' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(100, 1000, 60_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      method: fc.constantFrom(...TARGET_METHODS),
      code: fc.constantFrom(...CODES),
      lost: fc.boolean(),
    }),
  },
);

/** Runs a sequence and holds what must hold at its end. */
async function run(steps: readonly Step[], pieceBytesMax: number, closed: boolean): Promise<void> {
  const midCall: string[] = [];
  const world: World = new World({
    limits: { pieceBytesMax, atomicBytesMax: 1 << 20 },
    // A kind that is said to be unsupported, or a lost upload, may make a write needless: only ports are watched.
    checkNeed: false,
    beforeCall: () => {
      const plan = midCall.shift();
      if (plan !== undefined) world.want(plan);
    },
  });
  world.want(planOf(EMPTY, closed), true);
  for (const each of steps) {
    await perform(world, each, midCall, closed);
    world.check();
  }
  for (const plan of midCall.splice(0)) world.want(plan);
  await world.settle(); // meets what is left of the failures
  while (world.target.failuresLeft > 0) await drain(world);
  world.restartAgent(); // what was refused for good is tried again
  await world.settle();
  await world.expectConverged();
}

const EMPTY: Facts = {
  pods: [],
  uplink: undefined,
  rules: {},
  groupsOf: {},
  members: {},
  subnetVpc: 'v',
};

/** Makes calls of every method until none of them fails. */
async function drain(world: World): Promise<void> {
  const { target } = world;
  const key = world.words.key('vnic', 'nobody') as { kind: 'vnic'; id: string };
  const group = { kind: 'addressGroup', id: 'nobody' } as const;
  const calls = [
    () => target.probe(),
    () => target.list('vpc'),
    () => target.fetchMembers(group),
    () => target.create({ key, spec: {} }),
    () => target.update({ key, spec: {} }),
    () => target.delete(key),
    () => target.applyBatch([]),
    () => target.uploadMembers(group, []),
  ];
  for (const call of calls) await call().catch(() => undefined);
}

async function perform(
  world: World,
  each: Step,
  midCall: string[],
  closed: boolean,
): Promise<void> {
  switch (each.do) {
    case 'want': {
      const plan = planOf(each.facts, closed);
      if (each.midCall) midCall.push(plan);
      else world.want(plan, each.whole);
      return;
    }
    case 'apply':
      await world.reconciler.apply();
      return;
    case 'restart agent':
      return world.restartAgent();
    case 'restart xpu':
      return world.restartXpu();
    case 'wait':
      return world.clock.advance(each.ms);
    case 'fail':
      return world.target.failNext(each.method, { code: each.code, lostAnswer: each.lost });
  }
}

describe('reconciler: convergence', () => {
  for (const { name, pieceBytesMax } of [
    { name: 'one batch a flush', pieceBytesMax: 1 << 20 },
    { name: 'cut flushes', pieceBytesMax: 250 },
  ]) {
    for (const closed of [false, true]) {
      it(`${name}${closed ? ', closed forms' : ''}`, async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 25 }), (steps) =>
            run(steps, pieceBytesMax, closed),
          ),
          { numRuns: 5000, interruptAfterTimeLimit: TIME_MS, markInterruptAsFailure: false },
        );
      }).timeout(TIME_MS * 4);
    }
  }
});
