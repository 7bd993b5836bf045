/** What a scenario for a lab holds: its first step, with nodes and pods made up where it names none, and the steps after it. Pure. */
import {
  fileSteps,
  isScenarioFile,
  MESSAGES_FILE,
  START_STEP,
  type CalicoFile,
} from '../../felix-sim/calico/steps.js';
import { Cluster, type ClusterStep } from './cluster.js';
import { LabError } from './errors.js';
import { clusterYaml, nodesYaml, type ClusterSize } from './generated.js';
import type { LabPlan } from './model.js';

/** A scenario, ready to build. */
export interface LabScenario {
  readonly start: ClusterStep;
  readonly plan: LabPlan;
  /** Names of the steps behind the first one. */
  readonly further: readonly string[];
}

/** Size of a made-up cluster where none is asked for. */
export const SIZE_DEFAULT: ClusterSize = { nodes: 2, podsPerNode: 4 };

/** Where there are no files there is one step without any. */
const NO_STEP: ClusterStep = { name: START_STEP, files: [] };

/** File of what is made up; read before all others. */
const MADE_UP_FILE = '00-0-lab.yaml';

/** Steps of a folder of files, the first one included. Throws `LabError` for a file of messages. */
export function scenarioSteps(files: readonly CalicoFile[]): ClusterStep[] {
  const messages = files.find(({ name }) => MESSAGES_FILE.test(name));
  if (messages !== undefined) {
    throw refused(`${messages.name}: routes and tunnels of its nodes are said by the lab itself`);
  }
  return fileSteps(files.filter(({ name }) => isScenarioFile(name)));
}

/** The scenario of a folder's files. Throws `SimError` or `LabError`, naming what cannot be built. */
export function labScenario(
  files: readonly CalicoFile[],
  asked: Partial<ClusterSize>,
): LabScenario {
  const [first = NO_STEP, ...further] = scenarioSteps(files);
  const start = withMadeUp(first, asked);
  const cluster = new Cluster();
  cluster.apply(start);
  return { start, plan: cluster.plan(), further: further.map(({ name }) => name) };
}

/** A scenario without nodes gets a whole cluster; one whose nodes have no Node resource gets those. */
function withMadeUp(step: ClusterStep, asked: Partial<ClusterSize>): ClusterStep {
  const cluster = new Cluster();
  cluster.apply(step);
  const names = cluster.nodeNames;
  if (names.length === 0) {
    return withFile(step, clusterYaml({ ...SIZE_DEFAULT, ...asked }));
  }
  if (Object.keys(asked).length > 0) {
    throw refused(`it has its own nodes (${names.join(', ')}): leave --nodes and --pods out`);
  }
  const absent = new Set(cluster.nodesWithoutResource);
  const nodes = names.map((name, index) => ({ name, number: index + 1 }));
  const missing = nodes.filter(({ name }) => absent.has(name));
  return missing.length === 0 ? step : withFile(step, nodesYaml(missing));
}

function withFile(step: ClusterStep, text: string): ClusterStep {
  return { ...step, files: [{ name: MADE_UP_FILE, text }, ...step.files] };
}

function refused(message: string): LabError {
  return new LabError({ code: 'scenario', op: 'read scenario', message });
}
