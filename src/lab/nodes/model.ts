/** What a lab consists of: nodes, and pods on them. */
import type { Family } from '../../base/ip.js';

/** Addresses by family, as canonical text; a family may be missing. */
export type Addresses = Readonly<Partial<Record<Family, string>>>;

/** A simulated node. */
export interface LabNode {
  readonly name: string;
  /** From 1, in the order of names: it stands for the node in names and addresses of the lab. */
  readonly number: number;
  readonly addresses: Addresses;
}

/** A simulated pod: one interface in a network namespace of its own. */
export interface LabPod {
  /** `namespace/pod`, as Calico has it in its workload id. */
  readonly name: string;
  /** Name of its node. */
  readonly node: string;
  /** What its end of the wire is called before it is a pod's: the endpoint's interface name. */
  readonly interfaceName: string;
  /** All its addresses, both families; the first of each family is the one it is asked at. */
  readonly addresses: readonly string[];
}

/** A state of the cluster, as far as the lab builds it. */
export interface LabPlan {
  readonly nodes: readonly LabNode[];
  /** Sorted by name. */
  readonly pods: readonly LabPod[];
  /** Largest packet of a pod's interface, bytes. */
  readonly podMtu: number;
}
