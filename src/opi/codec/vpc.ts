/** Vpc and Subnet of network/cloud. */
import { formatCidr, formatIp, ipToBytes } from '../../base/ip.js';
import type { Draft } from './draft.js';
import type { cloud, opinetcommon } from '../../gen/opi/types.js';
import type { SubnetSpec, VpcSpec } from '../objects/specs.js';
import {
  addressOf,
  cidrAt,
  cidrOf,
  decodeMac,
  decodeV4,
  decodeV6,
  encodeMac,
  isSet,
  type Maybe,
} from './address.js';
import { malformed, unexpressed } from './errors.js';
import { optionalRefKey, refKey, type NameOf } from './names.js';
import { decodeLists, encodeLists } from './policy-lists.js';

/** Message of a Vpc, always of type TENANT. */
export function encodeVpc(spec: VpcSpec, nameOf: NameOf): Draft<cloud.VpcSpec> {
  const lists = encodeLists(spec.policies, nameOf);
  return {
    ingress_v4_security_policy_name_ref: lists.ingressV4,
    ingress_v6_security_policy_name_ref: lists.ingressV6,
    egress_v4_security_policy_name_ref: lists.egressV4,
    egress_v6_security_policy_name_ref: lists.egressV6,
    type: 'VPC_TYPE_TENANT',
    v4_route_table_name_ref: spec.v4RouteTable && nameOf(spec.v4RouteTable),
    v6_route_table_name_ref: spec.v6RouteTable && nameOf(spec.v6RouteTable),
    fabric_encap: spec.vni === undefined ? undefined : encodeVni(spec.vni),
  };
}

/** Spec of a Vpc. */
export function decodeVpc(spec: cloud.VpcSpec): VpcSpec {
  if (spec.type === 'VPC_TYPE_UNDERLAY' || spec.type === 'VPC_TYPE_CONTROL') {
    throw unexpressed('spec.type', spec.type);
  }
  const vni = decodeVni(spec.fabric_encap, 'spec.fabric_encap');
  const v4RouteTable = optionalRefKey(
    'routeTable',
    spec.v4_route_table_name_ref,
    'spec.v4_route_table_name_ref',
  );
  const v6RouteTable = optionalRefKey(
    'routeTable',
    spec.v6_route_table_name_ref,
    'spec.v6_route_table_name_ref',
  );
  return {
    ...(vni === undefined ? {} : { vni }),
    ...(v4RouteTable === undefined ? {} : { v4RouteTable }),
    ...(v6RouteTable === undefined ? {} : { v6RouteTable }),
    ...decodeLists({
      ingressV4: spec.ingress_v4_security_policy_name_ref,
      ingressV6: spec.ingress_v6_security_policy_name_ref,
      egressV4: spec.egress_v4_security_policy_name_ref,
      egressV6: spec.egress_v6_security_policy_name_ref,
    }),
  };
}

/** VXLAN encapsulation of an id. */
export function encodeVni(vni: number): Draft<opinetcommon.Encap> {
  return { type: 'ENCAP_TYPE_VXLAN', value: { vnid: vni } };
}

/** VXLAN id of an encapsulation, 1..16777215; undefined for none. Other encapsulations have no spec. */
export function decodeVni(encap: Maybe<opinetcommon.Encap>, field: string): number | undefined {
  if (encap === null || encap === undefined) return undefined;
  if (encap.type === 'ENCAP_TYPE_UNSPECIFIED' && encap.value?.val === undefined) return undefined;
  if (encap.type !== 'ENCAP_TYPE_VXLAN') throw unexpressed(`${field}.type`, encap.type);
  const vni = encap.value?.val === 'vnid' ? encap.value.vnid : undefined;
  if (vni === undefined || vni < 1 || vni > 0xff_ffff) {
    throw malformed(`${field}.value.vnid`, `${vni ?? 'unset'} is no VXLAN id`);
  }
  return vni;
}

/** Message of a Subnet. Here IPv4 is a bare number and IPv6 bare bytes. */
export function encodeSubnet(spec: SubnetSpec, nameOf: NameOf): Draft<cloud.SubnetSpec> {
  const lists = encodeLists(spec.policies, nameOf);
  return {
    ingess_v4_security_policy_name_ref: lists.ingressV4,
    ingress_v6_security_policy_name_ref: lists.ingressV6,
    egress_v4_security_policy_name_ref: lists.egressV4,
    egress_v6_security_policy_name_ref: lists.egressV6,
    vpc_name_ref: nameOf(spec.vpc),
    v4_prefix: spec.v4Prefix === undefined ? undefined : encodeV4Prefix(spec.v4Prefix),
    v6_prefix: spec.v6Prefix === undefined ? undefined : encodeV6Prefix(spec.v6Prefix),
    ipv4_virtual_router_ip: spec.v4RouterIp === undefined ? undefined : routerV4(spec.v4RouterIp),
    ipv6_virtual_router_ip: spec.v6RouterIp === undefined ? undefined : routerV6(spec.v6RouterIp),
    virtual_router_mac: encodeMac(spec.routerMac, 'spec.virtual_router_mac'),
  };
}

function encodeV4Prefix(text: string): Draft<opinetcommon.IPv4Prefix> {
  const cidr = cidrOf(text, 'spec.v4_prefix');
  if (cidr.family !== 4) throw malformed('spec.v4_prefix', `${text} is not IPv4`);
  return { addr: Number(cidr.value), len: cidr.length };
}

function encodeV6Prefix(text: string): Draft<opinetcommon.IPv6Prefix> {
  const cidr = cidrOf(text, 'spec.v6_prefix');
  if (cidr.family !== 6) throw malformed('spec.v6_prefix', `${text} is not IPv6`);
  return { addr: ipToBytes(cidr), len: cidr.length };
}

function routerV4(text: string): number {
  const ip = addressOf(text, 'spec.ipv4_virtual_router_ip');
  if (ip.family !== 4) throw malformed('spec.ipv4_virtual_router_ip', `${text} is not IPv4`);
  return Number(ip.value);
}

function routerV6(text: string): Uint8Array {
  const ip = addressOf(text, 'spec.ipv6_virtual_router_ip');
  if (ip.family !== 6) throw malformed('spec.ipv6_virtual_router_ip', `${text} is not IPv6`);
  return ipToBytes(ip);
}

/** Spec of a Subnet. Zero and empty router addresses are none. */
export function decodeSubnet(spec: cloud.SubnetSpec): SubnetSpec {
  for (const field of DEFAULT_GROUPS) {
    if (spec[field] !== '') throw unexpressed(`spec.${field}`, spec[field]);
  }
  const routerMac = decodeMac(spec.virtual_router_mac, 'spec.virtual_router_mac');
  return {
    vpc: refKey('vpc', spec.vpc_name_ref, 'spec.vpc_name_ref'),
    ...decodeV4Side(spec),
    ...decodeV6Side(spec),
    ...(routerMac === undefined ? {} : { routerMac }),
    ...decodeLists({
      ingressV4: spec.ingess_v4_security_policy_name_ref,
      ingressV6: spec.ingress_v6_security_policy_name_ref,
      egressV4: spec.egress_v4_security_policy_name_ref,
      egressV6: spec.egress_v6_security_policy_name_ref,
    }),
  };
}

/** Policies that OPI asks before the lists. */
const DEFAULT_GROUPS = [
  'ingress_default_sg_policy_name_ref',
  'egress_default_sg_policy_name_ref',
] as const;

function decodeV4Side(spec: cloud.SubnetSpec): Pick<SubnetSpec, 'v4Prefix' | 'v4RouterIp'> {
  const prefix = spec.v4_prefix;
  const router = spec.ipv4_virtual_router_ip;
  return {
    ...(!isSet(prefix)
      ? {}
      : { v4Prefix: formatCidr(cidrAt(decodeV4(prefix.addr), prefix.len, 'spec.v4_prefix.len')) }),
    ...(router === 0 ? {} : { v4RouterIp: formatIp(decodeV4(router)) }),
  };
}

function decodeV6Side(spec: cloud.SubnetSpec): Pick<SubnetSpec, 'v6Prefix' | 'v6RouterIp'> {
  const prefix = spec.v6_prefix;
  const router = spec.ipv6_virtual_router_ip;
  return {
    ...(!isSet(prefix) ? {} : { v6Prefix: decodeV6Prefix(prefix) }),
    ...(router.length === 0
      ? {}
      : { v6RouterIp: formatIp(decodeV6(router, 'spec.ipv6_virtual_router_ip')) }),
  };
}

function decodeV6Prefix(prefix: opinetcommon.IPv6Prefix): string {
  const ip = decodeV6(prefix.addr, 'spec.v6_prefix.addr');
  return formatCidr(cidrAt(ip, prefix.len, 'spec.v6_prefix.len'));
}
