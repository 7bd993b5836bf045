/** On which node Felix runs, where nobody says it. */
import { SimError } from '../errors.js';
import type { ResourceStore } from './store.js';

const USUAL_NODE = 'node-a';

/** `node-a`, or the only node there is. Throws `SimError` where several could be meant. */
export function localNode(store: ResourceStore): string {
  const nodes = new Set([
    ...store.all('node').map(({ name }) => name),
    ...store.all('workload').map(({ node }) => node),
    ...store.all('host-endpoint').map(({ node }) => node),
  ]);
  if (nodes.size === 0 || nodes.has(USUAL_NODE)) return USUAL_NODE;
  const [only = USUAL_NODE, ...others] = nodes;
  if (others.length === 0) return only;
  throw new SimError({
    code: 'scenario',
    op: 'read Calico YAML',
    message: `several nodes, and none is ${USUAL_NODE}: say which is meant, of ${[...nodes].sort().join(', ')}`,
  });
}
