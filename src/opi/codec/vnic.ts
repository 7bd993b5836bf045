/** Vnic and Mapping of network/cloud. */
import type { Draft } from './draft.js';
import type { cloud } from '../../gen/opi/types.js';
import type { MappingSpec, SecurityPolicyRef, VnicSpec } from '../objects/specs.js';
import { decodeIp, decodeMac, encodeIp, encodeMac } from './address.js';
import { malformed, unexpressed } from './errors.js';
import { refKey, refKeys, type NameOf } from './names.js';

/** Message of a Vnic. */
export function encodeVnic(spec: VnicSpec, nameOf: NameOf): Draft<cloud.VnicSpec> {
  return {
    subnet_name_ref: nameOf(spec.subnet),
    host_if_name_ref: nameOf(spec.hostInterface),
    mac_address: encodeMac(spec.mac, 'spec.mac_address'),
    source_guard_enable: spec.sourceGuard,
    ingress_v4_security_policy_name_ref: spec.ingressV4.map(nameOf),
    ingress_v6_security_policy_name_ref: spec.ingressV6.map(nameOf),
    egress_v4_security_policy_name_ref: spec.egressV4.map(nameOf),
    egress_v6_security_policy_name_ref: spec.egressV6.map(nameOf),
  };
}

/** Spec of a Vnic. */
export function decodeVnic(spec: cloud.VnicSpec): VnicSpec {
  if (spec.ifinfo === 'tunnel_name_ref') throw unexpressed('spec.tunnel_name_ref', 'set');
  if (spec.ifinfo === undefined) throw malformed('spec.host_if_name_ref', 'missing');
  const mac = decodeMac(spec.mac_address, 'spec.mac_address');
  return {
    subnet: refKey('subnet', spec.subnet_name_ref, 'spec.subnet_name_ref'),
    hostInterface: refKey('interface', spec.host_if_name_ref, 'spec.host_if_name_ref'),
    ...(mac === undefined ? {} : { mac }),
    sourceGuard: spec.source_guard_enable,
    ingressV4: policies(spec.ingress_v4_security_policy_name_ref, 'ingress_v4'),
    ingressV6: policies(spec.ingress_v6_security_policy_name_ref, 'ingress_v6'),
    egressV4: policies(spec.egress_v4_security_policy_name_ref, 'egress_v4'),
    egressV6: policies(spec.egress_v6_security_policy_name_ref, 'egress_v6'),
  };
}

function policies(names: readonly string[], list: string): SecurityPolicyRef[] {
  return refKeys('securityPolicy', names, `spec.${list}_security_policy_name_ref`);
}

/** Message of a Mapping. */
export function encodeMapping(spec: MappingSpec, nameOf: NameOf): Draft<cloud.MappingSpec> {
  const name = nameOf(spec.destination);
  return {
    ip_key: {
      vpc_name_ref: nameOf(spec.vpc),
      ip_address: encodeIp(spec.ip, 'spec.ip_key.ip_address'),
    },
    subnet_name_ref: nameOf(spec.subnet),
    ...(spec.destination.kind === 'vnic' ? { vnic_name_ref: name } : { tunnel_name_ref: name }),
    mac_addr: encodeMac(spec.mac, 'spec.mac_addr'),
    type: 'MAPPING_TYPE_VPC',
  };
}

/** Spec of a Mapping of an address. */
export function decodeMapping(spec: cloud.MappingSpec): MappingSpec {
  if (spec.mac_or_ip === 'mac_key') throw unexpressed('spec.mac_key', 'set');
  if (spec.mac_or_ip === undefined) throw malformed('spec.ip_key', 'missing');
  if (spec.type === 'MAPPING_TYPE_SERVICE' || spec.type === 'MAPPING_TYPE_LB_VIP') {
    throw unexpressed('spec.type', spec.type);
  }
  const mac = decodeMac(spec.mac_addr, 'spec.mac_addr');
  return {
    vpc: refKey('vpc', spec.ip_key.vpc_name_ref, 'spec.ip_key.vpc_name_ref'),
    ip: decodeIp(spec.ip_key.ip_address, 'spec.ip_key.ip_address'),
    subnet: refKey('subnet', spec.subnet_name_ref, 'spec.subnet_name_ref'),
    destination: decodeDestination(spec),
    ...(mac === undefined ? {} : { mac }),
  };
}

function decodeDestination(spec: cloud.MappingSpec): MappingSpec['destination'] {
  switch (spec.dstinfo) {
    case 'vnic_name_ref':
      return refKey('vnic', spec.vnic_name_ref, 'spec.vnic_name_ref');
    case 'tunnel_name_ref':
      return refKey('tunnel', spec.tunnel_name_ref, 'spec.tunnel_name_ref');
    case 'nh_group_name_ref':
      throw unexpressed('spec.nh_group_name_ref', 'set');
    case undefined:
      throw malformed('spec', 'a mapping without a destination');
  }
}
