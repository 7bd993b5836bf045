/** Brings a lab to a step of its cluster: every Felix tells it, every XPU has it, pods come and go. I/O edge. */
import type { ClusterStep } from './cluster.js';
import { hasLink, wire } from './kernel.js';
import { ensureKeeper } from './keeper.js';
import { keepStep, logTail, readCluster, readJson, writeLab } from './lab-files.js';
import type { FelixState, LabState } from './lab-files.js';
import type { LabNode, LabPlan } from './model.js';
import { HOST_INTERFACE, labPaths, namespaceNames } from './names.js';
import { placeAnswers } from './place-client.js';
import { placesOf } from './places.js';
import { attachPods, removePods } from './pods.js';
import { waitFor, type Course } from './wait.js';
import { nodeWiring } from './wiring.js';

/** What a step did. */
export interface StepReport {
  readonly step: string;
  /** Messages that each node's Felix told, by node. */
  readonly messages: Readonly<Record<string, number>>;
  readonly podsAdded: readonly string[];
  readonly podsRemoved: readonly string[];
}

const APPLY_TIMEOUT_MS = 60_000;
const PLACE_TIMEOUT_MS = 30_000;

/** Applies a step to a lab whose namespaces are there. */
export async function advance(
  state: LabState,
  step: ClusterStep,
  course: Course,
): Promise<{ readonly report: StepReport; readonly plan: LabPlan }> {
  course.say(`applying ${step.name}`);
  const lab = state.name;
  const cluster = readCluster(lab);
  cluster.apply(step);
  const plan = cluster.plan(state.nodes.length === 0 ? undefined : state.nodes);
  const number = keepStep(lab, step);
  await ensureKeeper(lab);
  const messages: Record<string, number> = {};
  for (const node of plan.nodes) {
    course.say(`${node.name}: waiting for its XPU to have step ${step.name}`);
    messages[node.name] = await applied(lab, { node, number }, course);
  }
  const before = state.phase === 'up' ? state : { ...state, pods: [] };
  await settlePods(lab, { before, plan, state }, course);
  const names = (pods: LabPlan['pods']): string[] => pods.map(({ name }) => name);
  const [old, now] = [names(before.pods), names(plan.pods)];
  const report = {
    step: step.name,
    messages,
    podsAdded: now.filter((name) => !old.includes(name)),
    podsRemoved: old.filter((name) => !now.includes(name)),
  };
  return { report, plan };
}

async function settlePods(
  lab: string,
  { before, plan, state }: { before: LabPlan; plan: LabPlan; state: LabState },
  course: Course,
): Promise<void> {
  for (const node of plan.nodes) await settleNode(lab, node, course);
  course.say(`attaching ${plan.pods.length} pods`);
  const kept = new Set(plan.pods.map(({ name }) => name));
  writeLab({ ...state, pods: state.pods.filter(({ name }) => kept.has(name)) });
  const gone = before.pods.filter(({ name }) => !kept.has(name));
  await removePods(lab, gone, course.signal);
  await attachPods(lab, { plan, before }, course.signal);
  writeLab({ ...state, ...plan });
  const places = placesOf(lab, plan);
  course.say(`starting a process in each of ${places.length} pods and nodes`);
  for (const place of places) {
    await waitFor(() => placeAnswers(place), {
      what: place.name,
      timeoutMs: PLACE_TIMEOUT_MS,
      signal: course.signal,
      hint: () => logTail(labPaths(lab).place(place.name).log),
    });
  }
}

/** A node's own interface is made by its XPU, as its pods' are. */
async function settleNode(lab: string, node: LabNode, { signal }: Course): Promise<void> {
  const { xpuLog } = labPaths(lab).node(node.number);
  await waitFor(() => hasLink(namespaceNames.host(lab, node.name), HOST_INTERFACE), {
    what: `${HOST_INTERFACE} of ${node.name}`,
    timeoutMs: PLACE_TIMEOUT_MS,
    signal,
    hint: () => logTail(xpuLog),
  });
  await wire(nodeWiring(lab, node));
}

/** Waits until a node's XPU has a step; gives how many messages told it. */
async function applied(
  lab: string,
  { node, number }: { node: LabNode; number: number },
  { signal }: Course,
): Promise<number> {
  const { felixState, felixLog, xpuLog } = labPaths(lab).node(node.number);
  const now = (): FelixState | undefined => readJson<FelixState>(felixState);
  await waitFor(() => (now()?.step ?? -1) >= number, {
    what: `step ${number} on ${node.name}`,
    timeoutMs: APPLY_TIMEOUT_MS,
    signal,
    hint: () =>
      [now()?.problem ?? '', logTail(felixLog), logTail(xpuLog)].filter(Boolean).join('; '),
  });
  return now()?.messages ?? 0;
}
