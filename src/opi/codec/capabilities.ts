/** Capabilities of both levels: K8sCapabilities of the extension, DeviceCapabilities of network/cloud. */
import type { cloud, k8s } from '../../gen/opi/types.js';
import type { Draft } from './draft.js';
import type { TargetCapabilities } from '../objects/target.js';
import { isSet } from './address.js';
import { malformed } from './errors.js';

/** The name of the only K8sCapabilities. */
export const K8S_CAPABILITIES_NAME = 'k8sCapabilities';

/** What K8sCapabilities tell. */
export type NativeCapabilities = Required<
  Pick<TargetCapabilities, 'bootId' | 'limits' | 'features'>
> & {
  /** Largest ApplyBatch request, bytes; absent = not told. */
  readonly batchBytesMax?: number;
};

type LimitName = keyof TargetCapabilities['limits'];

const LIMIT_FIELDS = {
  addressGroup: 'address_group_count',
  groupMembers: 'group_member_count',
  networkPolicy: 'network_policy_count',
  rulesPerPolicy: 'policy_rule_count',
  policyBinding: 'policy_binding_count',
  vnic: 'vnic_count',
  mapping: 'mapping_count',
  route: 'route_count',
} as const satisfies Partial<Record<LimitName, keyof k8s.K8sLimits>>;

const FEATURE_PREFIX = 'K8S_FEATURE_';

/** Message of a data plane's capabilities. Limits of other tables and features without a number are left out. */
export function encodeCapabilities(told: NativeCapabilities): Draft<k8s.K8sCapabilities> {
  const limits: Record<string, string> = {};
  for (const [name, field] of Object.entries(LIMIT_FIELDS)) {
    limits[field] = String(told.limits[name as keyof typeof LIMIT_FIELDS] ?? 0);
  }
  if (told.batchBytesMax !== undefined) limits['batch_byte_count'] = String(told.batchBytesMax);
  return {
    name: K8S_CAPABILITIES_NAME,
    status: {
      datapath_boot_id: told.bootId,
      features: told.features.map(encodeFeature),
      limits,
    },
  };
}

function encodeFeature(feature: string): k8s.K8sFeature {
  return `${FEATURE_PREFIX}${feature.toUpperCase()}` as k8s.K8sFeature;
}

/** Capabilities of a message; throws if the boot id is missing. Unknown features are left out. */
export function decodeCapabilities(message: k8s.K8sCapabilities): NativeCapabilities {
  const status = message.status;
  if (!isSet(status) || status.datapath_boot_id === '') {
    throw malformed('status.datapath_boot_id', 'missing');
  }
  const limits: Partial<Record<LimitName, number>> = {};
  for (const [name, field] of Object.entries(LIMIT_FIELDS)) {
    const told = Number(status.limits?.[field] ?? 0);
    if (told > 0) limits[name as LimitName] = told;
  }
  const batchBytesMax = Number(status.limits?.batch_byte_count ?? 0);
  return {
    bootId: status.datapath_boot_id,
    limits,
    features: status.features.map(decodeFeature).filter((feature) => feature !== ''),
    ...(batchBytesMax > 0 ? { batchBytesMax } : {}),
  };
}

function decodeFeature(feature: k8s.K8sFeature): string {
  // An enum value of a newer server is a number here.
  const name = `${feature as string | number}`;
  if (name === 'K8S_FEATURE_UNSPECIFIED' || !name.startsWith(FEATURE_PREFIX)) return '';
  return name.slice(FEATURE_PREFIX.length).toLowerCase();
}

/** Message of a device's capabilities. */
export function encodeDeviceCapabilities(told: {
  readonly compactRules: boolean;
}): Draft<cloud.DeviceCapabilities> {
  return { network_policy_capabilities: { compact_rules: told.compactRules } };
}

/** True if SecurityPolicies may be COMPACT. */
export function decodeDeviceCapabilities(message: cloud.DeviceCapabilities): boolean {
  return message.network_policy_capabilities?.compact_rules ?? false;
}
