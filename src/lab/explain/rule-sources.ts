/** Which policy or profile of Calico's an object of the XPU is. */
import type { DesiredState } from '../../desired/state.js';
import type { ObjectNames } from '../../translators/names.js';
import { sourceKey } from '../../translators/policy/lowering.js';

/** A policy or profile, as people name it. */
export type RuleSourceName =
  | {
      readonly policy: {
        /** Empty for a Calico before v3.32, which does not tell it. */
        readonly kind: string;
        readonly namespace: string;
        readonly name: string;
      };
    }
  | { readonly profile: string }
  /** Felix named it and never sent it. */
  | { readonly missing: true };

/** Finds names by object id. */
export class RuleSources {
  private readonly byId = new Map<string, RuleSourceName>();

  constructor(state: DesiredState, names: ObjectNames) {
    for (const { id, key } of state.policies.values()) {
      const { kind, namespace, name } = id;
      const object = names.policy(sourceKey({ kind: 'policy', name: key }));
      this.byId.set(object.id, { policy: { kind, namespace, name } });
    }
    for (const { name } of state.profiles.values()) {
      const object = names.policy(sourceKey({ kind: 'profile', name }));
      this.byId.set(object.id, { profile: name });
    }
    this.byId.set(names.denyAllPolicy.id, { missing: true });
  }

  /** Name of a NetworkPolicy object; one that nobody knows counts as missing, as its rules deny. */
  nameOf(policyId: string): RuleSourceName {
    return this.byId.get(policyId) ?? { missing: true };
  }
}
