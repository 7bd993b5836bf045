/** One line about a message, for people. */
import type { PolicyID, TierInfo, ToDataplane } from '../gen/felix/types.js';
import { decodeTierEntry } from '../driver/message.js';
import { subjectOf } from './payload.js';

/** What the message speaks of, and as much of what it says as fits a line. */
export function summaryOf(message: ToDataplane): string {
  const payload = message.payload ?? 'unknown';
  const detail = detailOf(message);
  return detail === '' ? payload : `${payload} ${detail}`;
}

function detailOf(message: ToDataplane): string {
  switch (message.payload) {
    case 'ipset_update': {
      const { id, members } = message.ipset_update;
      return `${id}: ${members.join(' ') || 'empty'}`;
    }
    case 'ipset_delta_update': {
      const { id, added_members: added, removed_members: removed } = message.ipset_delta_update;
      const changes = [...added.map((text) => `+${text}`), ...removed.map((text) => `-${text}`)];
      return `${id}: ${changes.join(' ')}`;
    }
    case 'active_policy_update': {
      const { id, policy } = message.active_policy_update;
      const counts = `${policy?.inbound_rules.length ?? 0} in, ${policy?.outbound_rules.length ?? 0} out`;
      return `${policyName(id)}: ${counts}, selects ${policy?.original_selector ?? ''}`;
    }
    case 'active_policy_remove':
      return policyName(message.active_policy_remove.id);
    case 'workload_endpoint_update': {
      const { id, endpoint } = message.workload_endpoint_update;
      return `${id?.workload_id ?? ''} ${endpoint?.name ?? ''}: ${tiersText(endpoint?.tiers ?? [])}`;
    }
    case 'workload_endpoint_remove':
      return message.workload_endpoint_remove.id?.workload_id ?? '';
    case 'host_endpoint_update': {
      const { id, endpoint } = message.host_endpoint_update;
      return `${id?.endpoint_id ?? ''} ${endpoint?.name ?? ''}: ${tiersText(endpoint?.tiers ?? [])}`;
    }
    default:
      return subjectOf(message)?.key ?? '';
  }
}

function policyName(id: PolicyID | null | undefined): string {
  return [id?.kind, id?.namespace, id?.name].filter((part) => part).join('/');
}

function tiersText(tiers: readonly TierInfo[]): string {
  const texts = tiers.map(
    ({ name, ingress_policies: ingress, egress_policies: egress }) =>
      `${name} in [${entriesText(ingress)}] out [${entriesText(egress)}]`,
  );
  return texts.join(', ') || 'no policy';
}

function entriesText(entries: readonly Uint8Array[]): string {
  return entries
    .map((entry) => {
      const decoded = decodeTierEntry(entry);
      return 'id' in decoded ? policyName(decoded.id) : decoded.name;
    })
    .join(' ');
}
