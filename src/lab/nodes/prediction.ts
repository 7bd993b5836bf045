/** What `why` says of a packet between two places of a lab: of each node on its way. */
import type { Family } from '../../base/ip.js';
import { NATIVE } from '../explain/capabilities.js';
import type { OutsidePort } from '../explain/compiled-node.js';
import { Explainer, type Explanation, type PathEntry } from '../explain/explain.js';
import type { Place } from '../explain/place.js';
import type { Transport } from '../explain/question.js';
import { sourceText } from '../explain/words.js';
import type { NodeState } from './node-states.js';
import type { LabPlace } from './places.js';

/** What is expected of a packet and of its answer. */
export interface Prediction {
  /** It gets there, and the answer comes back. */
  readonly passes: boolean;
  /** What decided, in few words. */
  readonly by: string;
  /** Of the sender's node, and of the receiver's where it is another one and the packet gets there. */
  readonly explanations: readonly Explanation[];
}

/** What is asked. */
export interface PredictedFlow {
  readonly family: Family;
  readonly transport: Transport;
}

/** One node on the way of a packet. */
interface Stop {
  readonly explainer: Explainer;
  readonly explanation: Explanation;
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
  predict(from: LabPlace, to: LabPlace, flow: PredictedFlow): Prediction {
    const stops = this.wayOf(from, to, flow);
    const explanations = stops.map(({ explanation }) => explanation);
    const [last] = explanations.slice(-1);
    if (last === undefined) return { passes: false, by: 'no such node', explanations };
    if (!last.allow) return { passes: false, by: decidedBy(last), explanations };
    if (stops.length < new Set([from.node, to.node]).size) {
      return { passes: false, by: NO_WAY, explanations };
    }
    const lost = lostAnswer(stops);
    const by = lost === undefined ? decidedBy(last) : `the answer is dropped: ${lost}`;
    return { passes: lost === undefined, by, explanations };
  }

  /** The nodes that the packet gets to. It arrives by the port by which it left the node before. */
  private wayOf(from: LabPlace, to: LabPlace, { family, transport }: PredictedFlow): Stop[] {
    const stops: Stop[] = [];
    for (const node of new Set([from.node, to.node])) {
      const explainer = this.explainers.get(node);
      if (explainer === undefined) break;
      const explanation = explainer.explain({
        from: nameOn(node, from, family),
        to: nameOn(node, to, family),
        family,
        transport,
        arrivesBy: outsidePort(stops.at(-1)?.explanation.exit),
        allPolicies: false,
      });
      stops.push({ explainer, explanation });
      if (!explanation.allow || isLostOnWire(explanation.exit, explanation.to)) break;
    }
    return stops;
  }
}

/** What a place is called in a question to a node. A node's address may be claimed by a pod of it, too. */
function nameOn(node: string, place: LabPlace, family: Family): string {
  if (place.kind === 'node' && place.node === node) return 'host';
  return place.addresses[family] ?? '';
}

/** Why the answer does not come back over the nodes of its way; `undefined` if it does. */
function lostAnswer(stops: readonly Stop[]): string | undefined {
  let exit: string | undefined;
  for (const { explainer, explanation } of stops.toReversed()) {
    const reply = explainer.reply(explanation, outsidePort(exit));
    if (!reply.allow) return reply.reason;
    if (isLostOnWire(reply.exit, explanation.from)) return NO_WAY;
    exit = reply.exit;
  }
  return undefined;
}

const NO_WAY = 'no block of the cluster has the address, so the wire does not lead there';

/** The wire leads to nodes; to pods, where no tunnel does, by the routes of their blocks. */
function isLostOnWire(exit: string | undefined, place: Place): boolean {
  return exit === 'uplink' && place.kind === 'outside' && !place.known;
}

function outsidePort(exit: string | undefined): OutsidePort | undefined {
  return exit === 'uplink' || exit === 'tunnel' ? exit : undefined;
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
