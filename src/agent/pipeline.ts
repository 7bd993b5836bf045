/**
 * The resident pipeline of one node: Deltas in, objects on the XPU out. Owns the desired state and the order of things:
 * fold at once, write at our own pace, never before InSync.
 *
 * A flush is due when the pipe is quiet. Changes of set members alone go out in the next turn of the event loop, since one
 * frame is their whole change; anything else waits for a short quiet, because Felix sends the parts of one change as
 * several frames without an end mark. While a pass runs, changes gather for the next one.
 */
import type { Clock, Timer } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { DesiredStore } from '../desired/store.js';
import type { DesiredState, DirtySet } from '../desired/state.js';
import type { Delta } from '../model/delta.js';
import type { ApplyResult } from '../reconciler/types.js';
import { ApplyLatency } from './apply-latency.js';
import { EndpointStates, type EndpointListener } from './endpoint-states.js';
import { FelixCounters } from './felix-counters.js';
import type { XpuLink } from './xpu-link.js';

/** What a pipeline is made of. */
export interface PipelineOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the link once the first ConfigUpdate told the node's name and the settings that Felix passes through. */
  readonly link: (config: ReadonlyMap<string, string>) => XpuLink;
  readonly onEndpoint: EndpointListener;
  /** The state in force was replaced by that of a new session. Endpoint statuses follow once the XPU was compared with it. */
  readonly onInSync: (state: DesiredState) => void;
  /** Called when settings or configuration make the pipeline impossible. */
  readonly onFatal: (error: unknown) => void;
}

const QUIET_MS = 2;
const QUIET_MS_MAX = 100;
const VERIFY_MS = 2_000;

/** Folds, flushes, retries. One per process. */
export class Pipeline {
  readonly store: DesiredStore;
  readonly endpoints: EndpointStates;
  readonly latency = new ApplyLatency();
  counters = new FelixCounters();
  session = 0;
  private readonly options: PipelineOptions;
  private xpu: XpuLink | undefined;
  private timer: Timer | undefined;
  private verifyTimer: Timer | undefined;
  private gatheringSince: number | undefined;
  private running = false;
  private rerun = false;
  private stopped = false;
  /** Felix is new and was told nothing yet. */
  private untold = false;
  private readonly progress = new Set<() => void>();
  private readonly changedOrigins = new Set<string>();

  constructor(options: PipelineOptions) {
    this.options = options;
    this.store = new DesiredStore(options.logger);
    this.endpoints = new EndpointStates(options.onEndpoint);
  }

  /** The line to the XPU; absent until the first ConfigUpdate. */
  get link(): XpuLink | undefined {
    return this.xpu;
  }

  /** A new Felix stream begins. What is in force stays in force until its InSync. */
  beginSession(): number {
    this.session++;
    this.counters = new FelixCounters();
    this.store.beginSession();
    this.tellProgress();
    return this.session;
  }

  /** One frame's Deltas. Cheap; the writing happens later. */
  frame(deltas: readonly Delta[]): void {
    this.counters.received++;
    for (const delta of deltas) {
      this.counters.note(delta);
      this.store.fold(delta);
      if (delta.type === 'config') this.openLink();
      if (delta.type === 'in-sync') this.inSync();
    }
    if (!this.store.sessionInSync) return;
    this.latency.frame(this.options.clock.monotonic());
    this.schedule(deltas.every(isMemberChange));
  }

  /** Calls `listener` after each change of session or applied count; gives the way to stop. */
  onProgress(listener: () => void): () => void {
    this.progress.add(listener);
    return () => this.progress.delete(listener);
  }

  /** Stops writing after the pass under way and releases the connection. What the XPU has stays in force. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.verifyTimer?.cancel();
    await this.xpu?.close();
  }

  private inSync(): void {
    const { state } = this.store;
    if (state === undefined) return;
    this.untold = true;
    this.options.onInSync(state);
  }

  private openLink(): void {
    if (this.xpu !== undefined || this.stopped) return;
    try {
      this.xpu = this.options.link(this.store.config);
    } catch (error) {
      this.options.onFatal(error);
      return;
    }
    this.xpu.reconciler.onOriginChange((changed) => {
      for (const origin of changed.keys()) this.changedOrigins.add(origin);
    });
    this.verifyLater();
    // Probing need not wait for InSync; writing does.
    this.schedule(true);
  }

  private schedule(atOnce: boolean): void {
    if (this.running) {
      this.rerun = true;
      return;
    }
    const now = this.options.clock.monotonic();
    this.gatheringSince ??= now;
    const left = this.gatheringSince + QUIET_MS_MAX - now;
    this.runAfter(atOnce ? 0 : Math.max(0, Math.min(QUIET_MS, left)));
  }

  private runAfter(delayMs: number): void {
    if (this.stopped) return;
    this.timer?.cancel();
    this.timer = this.options.clock.after(delayMs, () => void this.run());
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      do {
        this.rerun = false;
        this.gatheringSince = undefined;
        const retryMs = await this.flush();
        if (retryMs !== undefined && !this.rerun) this.runAfter(retryMs);
      } while (this.rerun && !this.stopped);
    } catch (error) {
      this.options.onFatal(error);
    } finally {
      this.running = false;
    }
  }

  /** One flush; gives the delay until the next one is needed without a new frame. */
  private async flush(): Promise<number | undefined> {
    const { xpu } = this;
    if (xpu === undefined) return undefined;
    if (!(await xpu.ensure())) return xpu.retryDelayMs();
    const mark = { session: this.session, received: this.counters.received };
    const inSync = this.store.sessionInSync;
    const taken = this.latency.take();
    this.translate(xpu);
    if (!this.store.inSync) return undefined;
    const tellAll = this.untold;
    this.untold = false;
    const result = await xpu.apply();
    this.refreshEndpoints(xpu, tellAll);
    const isApplied = result.unreachable === undefined && result.retryInMs !== 0;
    if (isApplied) this.latency.applied(taken, this.options.clock.monotonic());
    else this.latency.giveBack(taken);
    if (result.unreachable !== undefined) return xpu.retryDelayMs();
    if (inSync && isApplied) this.markApplied(mark);
    return this.nextPass(result);
  }

  private translate(xpu: XpuLink): void {
    const { state } = this.store;
    if (state === undefined) return;
    const dirty: DirtySet | 'replaced' | undefined = this.store.takeDirty();
    if (dirty !== undefined) xpu.translate(state, dirty);
    else if (xpu.needsState) xpu.translate(state, 'replaced');
  }

  private nextPass(result: ApplyResult): number | undefined {
    if (result.retryInMs === 0) this.rerun = true;
    return result.retryInMs;
  }

  private refreshEndpoints(xpu: XpuLink, tellAll: boolean): void {
    const { translator } = xpu;
    if (translator === undefined) return;
    const touched = new Set(this.changedOrigins);
    this.changedOrigins.clear();
    const expectations = translator.expectations();
    const changed = new Set(translator.takeChangedEndpoints());
    if (tellAll) for (const key of expectations.keys()) changed.add(key);
    this.endpoints.refresh({ changed, touched }, expectations, (origin) =>
      xpu.reconciler.originStatus(origin),
    );
  }

  private markApplied(mark: { session: number; received: number }): void {
    if (mark.session !== this.session) return;
    this.counters.applied = mark.received;
    this.tellProgress();
  }

  private tellProgress(): void {
    for (const listener of [...this.progress]) listener();
  }

  /** An XPU that was restarted while nothing changes would stay empty: ask now and then. */
  private verifyLater(): void {
    if (this.stopped) return;
    this.verifyTimer = this.options.clock.after(VERIFY_MS, () => {
      void this.verify().finally(() => this.verifyLater());
    });
  }

  private async verify(): Promise<void> {
    // Before the first pass there is nothing on the XPU that could be lost.
    if (this.running || !this.store.inSync || this.xpu?.capabilities === undefined) return;
    if (!(await this.xpu.verify())) this.schedule(true);
  }
}

function isMemberChange(delta: Delta): boolean {
  return delta.type === 'ip-set-delta' || delta.type === 'ignored';
}
