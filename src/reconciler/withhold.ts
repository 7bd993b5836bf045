/**
 * Which operations must wait while others cannot be written, so that no port is ever wider than its old or its new
 * policy. For each port exactly one of three holds afterwards:
 *
 * - all operations it sees are sent: it goes from its old to its new state at once;
 * - none of them is sent: it stays in its old state (the cause is temporary, or the port cannot be closed);
 * - it is closed: its binding is replaced by its closed form, or deleted (a vNIC without a binding denies everything).
 *
 * A port is closed as soon as anything it sees was refused by the XPU: its old state may be wider than what is wanted
 * now, and a mix of both may be wider than either.
 */
import type { KeyText } from '../opi/objects/key.js';
import { closureOf, deniesWithoutBinding } from './closing.js';
import { blockedBy, waitsFor, type Core } from './core.js';
import type { Obstacle } from './failures.js';
import { Exposure, isBinding } from './exposure.js';
import type { ExtensionOp } from './ops.js';

/** What can be sent, and why the rest cannot. */
export interface Sendable {
  /** In the order of the captured operations; closing operations come last. */
  readonly ops: readonly ExtensionOp[];
  readonly withheld: ReadonlyMap<KeyText, Obstacle>;
}

/** Sorts captured operations into what can be sent and what has to wait. Costs the operations if nothing is wrong. */
export function withhold(core: Core, ops: ReadonlyMap<KeyText, ExtensionOp>): Sendable {
  return new Withholding(core, ops).run();
}

class Withholding {
  private readonly core: Core;
  private readonly ops: ReadonlyMap<KeyText, ExtensionOp>;
  private readonly withheld = new Map<KeyText, Obstacle>();
  private readonly closing = new Map<KeyText, ExtensionOp | undefined>();
  private readonly queue: KeyText[] = [];
  private exposureCache: Exposure | undefined;

  constructor(core: Core, ops: ReadonlyMap<KeyText, ExtensionOp>) {
    this.core = core;
    this.ops = ops;
  }

  run(): Sendable {
    for (const op of this.ops.values()) {
      const obstacle = this.obstacleOf(op);
      if (obstacle !== undefined) this.leave(op.text, obstacle);
    }
    for (let text = this.queue.pop(); text !== undefined; text = this.queue.pop())
      this.spread(text);
    this.leaveDanglingDeletes();
    const sent = [...this.ops.values()].filter(({ text }) => !this.withheld.has(text));
    const closing = [...this.closing.values()].filter((op) => op !== undefined);
    return { ops: [...sent, ...closing], withheld: this.withheld };
  }

  private get exposure(): Exposure {
    this.exposureCache ??= new Exposure(this.core.views, this.ops.values());
    return this.exposureCache;
  }

  private obstacleOf(op: ExtensionOp): Obstacle | undefined {
    const { failures, views } = this.core;
    if (!failures.attemptable(op.text)) return failures.obstacleOf(op.text);
    if (op.unread === true) return waitsFor(this.core, op.text);
    for (const ref of op.refs) {
      const coming = this.ops.get(ref)?.object !== undefined;
      if (views.isCondemned(ref) || (!coming && !views.acknowledged.has(ref))) {
        return waitsFor(this.core, ref);
      }
    }
    return undefined;
  }

  /** Withholds an operation (or marks an unchanged binding); a closing cause wins over a temporary one. */
  private leave(text: KeyText, obstacle: Obstacle): void {
    if (this.closesItself(text)) return;
    const before = this.withheld.get(text);
    if (before !== undefined && (before.closing || !obstacle.closing)) return;
    this.withheld.set(text, obstacle);
    this.queue.push(text);
  }

  /** Deleting a vNIC's binding denies: it need not wait for anything. */
  private closesItself(text: KeyText): boolean {
    const op = this.ops.get(text);
    return op !== undefined && op.object === undefined && deniesWithoutBinding(this.core, text);
  }

  private spread(text: KeyText): void {
    const obstacle = this.withheld.get(text);
    if (obstacle === undefined) return;
    if (isBinding(text)) return this.settle(text, obstacle);
    const because: Obstacle = {
      ...obstacle,
      why: blockedBy(obstacle.why, `waits for ${text}: ${obstacle.why.message}`),
    };
    if (!this.core.views.acknowledged.has(text)) {
      for (const referrer of this.exposure.comingReferrers(text)) this.leave(referrer, because);
    }
    for (const binding of this.exposure.seers(text)) this.leave(binding, because);
  }

  /** Closes the port of a binding, or keeps it whole in its old state. */
  private settle(binding: KeyText, obstacle: Obstacle): void {
    if (obstacle.closing && this.close(binding)) return;
    if (!this.core.views.acknowledged.has(binding)) return;
    const because: Obstacle = {
      ...obstacle,
      why: blockedBy(obstacle.why, `waits with ${binding}: ${obstacle.why.message}`),
    };
    for (const text of this.exposure.sightNow(binding)) {
      if (text !== binding && this.ops.has(text)) this.leave(text, because);
    }
  }

  private close(binding: KeyText): boolean {
    if (this.closing.has(binding)) return true;
    const closure = closureOf(this.core, binding);
    if (closure === 'open') return false;
    this.closing.set(binding, closure === 'closed' ? undefined : closure);
    return true;
  }

  /** Deletes of things that something withheld still refers to wait as well. */
  private leaveDanglingDeletes(): void {
    for (const kind of ['networkPolicy', 'addressGroup'] as const) {
      for (const op of this.ops.values()) {
        if (op.object !== undefined || op.key.kind !== kind || this.withheld.has(op.text)) continue;
        const holder = this.lastingReferrer(op.text);
        if (holder === undefined) continue;
        this.withheld.set(op.text, waitsFor(this.core, holder));
      }
    }
  }

  private lastingReferrer(text: KeyText): KeyText | undefined {
    for (const referrer of this.core.views.refs.referrers(text)) {
      const closing = this.closing.get(referrer);
      const op = closing ?? (this.withheld.has(referrer) ? undefined : this.ops.get(referrer));
      if (op === undefined || op.refs.includes(text)) return referrer;
    }
    return undefined;
  }
}
