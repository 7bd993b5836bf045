/** State of one object, from the views and the failures. */
import type { KeyText } from '../opi/objects/key.js';
import type { Core } from './core.js';
import type { ObjectStatus } from './types.js';

/** See `ObjectStatus`. */
export function objectStatus(core: Core, text: KeyText): ObjectStatus {
  const due = core.views.dueOf(text);
  if (due === undefined) {
    const held = core.views.acknowledged.get(text);
    if (held === undefined || !core.views.wanted.has(text)) return { state: 'absent' };
    return { state: 'ready', since: held.since };
  }
  const { op } = due;
  const failure = core.failures.failures.get(text);
  if (failure !== undefined) {
    const { since, attempts, code, message, retryAt } = failure;
    const why = { code, message };
    return {
      state: 'failed',
      op,
      since,
      attempts,
      why,
      ...(retryAt === undefined ? {} : { retryAt }),
    };
  }
  const obstacle = core.failures.obstacleOf(text);
  if (obstacle?.closing === true) {
    return { state: 'failed', op, since: due.since, attempts: 0, why: obstacle.why };
  }
  return { state: 'pending', op, since: due.since };
}
