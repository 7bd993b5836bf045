/** States and questions for tests of explanations. */
import { Explainer, type Explanation, type Question } from '../../../src/lab/explain/explain.js';
import { namedCapabilities } from '../../../src/lab/explain/capabilities.js';
import { readExplainSource, type ExplainSource } from '../../../src/lab/explain/source.js';
import { readSettings } from '../../../src/agent/settings.js';
import { FelixView } from '../../../src/lab/verdicts/felix-view.js';
import { framesOf } from '../../support/felix/wire.js';
import { session, type World } from '../../support/felix/world.js';
import { recordingNamed } from '../../support/recordings.js';

/** A small world as it is in force. */
export function worldSource(world: World): ExplainSource {
  const view = new FelixView();
  view.startSession();
  for (const frame of framesOf(session(world))) view.frame(frame);
  return { name: 'test', node: 'node-a', state: view.state, settings: readSettings({}) };
}

/** A recording at the end of a step. */
export function recordedSource(name: string, step?: string): ExplainSource {
  return readExplainSource(recordingNamed(name).folder, { step, environment: {} });
}

/** One answer by Calico's rules, or of a plain target too. */
export function ask(
  source: ExplainSource,
  question: Omit<Question, 'allPolicies'> & { readonly allPolicies?: boolean },
  target: 'native' | 'plain' = 'native',
): Explanation {
  const explainer = new Explainer(source, namedCapabilities(target, false));
  return explainer.explain({ allPolicies: false, ...question });
}
