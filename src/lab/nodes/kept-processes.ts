/** Which processes a lab consists of. Pure. */
import type { LabPlan } from './model.js';
import { labPaths, namespaceNames, placeKey, UPLINK_INTERFACE } from './names.js';
import { placesOf } from './places.js';

/** A process that is to run as long as the lab is up. */
export interface KeptProcess {
  /** Name of its files. */
  readonly key: string;
  /** For people: `soft-xpu of node-a`. */
  readonly name: string;
  readonly command: readonly string[];
  readonly logFile: string;
  /** Namespaces that have to be there before it is started. */
  readonly namespaces: readonly string[];
}

/** How our own program is started: `node BIN`. */
export type OwnProgram = readonly string[];

/** Key of the process that keeps the others. */
export const KEEPER_KEY = 'keeper';

/** The process that starts and restarts the others. */
export function keeperCommand(lab: string, own: OwnProgram): readonly string[] {
  return [...own, 'lab', 'keeper', '--name', lab];
}

/** All processes but the keeper. */
export function keptProcesses(
  lab: string,
  plan: LabPlan,
  { own, namespaceFile }: { own: OwnProgram; namespaceFile: (namespace: string) => string },
): KeptProcess[] {
  const places = placesOf(lab, plan).map(({ name, namespace, socketPath }): KeptProcess => ({
    key: placeKey(name),
    name,
    command: [
      ...['nsenter', `--net=${namespaceFile(namespace)}`],
      ...[...own, 'lab', 'place', '--place', name, '--socket', socketPath],
    ],
    logFile: labPaths(lab).place(name).log,
    namespaces: [namespace],
  }));
  return [...plan.nodes.flatMap(({ name, number }) => ofNode(lab, name, number, own)), ...places];
}

function ofNode(lab: string, node: string, number: number, own: OwnProgram): KeptProcess[] {
  const paths = labPaths(lab).node(number);
  const xpu = namespaceNames.xpu(lab, node);
  const host = namespaceNames.host(lab, node);
  return [
    {
      key: xpuKey(number),
      name: `soft-xpu of ${node}`,
      command: [
        ...[...own, 'soft-xpu', '--datapath', 'linux', '--netns', xpu, '--host-netns', host],
        ...['--uplink', UPLINK_INTERFACE, '--state-dir', paths.xpuState],
        ...['--listen', `unix:${paths.xpuSocket}`],
      ],
      logFile: paths.xpuLog,
      namespaces: [xpu, host],
    },
    {
      key: felixKey(number),
      name: `felix-sim of ${node}`,
      command: [...own, 'lab', 'felix', '--name', lab, '--node', node],
      logFile: paths.felixLog,
      namespaces: [],
    },
  ];
}

/** Key of a node's XPU. */
export function xpuKey(node: number): string {
  return `n${node}-soft-xpu`;
}

/** Key of a node's Felix. */
export function felixKey(node: number): string {
  return `n${node}-felix`;
}
