/** The part of the tests that judges compilers, as data: quickest first, for a wrong compiler ends at its first failure. */

/** One run of mocha. */
export interface Suite {
  readonly name: string;
  /** Test files, as mocha takes them. */
  readonly files: readonly string[];
  /** Those of them that another suite holds. */
  readonly except?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Seed of every random packet, so that a run can be repeated. */
export const SEED = '20260701';

const RANDOM_SECONDS = '25';

const CORNER_CASES = 'test/translators/corner-cases.test.ts';
const VERDICTS = 'test/translators/verdicts.test.ts';

/** In the order in which they are asked. */
export const SUITES: readonly Suite[] = [
  { name: 'corner cases of Calico policy, native and plain', files: [CORNER_CASES] },
  { name: "verdicts of Felix's own data plane, native", files: [VERDICTS] },
  {
    name: 'tests of the compiler',
    files: [
      'test/translators/*.test.ts',
      'test/translators/policy/*.test.ts',
      'test/translators/plain/*.test.ts',
      'test/driver/convert/*.test.ts',
      'test/overlay/*.test.ts',
    ],
    except: [CORNER_CASES, VERDICTS],
  },
  {
    name: 'random policy: oracle = native, plain never wider',
    files: ['test/properties/random-policy.test.ts'],
    env: {
      CALICO_XPU_LONG: '1',
      CALICO_XPU_LONG_SECONDS: RANDOM_SECONDS,
      CALICO_XPU_SEED: SEED,
    },
  },
];
