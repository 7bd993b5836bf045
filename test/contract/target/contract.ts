/**
 * What every implementation of `Target` must keep, whatever is behind it. Call `targetContract` from a test file; it
 * declares the tests. `strict: false` is for servers with the habits of today's (network/cloud refusals without a usable
 * code); the extension has no such habits.
 */
import { expect } from 'chai';
import { isExtensionKind, type CloudKind } from '../../../src/opi/objects/key.js';
import { OpiError, type OpiErrorCode } from '../../../src/opi/objects/errors.js';
import { specText } from '../../../src/opi/objects/plan.js';
import type { AnyObject, OpiObject } from '../../../src/opi/objects/specs.js';
import type { Target } from '../../../src/opi/objects/target.js';
import { batchContract } from './batch.js';
import { cloudContract } from './cloud.js';
import { memberContract } from './members.js';
import { cloudObjects } from './samples.js';

/** A target over an empty XPU, and how to get rid of both. */
export interface ContractTarget {
  readonly target: Target;
  cleanup(): Promise<void>;
}

/** What the target is expected to be. */
export interface ContractTraits {
  readonly level: 'native' | 'plain';
  /** Cloud refusals carry their proper codes. */
  readonly strict: boolean;
  /** Takes COMPACT SecurityPolicies; default true. */
  readonly compactRules?: boolean;
}

/** Hands a test its own target. */
export type Use = (test: (target: Target) => Promise<void>) => () => Promise<void>;

/** Declares the contract's tests. */
export function targetContract(
  name: string,
  traits: ContractTraits,
  makeTarget: () => Promise<ContractTarget>,
): void {
  const use: Use = (test) => async () => {
    const { target, cleanup } = await makeTarget();
    try {
      await test(target);
    } finally {
      await target.close();
      await cleanup();
    }
  };
  describe(`Target contract: ${name}`, () => {
    probeContract(traits, use);
    cloudContract(traits, use);
    if (traits.level === 'native') {
      batchContract(use);
      memberContract(use);
    } else {
      absentExtension(use);
    }
  });
}

function probeContract(traits: ContractTraits, use: Use): void {
  it(
    'says what it is, and the same each time',
    use(async (target) => {
      const first = await target.probe();
      expect(first.level).to.equal(traits.level);
      expect(first.compactRules).to.equal(traits.compactRules ?? true);
      expect(first.bootId === undefined).to.equal(traits.level === 'plain');
      expect(await target.probe()).to.deep.equal(first);
    }),
  );
}

function absentExtension(use: Use): void {
  it(
    'refuses the extension as a whole',
    use(async (target) => {
      await refused(
        target.applyBatch([{ op: 'delete', key: { kind: 'networkPolicy', id: 'nobody' } }]),
        ['UNSUPPORTED'],
      );
      await refused(target.list('addressGroup'), ['UNSUPPORTED']);
    }),
  );
}

/** Creates every cloud sample. */
export async function createAll(target: Target): Promise<void> {
  for (const sample of cloudObjects) await target.create(cloud(sample));
}

/** A sample as the port's cloud calls take it. */
export function cloud(sample: AnyObject): OpiObject<CloudKind> {
  expect(isExtensionKind(sample.key.kind)).to.equal(false);
  return sample as OpiObject as OpiObject<CloudKind>;
}

/** Expects the object to be listed once, with exactly this spec. */
export async function expectListed(target: Target, wanted: AnyObject): Promise<void> {
  const found = (await target.list(wanted.key.kind)).filter(({ key }) => key.id === wanted.key.id);
  expect(found.map((each) => specText(each as AnyObject))).to.deep.equal([specText(wanted)]);
}

/** Ids of a kind's objects, sorted. */
export async function idsOf(target: Target, kind: AnyObject['key']['kind']): Promise<string[]> {
  return (await target.list(kind)).map(({ key }) => key.id).sort();
}

/** Expects a rejection with an `OpiError` of one of the codes. */
export async function refused(
  call: Promise<unknown>,
  codes: readonly OpiErrorCode[],
): Promise<OpiError> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).to.be.instanceOf(OpiError);
  const error = thrown as OpiError;
  expect(codes, error.message).to.include(error.code);
  return error;
}
