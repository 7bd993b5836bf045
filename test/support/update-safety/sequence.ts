/** Random stories: a world that changes part by part, and what goes wrong meanwhile. */
import fc from 'fast-check';
import type { Probe } from '../../../src/lab/verdicts/probe.js';
import { WRITE_METHODS, type FakeFailure } from '../../../src/opi/objects/fake-target.js';
import type { TargetCapabilities } from '../../../src/opi/objects/target.js';
import type { World } from '../felix/world.js';
import { aim, probeOf, targetsOf } from '../random-policy/probes.js';
import { world, withoutUnused } from '../random-policy/worlds.js';

/** What a world is made of; a step replaces some of it. */
const PARTS = ['config', 'sets', 'policies', 'profiles', 'pods', 'hostEndpoints'] as const;

/** A call that fails: the `at`-th one since the start of the flush. */
export interface Mishap extends FakeFailure {
  readonly at: number;
}

/** One flush. */
export interface Step {
  readonly world: World;
  readonly mishaps: readonly Mishap[];
  /** The agent is started anew afterwards, and knows nothing but the plan. */
  readonly restart: boolean;
}

/** A story. */
export interface Story {
  readonly target: 'native' | 'plain' | 'flattened';
  readonly limits: TargetCapabilities['limits'];
  /** Set: batches are cut wherever they may be, as very large ones are. */
  readonly batchBytesMax: number | undefined;
  readonly steps: readonly Step[];
  /** Packets that are sent at every state. */
  readonly probes: readonly Probe[];
}

/** Packets of one story. */
const AIMS_MAX = 24;

const mishap: fc.Arbitrary<Mishap> = fc.record({
  at: fc.nat({ max: 30 }),
  code: fc.constantFrom(
    'UNAVAILABLE',
    'UNAVAILABLE',
    'INVALID',
    'EXHAUSTED',
    'CONFLICT',
    'UNKNOWN',
  ),
  lostAnswer: fc.boolean(),
});

const change = fc.record({
  world,
  parts: fc.subarray([...PARTS], { minLength: 1, maxLength: 2 }),
  mishaps: fc.array(mishap, { maxLength: 2 }),
  restart: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
});

const limits: fc.Arbitrary<TargetCapabilities['limits']> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ securityPolicy: fc.integer({ min: 2, max: 14 }) }) },
  { weight: 1, arbitrary: fc.record({ networkPolicy: fc.integer({ min: 1, max: 8 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      policyBinding: fc.integer({ min: 1, max: 4 }),
      addressGroup: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

/** A story. Aims come first because they shrink first. */
export const story: fc.Arbitrary<Story> = fc
  .record({
    aims: fc.array(aim, { minLength: 1, maxLength: AIMS_MAX, size: 'max' }),
    target: fc.constantFrom('native', 'plain', 'native', 'plain', 'flattened'),
    limits,
    batchBytesMax: fc.constantFrom(undefined, undefined, undefined, 400),
    changes: fc.array(change, { minLength: 2, maxLength: 5 }),
  })
  .map(({ changes, aims, ...rest }): Story => {
    let now: World = {};
    const steps = changes.map(({ world: other, parts, mishaps, restart }, index) => {
      now = index === 0 ? other : mixed(now, other, parts);
      return { world: withoutUnused(now), mishaps, restart };
    });
    const targets = steps.map((step) => targetsOf(step.world));
    const probes = aims.map((shot, index) => probeOf(shot, targets[index % targets.length]!));
    return { ...rest, steps, probes };
  });

/** `now` with some parts of `other`; what those name comes along where it is not there. */
function mixed(now: World, other: World, parts: readonly (typeof PARTS)[number][]): World {
  const merged: Record<string, unknown> = {};
  for (const part of PARTS) {
    const [mine, theirs] = [now[part] ?? {}, other[part] ?? {}];
    const isReplaced = parts.includes(part);
    const whole = part === 'pods' || part === 'hostEndpoints' || part === 'config';
    if (whole) merged[part] = isReplaced ? theirs : mine;
    else merged[part] = isReplaced ? { ...mine, ...theirs } : { ...theirs, ...mine };
  }
  return merged;
}

/** The failure as a method of the port can meet it: reading calls are never refused for their content. */
export function failureOf({ code, lostAnswer = false }: Mishap, method: string): FakeFailure {
  const writes = (WRITE_METHODS as readonly string[]).includes(method);
  if (!writes || code === 'UNAVAILABLE')
    return { code: 'UNAVAILABLE', lostAnswer: writes && lostAnswer };
  return { code };
}
