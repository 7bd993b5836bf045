/** The Felix of one simulated node: what it says when the cluster changes, routes and tunnel endpoints with it. Pure. */
import { encodeToDataplane } from '../../driver/message.js';
import { toMessage } from '../../felix-sim/calico/message.js';
import { FelixSession } from '../../felix-sim/calico/session.js';
import { OrderCheck } from '../../felix-sim/order.js';
import { subjectOf } from '../../felix-sim/payload.js';
import type { Draft, ToDataplane } from '../../gen/felix/types.js';
import type { Cluster } from './cluster.js';
import type { LabNode } from './model.js';
import { overlayMessages, subnetsOf } from './overlay-messages.js';
import { tunnelSettings } from './tunnel-endpoints.js';

/** Frames that one step makes. */
export interface SaidFrames {
  /** They are a whole session: a Felix that runs would start anew for them. */
  readonly restarts: boolean;
  readonly frames: readonly Uint8Array[];
}

/** One life of the cluster, told to one node. */
export class NodeFelix {
  private readonly session: FelixSession;
  private readonly node: string;
  private readonly nodes: readonly LabNode[];
  private told = new Map<string, Uint8Array>();
  private order = new OrderCheck();
  private count = 0;

  constructor(node: string, nodes: readonly LabNode[]) {
    this.node = node;
    this.nodes = nodes;
    this.session = new FelixSession(node, 'head');
  }

  /** What is said so that the driver knows the cluster as it is now. Throws `SimError`. */
  next(cluster: Cluster): SaidFrames {
    const { restarts, messages } = this.session.next(cluster.store, this.overlayChanges(cluster));
    if (restarts) {
      this.order = new OrderCheck();
      this.count = 0;
    }
    return { restarts, frames: messages.map((message) => this.frame(message)) };
  }

  private frame(message: ToDataplane): Uint8Array {
    this.order.next(message);
    return encodeToDataplane({ ...message, sequence_number: this.count++ });
  }

  /** Routes and endpoints that are new, changed or gone since the last step, and settings where they changed. */
  private overlayChanges(cluster: Cluster): ToDataplane[] {
    const pools = cluster.store.all('pool');
    const own = this.nodes.find(({ name }) => name === this.node);
    const now = overlayMessages({
      node: this.node,
      nodes: this.nodes,
      subnets: subnetsOf(cluster.store.all('node')),
      pods: cluster.plan(this.nodes).pods,
      pools,
    });
    const settings: Draft<ToDataplane> = {
      config_update: { config: own === undefined ? {} : tunnelSettings(own, pools) },
    };
    const before = this.told;
    this.told = new Map();
    const changed = now.map(toMessage).filter((message) => {
      const key = keyOf(message);
      const bytes = encodeToDataplane(message);
      this.told.set(key, bytes);
      const known = before.get(key);
      return known === undefined || Buffer.compare(known, bytes) !== 0;
    });
    const gone = [...before.keys()].filter((key) => !this.told.has(key)).map(removalOf);
    return [toMessage(settings), ...gone.map(toMessage), ...changed];
  }
}

function keyOf(message: ToDataplane): string {
  const subject = subjectOf(message);
  return `${subject?.kind ?? ''} ${subject?.key ?? ''}`;
}

function removalOf(key: string): Draft<ToDataplane> {
  const [kind = '', name = ''] = key.split(' ');
  return kind === 'vtep' ? { vtep_remove: { node: name } } : { route_remove: { dst: name } };
}
