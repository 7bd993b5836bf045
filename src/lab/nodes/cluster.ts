/** The cluster of a lab: resources, step by step, and from them the nodes and pods that are simulated. */
import { formatCidr, formatIp, parseCidr } from '../../base/ip.js';
import { deletes, type CalicoFile } from '../../felix-sim/calico/steps.js';
import { ResourceStore } from '../../felix-sim/calico/store.js';
import { readDocuments } from '../../felix-sim/calico/yaml/documents.js';
import type { NodeResource, WorkloadResource } from '../../felix-sim/calico/resources/resource.js';
import { LabError } from './errors.js';
import type { LabNode, LabPlan, LabPod } from './model.js';
import { mtuOfPods } from './mtu.js';

/** Files that are applied together. */
export interface ClusterStep {
  readonly name: string;
  readonly files: readonly CalicoFile[];
}

/** Linux's bound for names of interfaces, and what may stand in a script without quotes. */
const INTERFACE_NAME = /^[A-Za-z0-9_.-]{1,15}$/;

/** Resources as of the last step applied. */
export class Cluster {
  readonly store = new ResourceStore();

  /** Applies a step. Throws `SimError` naming file, line and field; then nothing is certain about the resources. */
  apply({ files }: ClusterStep): void {
    for (const file of files) {
      for (const document of readDocuments(file.name, file.text)) {
        if (deletes(file)) this.store.delete(document);
        else this.store.apply(document);
      }
    }
  }

  /** Names of all nodes that the resources speak of, sorted. */
  get nodeNames(): string[] {
    const { store } = this;
    const names = [
      ...store.all('node').map(({ name }) => name),
      ...store.all('workload').map(({ node }) => node),
      ...store.all('host-endpoint').map(({ node }) => node),
    ];
    return [...new Set(names)].sort();
  }

  /** Names of nodes that have no Node resource, hence no address. */
  get nodesWithoutResource(): string[] {
    const known = new Set(this.store.all('node').map(({ name }) => name));
    return this.nodeNames.filter((name) => !known.has(name));
  }

  /**
   * What is to be simulated now. `before` = the nodes of a lab that is up: they stay as they are. Throws `LabError` with
   * code `scenario` for what cannot be.
   */
  plan(before?: readonly LabNode[]): LabPlan {
    const nodes = before ?? numbered(this.store.all('node'));
    const hostAddresses = new Set(nodes.flatMap(({ addresses }) => Object.values(addresses)));
    const pods = this.store
      .all('workload')
      .map(podOf)
      // A pod with an address of a node sends and receives as the node does.
      .filter(({ addresses }) => !addresses.some((address) => hostAddresses.has(address)))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    checkPlan(nodes, pods);
    return { nodes, pods, podMtu: mtuOfPods(this.store.all('pool')) };
  }
}

function numbered(resources: readonly NodeResource[]): LabNode[] {
  const sorted = resources.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(({ name, ipv4, ipv6 }, index) => ({
    name,
    number: index + 1,
    addresses: {
      ...(ipv4 === '' ? {} : { 4: bareAddress(ipv4) }),
      ...(ipv6 === '' ? {} : { 6: bareAddress(ipv6) }),
    },
  }));
}

/** `172.30.0.1/24` to `172.30.0.1`, in canonical form. */
function bareAddress(text: string): string {
  const cidr = parseCidr(text.replace(/\/.*/, ''));
  return cidr === undefined ? text : formatIp(cidr);
}

function podOf({ workload, endpoint, node, interfaceName, nets }: WorkloadResource): LabPod {
  const whole = nets.find(({ family, length }) => length !== (family === 4 ? 32 : 128));
  if (whole !== undefined) throw refused(`${workload}: ${formatCidr(whole)} is no single address`);
  return {
    name: endpoint === 'eth0' ? workload : `${workload}/${endpoint}`,
    node,
    interfaceName,
    addresses: nets.map(formatIp),
  };
}

function checkPlan(nodes: readonly LabNode[], pods: readonly LabPod[]): void {
  const names = new Set(nodes.map(({ name }) => name));
  if (nodes.length === 0) throw refused('no nodes');
  const stranger = pods.find(({ node }) => !names.has(node));
  if (stranger !== undefined) {
    throw refused(`${stranger.name} is on ${stranger.node}, which is no node of the lab`);
  }
  const odd = pods.find(({ interfaceName }) => !INTERFACE_NAME.test(interfaceName));
  if (odd !== undefined) {
    throw refused(`${odd.name}: "${odd.interfaceName}" is no name that an interface can have`);
  }
  onceEach('pod', pods, ({ name }) => [name.replaceAll('/', '.')]);
  onceEach('interface', pods, ({ node, interfaceName }) => [`${interfaceName} on ${node}`]);
  onceEach('address', [...nodes, ...pods], ({ addresses }) => Object.values(addresses));
}

function onceEach<T extends { readonly name: string }>(
  what: string,
  things: readonly T[],
  keysOf: (thing: T) => readonly string[],
): void {
  const holders = new Map<string, string>();
  for (const thing of things) {
    for (const key of keysOf(thing)) {
      const holder = holders.get(key);
      if (holder !== undefined) throw refused(`${what} ${key}: of ${holder} and of ${thing.name}`);
      holders.set(key, thing.name);
    }
  }
}

function refused(message: string): LabError {
  return new LabError({ code: 'scenario', op: 'read scenario', message });
}
