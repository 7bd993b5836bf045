/**
 * Against real Felix: from the manifests of a recording we must say what Felix said, after each step. Ids of sets and rules
 * are compared too, which makes this exact down to the normal form of each selector and the bytes of each rule.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { readCalicoScenario } from '../../../src/felix-sim/calico/scenario.js';
import type { SubjectKind } from '../../../src/felix-sim/payload.js';
import type { Scenario } from '../../../src/felix-sim/scenario.js';
import { readFrames } from '../../../src/lab/verdicts/recording.js';
import { allRecordings, type Recording } from '../../support/recordings.js';
import { SessionReader, type StateObject } from './states.js';

type State = ReadonlyMap<string, StateObject>;

const POLICY_KINDS: readonly SubjectKind[] = [
  'ipset',
  'policy',
  'profile',
  'workload',
  'host-endpoint',
];
const CLUSTER_KINDS: readonly SubjectKind[] = [
  'service-account',
  'namespace',
  'host-metadata',
  'pool',
  'encapsulation',
  'service',
];

describe('what felix-sim computes from manifests is what Felix computed', function () {
  this.timeout(60_000);
  const recordings = allRecordings().filter(({ version }) => version === 'head');

  for (const recording of recordings) {
    it(recording.name, () => {
      const scenario = scenarioOf(recording);
      for (const { step, ours, theirs, restarting } of stepPairs(recording, scenario)) {
        expectSame(only(ours, POLICY_KINDS), only(theirs, POLICY_KINDS), step);
        if (restarting) continue;
        // The real one is also told by the environment and by what the API server fills in.
        expect(settingsIn(theirs), step).to.include(settingsIn(ours));
        const told = only(theirs, CLUSTER_KINDS);
        // A real API server has namespaces and a service that no manifest made.
        const made = [...told].filter(([key]) => ours.has(key) || !isKubernetes(recording));
        expectSame(only(ours, CLUSTER_KINDS), new Map(made), step);
      }
    });
  }

  it('holds for several recordings', () => expect(recordings.length).to.be.greaterThan(7));
});

function isKubernetes({ scenario }: Recording): boolean {
  return scenario === 'kubernetes';
}

function scenarioOf({ folder }: Recording): Scenario {
  const sources = path.join(folder, 'sources');
  const files = readdirSync(sources).map((name) => ({
    name,
    text: readFileSync(path.join(sources, name), 'utf8'),
  }));
  return readCalicoScenario(files, { node: 'node-a' });
}

interface StepPair {
  readonly step: string;
  readonly ours: State;
  readonly theirs: State;
  /** The real Felix is about to restart: it says nothing more, and what came with the change is still to be told. */
  readonly restarting: boolean;
}

function* stepPairs({ folder, steps }: Recording, scenario: Scenario): Iterable<StepPair> {
  const ours = scenario.streams.map((frames) => new SessionReader(frames));
  const theirs = steps.at(-1)!.frames.map((_, stream) => {
    return new SessionReader(readFrames(folder, stream));
  });
  let own = scenario.steps[0]!;
  let theirStream = 0;
  for (const { step, frames } of steps) {
    const before = own.stream;
    // Steps that only called IPAM have no manifests: the state stays.
    own = scenario.steps.find(({ name }) => name === step) ?? own;
    const stream = frames.length - 1;
    yield {
      step,
      ours: ours[own.stream]!.after(own.frames),
      theirs: theirs[stream]!.after(frames.at(-1)!),
      restarting: own.stream > before && stream === theirStream,
    };
    theirStream = stream;
  }
}

function settingsIn(state: State): Record<string, string> {
  const update = JSON.parse(state.get('config ')!.json) as {
    config_update: { config: Record<string, string> };
  };
  return update.config_update.config;
}

function only(state: State, kinds: readonly SubjectKind[]): State {
  return new Map([...state].filter(([, { kind }]) => kinds.includes(kind)));
}

/** Compares object by object: a difference names one object, not two whole states. */
function expectSame(ours: State, theirs: State, step: string): void {
  for (const [key, { json }] of theirs) {
    expect(ours.get(key)?.json, `${step}: ${key}`).to.equal(json);
  }
  expect([...ours.keys()].sort(), step).to.deep.equal([...theirs.keys()].sort());
}
