/**
 * The agent's line to one XPU: probes until it answers, builds translator and reconciler for what it found, writes the plan,
 * notices when the XPU was restarted. Decides nothing about policy.
 */
import type { Clock } from '../base/clock.js';
import { backoffDelay, type BackoffLimits } from '../base/backoff.js';
import { errorText, invariant } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { DesiredState, DirtySet } from '../desired/state.js';
import type { ObjectNamer } from '../opi/objects/key.js';
import type { Target, TargetCapabilities } from '../opi/objects/target.js';
import { Reconciler } from '../reconciler/reconciler.js';
import type { ApplyResult } from '../reconciler/types.js';
import type { Translation } from '../translators/translator.js';

/** What a link is made of. */
export interface XpuLinkOptions {
  readonly target: Target;
  readonly namer: ObjectNamer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What probing must find; another level is refused and shown, never used. */
  readonly required: 'auto' | 'native' | 'plain';
  readonly translator: (capabilities: TargetCapabilities) => Translation;
  /** Waits until no other process writes to this XPU; called once, before the first call. A rejection ends the process. */
  readonly acquire: () => Promise<void>;
}

/** A link and what its client counts. */
export interface XpuConnection {
  readonly link: XpuLink;
  /** Calls by method. */
  calls(): ReadonlyMap<string, number>;
  /** Calls that change something. */
  writes(): number;
}

const PROBE_BACKOFF: BackoffLimits = { firstMs: 50, maxMs: 5_000 };

/** One XPU, from the first probe to `close`. */
export class XpuLink {
  readonly reconciler: Reconciler;
  private readonly options: XpuLinkOptions;
  private found: TargetCapabilities | undefined;
  private translation: Translation | undefined;
  /** Abilities that `translation` was made for. */
  private translatedFor: TargetCapabilities | undefined;
  /** `translation` has seen no state yet. */
  private untaught = false;
  private acquired = false;
  private closed = false;
  private attempts = 0;
  private failure = 'not yet connected';

  constructor(options: XpuLinkOptions) {
    this.options = options;
    this.reconciler = new Reconciler({
      target: options.target,
      namer: options.namer,
      clock: options.clock,
      logger: options.logger,
    });
  }

  /** What the XPU offers; absent until it answered, and while it does not answer. */
  get capabilities(): TargetCapabilities | undefined {
    return this.found;
  }

  /** The translator in use; absent until the first successful probe. It outlives a lost connection. */
  get translator(): Translation | undefined {
    return this.translation;
  }

  /** Why the XPU cannot be used now; empty if it can. */
  get reason(): string {
    return this.failure;
  }

  /**
   * Makes sure the XPU answers and offers what we need. False = not now; ask again after `retryDelayMs`. A changed level or
   * feature brings a new translator, which `translate` then fills from the whole state. Rejects if `acquire` does.
   */
  async ensure(): Promise<boolean> {
    if (this.found !== undefined) return true;
    if (!this.acquired) await this.options.acquire();
    this.acquired = true;
    try {
      const capabilities = await this.options.target.probe();
      this.accept(capabilities);
    } catch (error) {
      this.lose(errorText(error));
    }
    return this.found !== undefined;
  }

  /** Delay before the next `ensure`. */
  retryDelayMs(): number {
    return backoffDelay(this.attempts, PROBE_BACKOFF);
  }

  /** True if `translate` must run although nothing is dirty: a new translator knows nothing yet. */
  get needsState(): boolean {
    return this.untaught;
  }

  /** Brings the plan up to date with the state; no I/O. A whole comparison also lets left-overs be swept. */
  translate(state: DesiredState, dirty: DirtySet | 'replaced'): void {
    const { translation } = this;
    invariant(translation !== undefined, 'translate before the XPU answered');
    const whole = this.untaught || dirty === 'replaced';
    const delta = translation.translate(state, whole ? 'replaced' : dirty);
    this.untaught = false;
    if (whole) this.reconciler.replacePlan(translation.plan());
    else this.reconciler.plan(delta);
  }

  /** One writing pass. An XPU that does not answer is probed again before the next one. */
  async apply(): Promise<ApplyResult> {
    const result = await this.reconciler.apply();
    if (result.unreachable !== undefined) this.lose(result.unreachable.message);
    return result;
  }

  /** Checks that the XPU is still the one we wrote to; false = a pass is needed. */
  async verify(): Promise<boolean> {
    if (this.found === undefined) return false;
    const same = await this.reconciler.verify();
    if (!same) this.lose('the XPU was restarted or does not answer');
    return same;
  }

  /** Releases the connection; what the XPU has stays. */
  close(): Promise<void> {
    this.closed = true;
    return this.options.target.close();
  }

  private accept(capabilities: TargetCapabilities): void {
    const { required, logger } = this.options;
    if (required !== 'auto' && capabilities.level !== required) {
      this.lose(`the XPU offers level ${capabilities.level}, the setting target asks ${required}`);
      return;
    }
    logger.info({ ...capabilities }, 'XPU answers');
    if (!sameAbilities(this.translatedFor, capabilities)) {
      this.translation = this.options.translator(capabilities);
      this.translatedFor = capabilities;
      this.untaught = true;
    }
    this.found = capabilities;
    this.attempts = 0;
    this.failure = '';
  }

  private lose(reason: string): void {
    // Calls that our own end cut off say nothing of the XPU.
    if (reason !== this.failure && !this.closed)
      this.options.logger.warn({ reason }, 'XPU cannot be used');
    this.found = undefined;
    this.failure = reason;
    this.attempts++;
  }
}

function sameAbilities(a: TargetCapabilities | undefined, b: TargetCapabilities): boolean {
  return (
    a !== undefined &&
    a.level === b.level &&
    a.compactRules === b.compactRules &&
    JSON.stringify(a.limits) === JSON.stringify(b.limits) &&
    JSON.stringify(a.features) === JSON.stringify(b.features)
  );
}
