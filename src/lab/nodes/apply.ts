/** Applies the next step to a lab that is up: the scenario's own, or files given. I/O edge. */
import { basename } from 'node:path';
import { readCalicoFiles } from '../replay/calico-files.js';
import { advance, type StepReport } from './advance.js';
import type { ClusterStep } from './cluster.js';
import { LabError } from './errors.js';
import { writeLab, type LabState } from './lab-files.js';
import { scenarioSteps } from './scenario-files.js';
import type { Course } from './wait.js';

/** Steps of the lab's scenario that are still to come, in order. */
export function stepsToCome({ scenario, stepsApplied }: LabState): ClusterStep[] {
  const steps = scenario === '' ? [] : scenarioSteps(readFiles(scenario));
  return steps.slice(stepsApplied.length);
}

/** The next step of the scenario, or all files of `path` as one step. Throws `LabError` or `SimError`. */
export async function applyStep(
  state: LabState,
  path: string | undefined,
  course: Course,
): Promise<{ readonly report: StepReport; readonly state: LabState }> {
  const step =
    path === undefined ? nextStep(state) : { name: nameOf(path), files: readFiles(path) };
  const { report, plan } = await advance(state, step, course);
  const applied = path === undefined ? [...state.stepsApplied, step.name] : state.stepsApplied;
  const now: LabState = { ...state, ...plan, stepsApplied: applied };
  writeLab(now);
  return { report, state: now };
}

function nextStep(state: LabState): ClusterStep {
  const [next] = stepsToCome(state);
  if (next !== undefined) return next;
  throw new LabError({
    code: 'scenario',
    op: 'apply',
    message: `${state.scenario || 'the lab'} has no further step: name a file or folder`,
  });
}

function readFiles(path: string) {
  const files = readCalicoFiles(path);
  if (files !== undefined) return files;
  const message = `${path}: no Calico or Kubernetes YAML`;
  throw new LabError({ code: 'scenario', op: 'apply', message });
}

function nameOf(path: string): string {
  return basename(path).replace(/(\.(delete|k8s))?\.(ya?ml|json)$/, '');
}
