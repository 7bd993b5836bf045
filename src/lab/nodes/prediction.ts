/** What `why` says of a packet between two places of a lab: of each node on its way. */
import type { Family } from '../../base/ip.js';
import { NATIVE } from '../explain/capabilities.js';
import { Explainer, type Explanation, type PathEntry } from '../explain/explain.js';
import type { Transport } from '../explain/question.js';
import { sourceText } from '../explain/words.js';
import type { NodeState } from './node-states.js';
import type { LabPlace } from './places.js';

/** What is expected of a packet. */
export interface Prediction {
  readonly passes: boolean;
  /** What decided, in few words. */
  readonly by: string;
  /** Of the sender's node, and of the receiver's where it is another one and the packet gets there. */
  readonly explanations: readonly Explanation[];
}

/** Asks every node's state, each compiled once. */
export class Predictor {
  private readonly explainers: ReadonlyMap<string, Explainer>;

  constructor(states: ReadonlyMap<string, NodeState>) {
    this.explainers = new Map(
      [...states].map(([node, { source }]) => [node, new Explainer(source, NATIVE)]),
    );
  }

  /** Of the first packet of a flow. Throws `ExplainError` for a place without a port. */
  predict(
    from: LabPlace,
    to: LabPlace,
    { family, transport }: { readonly family: Family; readonly transport: Transport },
  ): Prediction {
    const question = {
      from: from.addresses[family] ?? '',
      to: to.addresses[family] ?? '',
      family,
      transport,
      allPolicies: false,
    };
    const explanations: Explanation[] = [];
    for (const node of new Set([from.node, to.node])) {
      const explanation = this.explainers.get(node)?.explain(question);
      if (explanation === undefined) continue;
      explanations.push(explanation);
      if (!explanation.allow) break;
    }
    const last = explanations.at(-1);
    return {
      passes: last?.allow === true,
      by: last === undefined ? '' : decidedBy(last),
      explanations,
    };
  }
}

/** `shop/db-1 receives: tier default, NetworkPolicy shop/db rule 0: allow`. */
export function decidedBy({ path, allow }: Explanation): string {
  const verdict = allow ? 'allow' : 'deny';
  const entry = path.findLast(({ kind, result }) => kind === 'fixed' || result === verdict);
  if (entry === undefined) return 'nothing in the way';
  const owner = entry.port === 'host' ? 'the node' : entry.port;
  const side = entry.direction === 'from' ? 'sends' : 'receives';
  return `${owner} ${side}: ${reasonOf(entry)}: ${entry.result}`;
}

function reasonOf(entry: PathEntry): string {
  if (entry.kind === 'fixed') return entry.reason;
  const step = entry.steps.find(({ decides }) => decides);
  const tier = step?.tier === undefined ? '' : `tier ${step.tier}, `;
  if (step?.source === undefined) return `${tier}${step?.kind ?? entry.stage}`;
  const rule = step.rules.at(-1);
  return `${tier}${sourceText(step.source)}${rule === undefined ? '' : ` rule ${rule.index}`}`;
}
