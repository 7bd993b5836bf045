/** What the parts of a reconciler share. */
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import type { OpiError } from '../opi/objects/errors.js';
import { OBJECT_KINDS, parseKeyText, type KeyText } from '../opi/objects/key.js';
import type { Caller } from './caller.js';
import type { FailureBook, Obstacle } from './failures.js';
import type { Origins } from './origins.js';
import type { Trust } from './trust.js';
import type { FailureReason, ReconcilerLimits, WriteOp } from './types.js';
import type { Views } from './views.js';

/** Shared by the phases of a pass. */
export interface Core {
  readonly views: Views;
  readonly failures: FailureBook;
  readonly trust: Trust;
  readonly origins: Origins;
  readonly caller: Caller;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: ReconcilerLimits;
}

/**
 * Keys in the order in which they are written where references leave a choice: by kind, then what closes ports (a table
 * that fills up must hold that before anything else), then by id.
 */
export function inWriteOrder(views: Views, texts: Iterable<KeyText>): KeyText[] {
  const ranked = [...texts].map((text) => ({ text, rank: rankOf(views, text) }));
  ranked.sort((a, b) => a.rank - b.rank || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  return ranked.map(({ text }) => text);
}

/** Notes that the XPU refused a write. */
export function noteFailure(core: Core, text: KeyText, op: WriteOp, error: OpiError): void {
  const failure = core.failures.note(text, op, error);
  core.origins.touch(text);
  core.logger.warn(
    { key: text, op, code: error.code, attempts: failure.attempts, retryAt: failure.retryAt },
    error.message,
  );
}

/** Notes that a write is not tried for now. An earlier failure that is due again gives way to the obstacle. */
export function noteObstacle(core: Core, text: KeyText, obstacle: Obstacle): void {
  if (core.failures.attemptable(text)) core.failures.clear(text);
  core.failures.block(text, obstacle);
  core.origins.touch(text);
}

/** The obstacle that a missing (or unfinished) referent is for what refers to it. */
export function waitsFor(core: Core, referent: KeyText): Obstacle {
  const cause = core.failures.obstacleOf(referent);
  const reason = cause === undefined ? '' : `: ${cause.why.message}`;
  return {
    why: blockedBy(cause?.why, `waits for ${referent}${reason}`),
    closing: cause?.closing === true,
    lasting: cause?.lasting === true,
  };
}

/** The reason of what is not tried because of `cause`. */
export function blockedBy(cause: FailureReason | undefined, message: string): FailureReason {
  const root = cause?.code === 'BLOCKED' ? cause.root : cause?.code;
  return { code: 'BLOCKED', message, ...(root === undefined ? {} : { root }) };
}

/** Referents of closed forms first, then what has a closed form: an uplink without a binding is open. */
function rankOf(views: Views, text: KeyText): number {
  const closes = views.closingRefs.referrers(text).size > 0;
  const rest = views.wanted.get(text)?.entry.closed === undefined ? 2 : 1;
  return 3 * OBJECT_KINDS.indexOf(parseKeyText(text).kind) + (closes ? 0 : rest);
}
