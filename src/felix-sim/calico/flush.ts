/** What Felix sends to bring a driver from one view to the next. */
import { encodeToDataplane } from '../../driver/message.js';
import type { Draft, ToDataplane } from '../../gen/felix/types.js';
import { subjectOf } from '../payload.js';
import type { SetView, View } from './calc/view.js';
import { inFlushOrder } from './flush-order.js';
import { given } from './given.js';
import { toMessage } from './message.js';

/** Messages from `before` to `after`, in Felix's order; the whole of `after` where nothing was before. */
export function flush(before: View | undefined, after: View): ToDataplane[] {
  return inFlushOrder([
    ...setMessages(before?.sets ?? new Map(), after.sets),
    ...objectMessages(before?.updates ?? [], after.updates),
  ]);
}

function setMessages(
  before: ReadonlyMap<string, SetView>,
  after: ReadonlyMap<string, SetView>,
): ToDataplane[] {
  const messages: Draft<ToDataplane>[] = [];
  for (const [id, { type, members }] of after) {
    const known = before.get(id);
    if (known === undefined) {
      messages.push({ ipset_update: { id, type, members: [...members] } });
      continue;
    }
    const added = [...members].filter((member) => !known.members.has(member));
    const removed = [...known.members].filter((member) => !members.has(member));
    if (added.length + removed.length === 0) continue;
    messages.push({
      ipset_delta_update: given({ id, added_members: added, removed_members: removed }),
    });
  }
  for (const id of before.keys()) if (!after.has(id)) messages.push({ ipset_remove: { id } });
  return messages.map(toMessage);
}

/** Objects are compared by the bytes that a driver would get. */
function objectMessages(
  before: readonly ToDataplane[],
  after: readonly ToDataplane[],
): ToDataplane[] {
  const known = new Map(before.map((message) => [keyOf(message), message]));
  const changed = after.filter((message) => {
    const previous = known.get(keyOf(message));
    known.delete(keyOf(message));
    return previous === undefined || !sameBytes(previous, message);
  });
  return [...changed, ...[...known.values()].flatMap(removalOf)];
}

function keyOf(message: ToDataplane): string {
  const subject = subjectOf(message);
  return `${subject?.kind ?? ''} ${subject?.key ?? ''}`;
}

function sameBytes(a: ToDataplane, b: ToDataplane): boolean {
  return a === b || Buffer.compare(encodeToDataplane(a), encodeToDataplane(b)) === 0;
}

/** The message that takes an update back. What a cluster always has needs none. */
function removalOf(update: ToDataplane): ToDataplane[] {
  const removal = removalDraft(update);
  return removal === undefined ? [] : [toMessage(removal)];
}

function removalDraft(update: ToDataplane): Draft<ToDataplane> | undefined {
  switch (update.payload) {
    case 'active_policy_update':
      return { active_policy_remove: { id: update.active_policy_update.id } };
    case 'active_profile_update':
      return { active_profile_remove: { id: update.active_profile_update.id } };
    case 'workload_endpoint_update':
      return { workload_endpoint_remove: { id: update.workload_endpoint_update.id } };
    case 'host_endpoint_update':
      return { host_endpoint_remove: { id: update.host_endpoint_update.id } };
    case 'service_account_update':
      return { service_account_remove: { id: update.service_account_update.id } };
    case 'namespace_update':
      return { namespace_remove: { id: update.namespace_update.id } };
    case 'host_metadata_update':
      return { host_metadata_remove: { hostname: update.host_metadata_update.hostname } };
    case 'ipam_pool_update':
      return { ipam_pool_remove: { id: update.ipam_pool_update.id } };
    case 'service_update': {
      const { name, namespace } = update.service_update;
      return { service_remove: { name, namespace } };
    }
    default:
      return undefined;
  }
}
