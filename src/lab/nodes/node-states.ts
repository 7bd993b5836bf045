/** What each node of a lab ought to enforce: computed anew from its steps, apart from every process that is to enforce it. */
import { readSettings } from '../../agent/settings.js';
import { decodeToDataplane } from '../../driver/message.js';
import type { ToDataplane } from '../../gen/felix/types.js';
import type { ExplainSource } from '../explain/source.js';
import { FelixView } from '../verdicts/felix-view.js';
import type { Cluster } from './cluster.js';
import type { LabNode } from './model.js';
import { NodeFelix } from './node-felix.js';

/** One node's state with the messages that say it. */
export interface NodeState {
  readonly source: ExplainSource;
  readonly messages: readonly ToDataplane[];
}

/** The states of all nodes, by name. */
export function nodeStates(
  cluster: Cluster,
  nodes: readonly LabNode[],
): ReadonlyMap<string, NodeState> {
  return new Map(nodes.map(({ name }) => [name, stateOf(name, cluster, nodes)]));
}

function stateOf(node: string, cluster: Cluster, nodes: readonly LabNode[]): NodeState {
  const { frames } = new NodeFelix(node, nodes).next(cluster);
  const view = new FelixView();
  view.startSession();
  for (const body of frames) view.frame(body);
  const source = { name: `the cluster as ${node} sees it`, node, state: view.state };
  return {
    source: { ...source, settings: readSettings({}) },
    messages: frames.map((body) => decodeToDataplane(body).message),
  };
}
