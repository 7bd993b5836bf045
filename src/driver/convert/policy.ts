/** Policies, profiles, IP sets and tiers of the wire to the model's, in every Calico generation. */
import { IPSetUpdate_IPSetType as WireSetType } from '../../gen/felix/types.js';
import type {
  ActivePolicyUpdate,
  ActiveProfileUpdate,
  IPSetUpdate,
  PolicyID,
  TierInfo,
} from '../../gen/felix/types.js';
import type { Delta } from '../../model/delta.js';
import { ipSetId, isStaged, policyKey, profileName, type PolicyId } from '../../model/ids.js';
import type { IpSetType, Policy, PolicyRef, Profile, Tier } from '../../model/policy.js';
import { decodeTierEntry } from '../tier-entry.js';
import { toRule } from './rule.js';

/** A policy with its rules. Up to v3.31 the tier is in the identity, later in the policy. */
export function toPolicy(update: ActivePolicyUpdate): Policy {
  const id = toPolicyId(update.id);
  const wire = update.policy;
  return {
    id,
    key: policyKey(id),
    tier: id.tier === '' ? (wire?.tier ?? '') : id.tier,
    staged: isStaged(id),
    untracked: wire?.untracked ?? false,
    preDnat: wire?.pre_dnat ?? false,
    selector: wire?.original_selector ?? '',
    inbound: (wire?.inbound_rules ?? []).map(toRule),
    outbound: (wire?.outbound_rules ?? []).map(toRule),
  };
}

/** Identity of a policy, as its generation tells it. */
export function toPolicyId(wire: PolicyID | null | undefined): PolicyId {
  return {
    kind: wire?.kind ?? '',
    namespace: wire?.namespace ?? '',
    name: wire?.name ?? '',
    tier: wire?.tier ?? '',
  };
}

/** A profile with its rules; an absent body is a profile without rules. */
export function toProfile(update: ActiveProfileUpdate): Profile {
  return {
    name: profileName(update.id?.name ?? ''),
    inbound: (update.profile?.inbound_rules ?? []).map(toRule),
    outbound: (update.profile?.outbound_rules ?? []).map(toRule),
  };
}

/** A tier of an endpoint. Throws an `Error` for a broken policy reference. */
export function toTier(wire: TierInfo): Tier {
  return {
    name: wire.name,
    ingress: wire.ingress_policies.map((entry) => toPolicyRef(entry, wire.name)),
    egress: wire.egress_policies.map((entry) => toPolicyRef(entry, wire.name)),
    defaultAction: wire.default_action.toLowerCase() === 'pass' ? 'pass' : 'deny',
  };
}

/** A bare name belongs to the tier it is listed in: so it gets the key of that policy's own update. */
function toPolicyRef(entry: Uint8Array, tier: string): PolicyRef {
  const decoded = decodeTierEntry(entry);
  const id =
    'id' in decoded
      ? toPolicyId(decoded.id)
      : { kind: '', namespace: '', name: decoded.name, tier };
  return { id, key: policyKey(id), staged: isStaged(id) };
}

/**
 * A whole set. One of a type we do not know is taken away instead: then whatever refers to it fails closed, while an
 * empty set in its place would let negated matches pass.
 */
export function toIpSetDeltas(update: IPSetUpdate): readonly Delta[] {
  const id = ipSetId(update.id);
  const setType = toSetType(update.type);
  if (setType === undefined) {
    return [
      { type: 'ip-set-remove', id },
      { type: 'ignored', payload: `ipset_update of type ${update.type}` },
    ];
  }
  return [{ type: 'ip-set', id, setType, members: update.members }];
}

function toSetType(type: number): IpSetType | undefined {
  switch (type) {
    case WireSetType.IP:
    case WireSetType.NET:
      return 'net';
    case WireSetType.IP_AND_PORT:
      return 'ip-port';
    default:
      return undefined;
  }
}
