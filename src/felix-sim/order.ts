/**
 * The order that Felix guarantees, as assertions (felix-protocol: one flush; the same that Felix's own mock data plane makes):
 * a scenario that breaks it tests a driver with something that cannot happen, and is refused.
 */
import type { Rule, TierInfo, ToDataplane } from '../gen/felix/types.js';
import { decodeTierEntry } from '../driver/tier-entry.js';
import { SimError } from './errors.js';
import { policyIdKey, subjectOf, type Subject, type SubjectKind } from './payload.js';
import { SessionState } from './session-state.js';

/** Checks one session, message by message. Throws `SimError` with code `scenario`. */
export class OrderCheck {
  private readonly state = new SessionState();
  private readonly refsByOwner = new Map<string, readonly string[]>();
  private readonly refCounts = new Map<string, number>();
  private count = 0;

  /** Accepts the next message or throws, naming its number and the object. */
  next(message: ToDataplane): void {
    const number = this.count++;
    const problem = this.problemOf(message, number);
    if (problem !== undefined) {
      throw new SimError({
        code: 'scenario',
        op: 'check order',
        message: `message ${number} (${message.payload ?? 'unknown'}): ${problem}`,
      });
    }
    this.state.apply(message);
    this.track(message);
  }

  private problemOf(message: ToDataplane, number: number): string | undefined {
    if (number === 0 && message.payload !== 'config_update')
      return 'a session begins with ConfigUpdate';
    if (message.payload === 'in_sync') return this.state.inSync ? 'a second InSync' : undefined;
    if (message.payload === 'ipset_delta_update')
      return this.deltaProblem(message.ipset_delta_update);
    if (message.payload === 'ipset_update') {
      const { id, members } = message.ipset_update;
      if (new Set(members).size !== members.length) return `set ${id} repeats a member`;
    }
    const subject = subjectOf(message);
    if (subject?.removes === true) return this.removalProblem(subject);
    return this.missingReference(message);
  }

  private deltaProblem(delta: {
    readonly id: string;
    readonly added_members: readonly string[];
    readonly removed_members: readonly string[];
  }): string | undefined {
    const members = this.state.membersOf(delta.id);
    if (members === undefined) return `delta for the unknown set ${delta.id}`;
    const present = delta.added_members.find((member) => members.has(member));
    if (present !== undefined) return `set ${delta.id}: adds ${present}, which is there`;
    const absent = delta.removed_members.find((member) => !members.has(member));
    if (absent !== undefined) return `set ${delta.id}: removes ${absent}, which is not there`;
    return undefined;
  }

  private removalProblem({ kind, key }: Subject): string | undefined {
    if (!REFERRED.includes(kind)) return undefined;
    if (!this.state.has(kind, key)) return `removes the unknown ${kind} ${key}`;
    if ((this.refCounts.get(`${kind} ${key}`) ?? 0) > 0)
      return `removes ${kind} ${key}, still in use`;
    return undefined;
  }

  private missingReference(message: ToDataplane): string | undefined {
    const missing = referencesOf(message).find(({ kind, key }) => !this.state.has(kind, key));
    return missing === undefined ? undefined : `names the unknown ${missing.kind} ${missing.key}`;
  }

  /** Counts who refers to what, so that a removal need not search. */
  private track(message: ToDataplane): void {
    const subject = subjectOf(message);
    if (subject === undefined) return;
    const owner = `${subject.kind} ${subject.key}`;
    for (const ref of this.refsByOwner.get(owner) ?? []) this.addCount(ref, -1);
    this.refsByOwner.delete(owner);
    if (subject.removes) return;
    const refs = [...new Set(referencesOf(message).map(({ kind, key }) => `${kind} ${key}`))];
    for (const ref of refs) this.addCount(ref, 1);
    if (refs.length > 0) this.refsByOwner.set(owner, refs);
  }

  private addCount(ref: string, change: number): void {
    this.refCounts.set(ref, (this.refCounts.get(ref) ?? 0) + change);
  }
}

interface Reference {
  readonly kind: SubjectKind;
  readonly key: string;
}

/** Kinds that others refer to: their removals are checked. */
const REFERRED: readonly SubjectKind[] = ['ipset', 'policy', 'profile'];

function referencesOf(message: ToDataplane): Reference[] {
  switch (message.payload) {
    case 'active_policy_update': {
      const { policy } = message.active_policy_update;
      return setRefs([...(policy?.inbound_rules ?? []), ...(policy?.outbound_rules ?? [])]);
    }
    case 'active_profile_update': {
      const { profile } = message.active_profile_update;
      return setRefs([...(profile?.inbound_rules ?? []), ...(profile?.outbound_rules ?? [])]);
    }
    case 'workload_endpoint_update': {
      const { endpoint } = message.workload_endpoint_update;
      return [...profileRefs(endpoint?.profile_ids ?? []), ...policyRefs(endpoint?.tiers ?? [])];
    }
    case 'host_endpoint_update': {
      const { endpoint } = message.host_endpoint_update;
      const tiers = [
        endpoint?.tiers,
        endpoint?.untracked_tiers,
        endpoint?.pre_dnat_tiers,
        endpoint?.forward_tiers,
      ].flatMap((list) => list ?? []);
      return [...profileRefs(endpoint?.profile_ids ?? []), ...policyRefs(tiers)];
    }
    default:
      return [];
  }
}

function setRefs(rules: readonly Rule[]): Reference[] {
  const ids = rules.flatMap((rule) => [
    ...rule.src_ip_set_ids,
    ...rule.dst_ip_set_ids,
    ...rule.dst_ip_port_set_ids,
    ...rule.src_named_port_ip_set_ids,
    ...rule.dst_named_port_ip_set_ids,
    ...rule.not_src_ip_set_ids,
    ...rule.not_dst_ip_set_ids,
    ...rule.not_src_named_port_ip_set_ids,
    ...rule.not_dst_named_port_ip_set_ids,
  ]);
  return ids.map((key) => ({ kind: 'ipset', key }));
}

function profileRefs(names: readonly string[]): Reference[] {
  return names.map((key) => ({ kind: 'profile', key }));
}

function policyRefs(tiers: readonly TierInfo[]): Reference[] {
  return tiers.flatMap((tier) =>
    [...tier.ingress_policies, ...tier.egress_policies].map((entry) => ({
      kind: 'policy' as const,
      key: tierPolicyKey(entry, tier.name),
    })),
  );
}

function tierPolicyKey(entry: Uint8Array, tier: string): string {
  const decoded = decodeTierEntry(entry);
  if ('id' in decoded) return policyIdKey(decoded.id);
  return policyIdKey({ tier, name: decoded.name, namespace: '', kind: '' });
}
