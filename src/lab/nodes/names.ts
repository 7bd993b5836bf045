/** What the things of a lab are called, on disk and in the kernel: all names of one lab have one prefix. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { LabError } from './errors.js';

/** Folder of all labs. One folder per lab lies in it while the lab is there. */
export const LABS_FOLDER = '/run/calico-xpu-lab';

/** Every process of a lab carries this variable with the lab's name in its environment, and so does what it starts. */
export const MARK_VARIABLE = 'CALICO_XPU_LAB';

/** Interface of a pod. */
export const POD_INTERFACE = 'eth0';
/** Interface of a node towards its XPU. */
export const HOST_INTERFACE = 'host0';
/** Interface of an XPU towards the wire. */
export const UPLINK_INTERFACE = 'uplink';
/** The wire between all XPUs. */
export const BRIDGE = 'wire';

const LAB_NAME = /^[a-z][a-z0-9]{0,7}$/;
const NAMESPACE_PREFIX = 'cxlab-';
const NAMESPACE_LENGTH_MAX = 200;

/** Gives the name back. Throws `LabError` with code `name`. */
export function checkLabName(name: string): string {
  if (LAB_NAME.test(name)) return name;
  throw new LabError({
    code: 'name',
    op: 'name lab',
    message: `"${name}": expected a letter and up to seven letters or digits, lower case`,
  });
}

/** Name of the lab that a network namespace belongs to; `undefined` for one that is not of a lab. */
export function labOfNamespace(namespace: string): string | undefined {
  if (!namespace.startsWith(NAMESPACE_PREFIX)) return undefined;
  const [name = ''] = namespace.slice(NAMESPACE_PREFIX.length).split('-', 1);
  return LAB_NAME.test(name) ? name : undefined;
}

/** Network namespaces of a lab. A node is named by its number, from 1. */
export const namespaceNames = {
  wire: (lab: string): string => `${NAMESPACE_PREFIX}${lab}-wire`,
  host: (lab: string, node: string): string => inLab(lab, 'host', node),
  xpu: (lab: string, node: string): string => inLab(lab, 'xpu', node),
  pod: (lab: string, pod: string): string => inLab(lab, 'pod', pod),
};

/** Names of pods hold what a file's name may not, such as the slash behind their namespace. */
function inLab(lab: string, kind: string, name: string): string {
  const text = `${NAMESPACE_PREFIX}${lab}-${kind}-${name.replaceAll(/[^A-Za-z0-9.-]/g, '.')}`;
  return text.slice(0, NAMESPACE_LENGTH_MAX);
}

/** Files of a lab, all below its folder. Paths of sockets stay short whatever nodes and pods are called. */
export function labPaths(lab: string) {
  const folder = join(LABS_FOLDER, lab);
  const ofNode = (node: number) => join(folder, `n${node}`);
  return {
    folder,
    /** Files of a verdict run, which is no lab, but is taken away like one. */
    verdictRun: join(LABS_FOLDER, `.verdicts-${lab}`),
    state: join(folder, 'lab.json'),
    steps: join(folder, 'steps'),
    processes: join(folder, 'processes'),
    keeperLog: join(folder, 'keeper.log'),
    node: (node: number) => ({
      folder: ofNode(node),
      xpuSocket: join(ofNode(node), 'opi.sock'),
      xpuState: join(ofNode(node), 'xpu'),
      agentState: join(ofNode(node), 'agent'),
      felixState: join(ofNode(node), 'felix.json'),
      xpuLog: join(ofNode(node), 'soft-xpu.log'),
      felixLog: join(ofNode(node), 'felix.log'),
    }),
    place: (name: string) => ({
      socket: join(folder, `${placeKey(name)}.sock`),
      log: join(folder, `${placeKey(name)}.log`),
    }),
  };
}

/** A short name for a pod or node. */
export function placeKey(name: string): string {
  return `place-${createHash('sha1').update(name).digest('hex').slice(0, 10)}`;
}
