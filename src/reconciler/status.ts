/** State of one object, from the views and the failures. */
import type { KeyText } from '../opi/objects/key.js';
import type { Core } from './core.js';
import type { Failure, Obstacle } from './failures.js';
import type { ObjectStatus, WriteOp } from './types.js';

/** See `ObjectStatus`. */
export function objectStatus(core: Core, text: KeyText): ObjectStatus {
  const due = core.views.dueOf(text);
  const obstacle = core.failures.obstacleOf(text);
  if (due === undefined) return statusWithoutWrite(core, text, obstacle);
  const failure = core.failures.failures.get(text);
  if (failure !== undefined) return { ...failedBy(failure), op: due.op };
  if (obstacle?.closing === true) return blocked(due.op, due.since, obstacle);
  return { state: 'pending', op: due.op, since: due.since };
}

function statusWithoutWrite(
  core: Core,
  text: KeyText,
  obstacle: Obstacle | undefined,
): ObjectStatus {
  const held = core.views.acknowledged.get(text);
  if (held === undefined || !core.views.wanted.has(text)) return { state: 'absent' };
  if (obstacle?.closing === true) return blocked('update', held.since, obstacle);
  return { state: 'ready', since: held.since };
}

function failedBy(failure: Failure): Extract<ObjectStatus, { state: 'failed' }> {
  const { op, since, attempts, code, message, retryAt } = failure;
  const retry = retryAt === undefined ? {} : { retryAt };
  return { state: 'failed', op, since, attempts, why: { code, message }, ...retry };
}

function blocked(op: WriteOp, since: number, { why }: Obstacle): ObjectStatus {
  return { state: 'failed', op, since, attempts: 0, why };
}
