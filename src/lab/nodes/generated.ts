/** The cluster that a lab makes up where a scenario says nothing of nodes or pods: resources as YAML, for people to read. */
import { stringify } from 'yaml';
import { LabError } from './errors.js';

/** How large a made-up cluster is. */
export interface ClusterSize {
  readonly nodes: number;
  /** Pods of each node. */
  readonly podsPerNode: number;
}

/** Bounds of a lab: every place is a process, and one machine runs them all. */
export const SIZE_MAX: ClusterSize = { nodes: 16, podsPerNode: 32 };

/** Name and namespace of each role; pods take them in turn, so that four pods make a whole shop. */
const ROLES = [
  { app: 'frontend', namespace: 'shop' },
  { app: 'backend', namespace: 'shop' },
  { app: 'db', namespace: 'shop' },
  { app: 'guest', namespace: 'guests' },
] as const;

const POOLS = [
  { name: 'lab-ipv4', cidr: '10.65.0.0/16', blockSize: 26 },
  { name: 'lab-ipv6', cidr: 'fd65::/48', blockSize: 122 },
] as const;

/** Name of a made-up node, by its number from 1. */
export function nodeName(number: number): string {
  return `node-${number <= 26 ? String.fromCharCode(96 + number) : number}`;
}

/** A Node resource with the addresses of its number. */
export function nodeResource(name: string, number: number) {
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {
      bgp: {
        ipv4Address: `172.30.0.${number}/24`,
        ipv6Address: `fd30::${number.toString(16)}/64`,
      },
    },
  };
}

/** Nodes without pods, as YAML. */
export function nodesYaml(nodes: readonly { name: string; number: number }[]): string {
  return documents(nodes.map(({ name, number }) => nodeResource(name, number)));
}

/** Nodes, pools, namespaces and pods, as YAML. Throws `LabError` with code `scenario` for what is too large or nothing. */
export function clusterYaml(size: ClusterSize): string {
  checkSize('--nodes', size.nodes, SIZE_MAX.nodes);
  checkSize('--pods', size.podsPerNode, SIZE_MAX.podsPerNode);
  const numbers = Array.from({ length: size.nodes }, (_, index) => index + 1);
  return documents([
    ...numbers.map((number) => nodeResource(nodeName(number), number)),
    ...POOLS.map(({ name, cidr, blockSize }) => ({
      apiVersion: 'projectcalico.org/v3',
      kind: 'IPPool',
      metadata: { name },
      spec: { cidr, blockSize, vxlanMode: 'Always', natOutgoing: false },
    })),
    ...[...new Set(ROLES.map(({ namespace }) => namespace))].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { team: name } },
    })),
    ...numbers.flatMap((number) => podsOf(number, size.podsPerNode)),
  ]);
}

function podsOf(node: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const { app, namespace } = ROLES[index % ROLES.length] ?? ROLES[0];
    const perNode = Math.ceil(count / ROLES.length);
    const number = (node - 1) * perNode + Math.floor(index / ROLES.length) + 1;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${app}-${number}`, namespace, labels: { app } },
      spec: { nodeName: nodeName(node) },
      status: {
        podIPs: [
          { ip: `10.65.${node}.${index + 1}` },
          { ip: `fd65::${node.toString(16)}:${(index + 1).toString(16)}` },
        ],
      },
    };
  });
}

function checkSize(option: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new LabError({
    code: 'scenario',
    op: 'make cluster',
    message: `${option} ${value}: expected a whole number from 1 to ${max}`,
  });
}

function documents(resources: readonly object[]): string {
  return resources.map((resource) => stringify(resource)).join('---\n');
}
