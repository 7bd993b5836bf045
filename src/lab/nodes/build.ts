/** Builds a lab: namespaces and wires, processes, the first step of its cluster. I/O edge. */
import type { ClusterSize } from './generated.js';
import { advance } from './advance.js';
import { newCourse, type Course } from './wait.js';
import { LabError } from './errors.js';
import { addNamespaces, requireSystem, wire } from './kernel.js';
import { createLab, isWreck, labNames, readLab, writeLab, type LabState } from './lab-files.js';
import type { LabNode } from './model.js';
import { checkLabName, namespaceNames } from './names.js';
import { identify } from './processes.js';
import { removeLab } from './remove.js';
import { labScenario, type LabScenario } from './scenario-files.js';
import { readCalicoFiles } from '../replay/calico-files.js';
import { bareNodeWiring, wireWiring, xpuWiring } from './wiring.js';

/** What is to be built. */
export interface BuildOptions {
  /** Absent = `lab`, or `lab2` and so on where that is taken. */
  readonly name?: string | undefined;
  readonly size: Partial<ClusterSize>;
  /** Folder or file of Calico YAML. */
  readonly scenario: string;
  /** Says what is being done now. */
  readonly progress: (text: string) => void;
}

/** A lab that is up. */
export interface BuiltLab {
  readonly state: LabState;
  readonly further: readonly string[];
}

/** Builds one. If that fails nothing of it is left. Throws `LabError` or `SimError`. */
export async function buildLab(options: BuildOptions): Promise<BuiltLab> {
  requireSystem();
  const scenario = readScenario(options);
  const state = await claimName(options.name, options.scenario);
  const abort = new AbortController();
  const onSignal = (): void => abort.abort(interrupted());
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const built = await build(state, scenario, newCourse(options.progress, abort.signal));
    return { state: built, further: scenario.further };
  } catch (error) {
    options.progress('taking everything back');
    await removeLab(state.name);
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function readScenario({ scenario, size }: BuildOptions): LabScenario {
  const files = readCalicoFiles(scenario);
  if (files === undefined) {
    const message = `${scenario}: no Calico or Kubernetes YAML`;
    throw new LabError({ code: 'scenario', op: 'read scenario', message });
  }
  return labScenario(files, size);
}

async function build(
  state: LabState,
  { start, plan }: LabScenario,
  course: Course,
): Promise<LabState> {
  const lab = state.name;
  course.say(`making ${plan.nodes.length} nodes`);
  await makeNodes(lab, plan.nodes);
  const building: LabState = { ...state, nodes: plan.nodes, podMtu: plan.podMtu };
  writeLab(building);
  await advance(building, start, course);
  const up: LabState = { ...building, ...plan, phase: 'up', stepsApplied: [start.name] };
  writeLab(up);
  return up;
}

async function makeNodes(lab: string, nodes: readonly LabNode[]): Promise<void> {
  await addNamespaces([
    namespaceNames.wire(lab),
    ...nodes.flatMap(({ name }) => [namespaceNames.host(lab, name), namespaceNames.xpu(lab, name)]),
  ]);
  await wire(wireWiring(lab, nodes));
  for (const node of nodes) {
    await wire(bareNodeWiring(lab, node));
    await wire(xpuWiring(lab, node, nodes));
  }
}

/** Makes the lab's folder, which takes its name. What a lab of the name left that was never up is removed first. */
async function claimName(wanted: string | undefined, scenario: string): Promise<LabState> {
  for (const name of wanted === undefined ? freeNames() : [checkLabName(wanted)]) {
    if (labNames().includes(name) && isWreck(name)) await removeLab(name);
    const state = newState(name, scenario);
    if (readLab(name) === undefined && createLab(state)) return state;
  }
  throw new LabError({
    code: 'exists',
    op: 'make lab',
    message: `${wanted ?? 'lab'} is there already: calico-xpu lab down --name ${wanted ?? 'lab'} ends it`,
  });
}

function* freeNames(): Iterable<string> {
  yield 'lab';
  for (let number = 2; number < 100; number++) yield `lab${number}`;
}

function newState(name: string, scenario: string): LabState {
  const builder = identify(process.pid) ?? { pid: process.pid, startTime: 0 };
  return {
    ...{ name, phase: 'building', builder, scenario, stepsApplied: [] },
    ...{ nodes: [], pods: [], podMtu: 0 },
  };
}

function interrupted(): LabError {
  return new LabError({ code: 'not-ready', op: 'make lab', message: 'interrupted' });
}
