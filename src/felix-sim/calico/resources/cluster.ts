/** Nodes, IP pools and Felix's configuration, as far as the stream tells of them. */
import type { Field } from '../yaml/field.js';
import { readMetadata } from './metadata.js';
import type { FelixConfigurationResource, NodeResource, PoolResource } from './resource.js';
import { readSettings } from './settings.js';

/** Calico's Node. */
export function readNode(resource: Field): NodeResource {
  const { name, labels } = readMetadata(resource, false);
  const bgp = resource.at('spec').at('bgp');
  const asNumber = bgp.at('asNumber').orAbsent?.value;
  return {
    is: 'node',
    kind: 'Node',
    namespace: '',
    name,
    ipv4: addressText(bgp.at('ipv4Address')),
    ipv6: addressText(bgp.at('ipv6Address')),
    asNumber: typeof asNumber === 'number' ? String(asNumber) : '',
    labels,
  };
}

/** An address with the length of its network, host bits kept; checked, and empty where none is given. */
export function addressText(field: Field): string {
  if (!field.given || field.value === '') return '';
  const { family, length } = field.cidr();
  const text = field.text();
  return text.includes('/') ? text : `${text}/${family === 4 ? length : 128}`;
}

/** An IPPool. */
export function readPool(resource: Field): PoolResource {
  const { name } = readMetadata(resource, false);
  const spec = resource.at('spec');
  const cidr = spec.at('cidr').cidr();
  return {
    is: 'pool',
    kind: 'IPPool',
    namespace: '',
    name,
    cidr,
    natOutgoing: spec.at('natOutgoing').orAbsent?.boolean() ?? false,
    ipipMode: encapsulation(spec.at('ipipMode')),
    vxlanMode: encapsulation(spec.at('vxlanMode')),
    allowedUses: spec.at('allowedUses').given
      ? spec
          .at('allowedUses')
          .items()
          .map((use) => use.oneOf('Workload', 'Tunnel', 'LoadBalancer'))
      : ['Workload', 'Tunnel'],
  };
}

/** A FelixConfiguration. */
export function readFelixConfiguration(resource: Field): FelixConfigurationResource {
  const { name } = readMetadata(resource, false);
  return {
    is: 'felix-configuration',
    kind: 'FelixConfiguration',
    namespace: '',
    name,
    settings: readSettings(resource.at('spec')),
  };
}

const MODES = { Always: 'always', CrossSubnet: 'cross-subnet', Never: '' } as const;

function encapsulation(field: Field): string {
  return MODES[field.orAbsent?.oneOf('Always', 'CrossSubnet', 'Never') ?? 'Never'];
}
