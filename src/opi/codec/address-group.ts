/** AddressGroup of network/k8s. */
import type { Draft } from './draft.js';
import type { k8s } from '../../gen/opi/types.js';
import type { AddressGroupSpec } from '../objects/specs.js';
import { malformed } from './errors.js';

/** Message of an AddressGroup. Its members travel apart: see `members.ts`. */
export function encodeAddressGroup(spec: AddressGroupSpec): Draft<k8s.AddressGroupSpec> {
  return { member_type: `ADDRESS_GROUP_MEMBER_TYPE_${spec.memberType}` };
}

/** Spec of an AddressGroup. */
export function decodeAddressGroup(spec: k8s.AddressGroupSpec): AddressGroupSpec {
  if (spec.member_type === 'ADDRESS_GROUP_MEMBER_TYPE_PREFIX') return { memberType: 'PREFIX' };
  if (spec.member_type === 'ADDRESS_GROUP_MEMBER_TYPE_IP_PORT') return { memberType: 'IP_PORT' };
  throw malformed('spec.member_type', `${spec.member_type} is no type`);
}
