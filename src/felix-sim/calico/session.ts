/** The Felix of one node: what it says when the cluster changes, and when it starts anew. */
import type { ToDataplane } from '../../gen/felix/types.js';
import { subjectOf } from '../payload.js';
import { SessionState } from '../session-state.js';
import { needsRestart, type Settings } from './calc/config.js';
import { computeView, type View } from './calc/view.js';
import { flush } from './flush.js';
import { inFlushOrder } from './flush-order.js';
import { toMessage } from './message.js';
import type { ResourceStore } from './store.js';

/** What one change makes Felix say. */
export interface Said {
  /** A new Felix says it to a new driver: the whole state, from ConfigUpdate to InSync. */
  readonly restarts: boolean;
  readonly messages: readonly ToDataplane[];
}

/** Felix, from its first start on. */
export class FelixSession {
  readonly node: string;
  private readonly calico: string;
  /** Hand-written messages: what they speak of is theirs, whatever the resources say. */
  private readonly raw = new SessionState();
  private readonly rawSubjects = new Set<string>();
  private rawSettings: Settings = {};
  private view: View | undefined;

  constructor(node: string, calico: string) {
    this.node = node;
    this.calico = calico;
  }

  /** The state is now that of `store`, and the messages `raw` come on top. */
  next(store: ResourceStore, raw: readonly ToDataplane[]): Said {
    for (const message of raw) this.addRaw(message);
    const before = this.view;
    this.view = computeView(store, {
      node: this.node,
      settings: {
        CalicoVersion: this.calico,
        FelixHostname: this.node,
        ...this.rawSettings,
      },
    });
    const written = raw.filter(({ payload }) => payload !== 'config_update');
    if (before === undefined) return { restarts: true, messages: this.start(this.view, written) };
    if (mustRestart(before, this.view)) {
      const known = this.raw.messages().filter(({ payload }) => payload !== 'in_sync');
      return { restarts: true, messages: this.start(this.view, known) };
    }
    const messages = [...this.computed(before, this.view), ...written];
    if (!sameSettings(before, this.view)) messages.push(configMessage(this.view));
    return { restarts: false, messages: inFlushOrder(messages) };
  }

  private start(view: View, written: readonly ToDataplane[]): ToDataplane[] {
    const messages = [configMessage(view), ...this.computed(undefined, view), ...written];
    return [...inFlushOrder(messages), toMessage({ in_sync: {} })];
  }

  private computed(before: View | undefined, after: View): ToDataplane[] {
    return flush(before, after).filter(
      (message) => !this.rawSubjects.has(subjectKey(message) ?? ''),
    );
  }

  private addRaw(message: ToDataplane): void {
    if (message.payload === 'config_update') {
      this.rawSettings = { ...this.rawSettings, ...message.config_update.config };
      return;
    }
    this.raw.apply(message);
    const key = subjectKey(message);
    if (key !== undefined) this.rawSubjects.add(key);
  }
}

/** Felix restarts for most settings, and for a change of the encapsulations in use. */
function mustRestart(before: View, after: View): boolean {
  if (needsRestart(before.settings, after.settings)) return true;
  return encapsulation(before) !== encapsulation(after);
}

function encapsulation({ updates }: View): string {
  const update = updates.find(({ payload }) => payload === 'encapsulation');
  return JSON.stringify(update);
}

function sameSettings(before: View, after: View): boolean {
  const names = new Set([...Object.keys(before.settings), ...Object.keys(after.settings)]);
  return [...names].every((name) => before.settings[name] === after.settings[name]);
}

function configMessage({ settings }: View): ToDataplane {
  return toMessage({ config_update: { config: settings } });
}

function subjectKey(message: ToDataplane): string | undefined {
  const subject = subjectOf(message);
  return subject && `${subject.kind} ${subject.key}`;
}
