/** What runs in a lab and how it is. I/O edge. */
import { fetchStatus } from '../../agent/status-client.js';
import { statusSocketPath } from '../../agent/status-server.js';
import type { AgentStatus } from '../../agent/status.js';
import { labNamespaces, namespaceExists } from './kernel.js';
import { felixKey, KEEPER_KEY, xpuKey } from './kept-processes.js';
import { livingProcess } from './keeper.js';
import { readJson, readSteps, type FelixState, type LabState } from './lab-files.js';
import type { LabNode } from './model.js';
import { labPaths } from './names.js';
import { placeAnswers } from './place-client.js';
import { placesOf } from './places.js';

/** A node's processes; ids of those that run. */
export interface NodeReport {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly softXpu: number | undefined;
  readonly felixSim: number | undefined;
  readonly driver: number | undefined;
  /** Last step that the XPU has; -1 = none. */
  readonly step: number;
  /** What hinders; empty when all is well. */
  readonly problems: readonly string[];
}

/** A pod or node as a sender of packets. */
export interface PlaceReport {
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly namespace: string;
  readonly problems: readonly string[];
}

/** A whole lab. */
export interface LabReport {
  readonly name: string;
  readonly phase: LabState['phase'];
  readonly keeper: number | undefined;
  /** Number of steps applied so far, the first one included. */
  readonly steps: number;
  readonly nodes: readonly NodeReport[];
  readonly pods: readonly PlaceReport[];
  readonly namespaces: readonly string[];
}

/** Looks at everything once. */
export async function labReport(state: LabState): Promise<LabReport> {
  const lab = state.name;
  const steps = readSteps(lab).length;
  const pods = placesOf(lab, state).filter(({ kind }) => kind === 'pod');
  return {
    name: lab,
    phase: state.phase,
    keeper: livingProcess(lab, KEEPER_KEY)?.pid,
    steps,
    nodes: await Promise.all(state.nodes.map((node) => nodeReport(lab, node, steps))),
    pods: await Promise.all(
      pods.map(async (place): Promise<PlaceReport> => {
        const { name, node, addresses, namespace } = place;
        const problems = [
          ...(namespaceExists(namespace) ? [] : ['its namespace is gone']),
          ...((await placeAnswers(place)) ? [] : ['its process does not answer']),
        ];
        return { name, node, addresses: Object.values(addresses), namespace, problems };
      }),
    ),
    namespaces: labNamespaces(lab),
  };
}

/** True if nothing hinders anything. */
export function isWell({ keeper, nodes, pods, phase }: LabReport): boolean {
  const things = [...nodes, ...pods];
  return phase === 'up' && keeper !== undefined && things.every((one) => one.problems.length === 0);
}

async function nodeReport(lab: string, node: LabNode, steps: number): Promise<NodeReport> {
  const { agentState, felixState } = labPaths(lab).node(node.number);
  const softXpu = livingProcess(lab, xpuKey(node.number))?.pid;
  const felixSim = livingProcess(lab, felixKey(node.number))?.pid;
  const status = await statusOf(agentState);
  const felix = readJson<FelixState>(felixState);
  const step = felix?.step ?? -1;
  return {
    name: node.name,
    addresses: Object.values(node.addresses),
    softXpu,
    felixSim,
    driver: status?.pid,
    step,
    problems: [
      ...(softXpu === undefined ? ['soft-xpu does not run'] : []),
      ...(felixSim === undefined ? ['felix-sim does not run'] : []),
      ...(status === undefined ? ['the driver does not answer'] : driverProblems(status)),
      ...(step < steps - 1 ? [`step ${steps - 1} is not applied: ${felix?.problem ?? ''}`] : []),
    ],
  };
}

function driverProblems({ xpu, endpoints, degraded, unready }: AgentStatus): string[] {
  return [
    ...(xpu.connected ? [] : [`no XPU: ${xpu.reason}`]),
    ...unready.map(({ key, state, reason }) => `${state} ${key} ${reason}`.trim()),
    ...Object.entries(endpoints).flatMap(([key, { status, reason }]) =>
      status === 'up' ? [] : [`${decodeURIComponent(key)} is ${status}: ${reason}`],
    ),
    ...degraded.map(({ subject, code, reason }) => `narrower: ${subject}: ${code}: ${reason}`),
  ];
}

async function statusOf(stateDir: string): Promise<AgentStatus | undefined> {
  try {
    return await fetchStatus(statusSocketPath(stateDir));
  } catch {
    return undefined;
  }
}
