/** The SecurityPolicy lists that Vpcs and Subnets hand down to their vNICs. */
import type { PolicyListsSpec } from '../objects/specs.js';
import { refKeys, type NameOf } from './names.js';

/** The lists by name of the spec's field: names of policies. */
export type WireLists = { readonly [L in keyof PolicyListsSpec]: readonly string[] };

const LISTS = ['ingressV4', 'ingressV6', 'egressV4', 'egressV6'] as const;

/** Names of the policies of each list. */
export function encodeLists(lists: PolicyListsSpec | undefined, nameOf: NameOf): WireLists {
  const names = (list: keyof PolicyListsSpec): string[] => (lists?.[list] ?? []).map(nameOf);
  return {
    ingressV4: names('ingressV4'),
    ingressV6: names('ingressV6'),
    egressV4: names('egressV4'),
    egressV6: names('egressV6'),
  };
}

/** The lists as a member of a spec, left out if no list is filled. Throws WireError for a name without an id. */
export function decodeLists(wire: WireLists): { policies?: PolicyListsSpec } {
  if (LISTS.every((list) => wire[list].length === 0)) return {};
  const refs = (list: keyof PolicyListsSpec): PolicyListsSpec[typeof list] =>
    refKeys('securityPolicy', wire[list], `spec.${FIELDS[list]}_security_policy_name_ref`);
  return {
    policies: {
      ingressV4: refs('ingressV4'),
      ingressV6: refs('ingressV6'),
      egressV4: refs('egressV4'),
      egressV6: refs('egressV6'),
    },
  };
}

const FIELDS = {
  ingressV4: 'ingress_v4',
  ingressV6: 'ingress_v6',
  egressV4: 'egress_v4',
  egressV6: 'egress_v6',
} as const;
