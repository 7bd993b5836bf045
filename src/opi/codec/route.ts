/** RouteTable, Route, NextHop and Tunnel of network/cloud. */
import type { Draft } from './draft.js';
import type { cloud } from '../../gen/opi/types.js';
import type {
  NextHopSpec,
  RouteSpec,
  RouteTableSpec,
  RouteVia,
  TunnelSpec,
} from '../objects/specs.js';
import {
  decodeFamily,
  decodeIp,
  decodeMac,
  decodePrefix,
  encodeFamily,
  encodeIp,
  encodeMac,
  encodePrefix,
  isSet,
} from './address.js';
import { malformed, unexpressed } from './errors.js';
import { optionalRefKey, refKey, type NameOf } from './names.js';
import { decodeVni, encodeVni } from './vpc.js';

/** Message of a RouteTable. Its routes are objects of their own; the longest prefix wins. */
export function encodeRouteTable(spec: RouteTableSpec): Draft<cloud.RouteTableSpec> {
  return { af: encodeFamily(spec.family) };
}

/** Spec of a RouteTable. */
export function decodeRouteTable(spec: cloud.RouteTableSpec): RouteTableSpec {
  const family = decodeFamily(spec.af, 'spec.af');
  if (family === undefined) throw malformed('spec.af', 'unspecified');
  if (spec.priority_enable) throw unexpressed('spec.priority_enable', 'true');
  return { family };
}

/** Message of a Route. */
export function encodeRoute(spec: RouteSpec, nameOf: NameOf): Draft<cloud.RouteSpec> {
  return {
    route_table_name_ref: nameOf(spec.table),
    attrs: {
      prefix: encodePrefix(spec.prefix, 'spec.attrs.prefix'),
      ...encodeVia(spec.via, nameOf),
    },
  };
}

function encodeVia(via: RouteVia, nameOf: NameOf): Draft<cloud.RouteAttrs> {
  if ('evalMapping' in via) return { eval_mapping: true };
  if ('nextHop' in via) return { nexthop_name_ref: nameOf(via.nextHop) };
  return {
    tunnel_name_ref: nameOf(via.tunnel),
    overlay_mac: encodeMac(via.overlayMac, 'spec.attrs.overlay_mac'),
  };
}

/** Spec of a Route. */
export function decodeRoute(spec: cloud.RouteSpec): RouteSpec {
  const attrs = spec.attrs;
  if (!isSet(attrs)) throw malformed('spec.attrs', 'missing');
  return {
    table: refKey('routeTable', spec.route_table_name_ref, 'spec.route_table_name_ref'),
    prefix: decodePrefix(attrs.prefix, 'spec.attrs.prefix'),
    via: decodeVia(attrs),
  };
}

function decodeVia(attrs: cloud.RouteAttrs): RouteVia {
  switch (attrs.nh) {
    case 'eval_mapping':
      if (!attrs.eval_mapping) throw malformed('spec.attrs.eval_mapping', 'false is no next hop');
      return { evalMapping: true };
    case 'tunnel_name_ref': {
      const overlayMac = decodeMac(attrs.overlay_mac, 'spec.attrs.overlay_mac');
      return {
        tunnel: refKey('tunnel', attrs.tunnel_name_ref, 'spec.attrs.tunnel_name_ref'),
        ...(overlayMac === undefined ? {} : { overlayMac }),
      };
    }
    case 'nexthop_name_ref':
      return {
        nextHop: refKey('nextHop', attrs.nexthop_name_ref, 'spec.attrs.nexthop_name_ref'),
      };
    case undefined:
      throw malformed('spec.attrs', 'a route without a next hop');
    default:
      throw unexpressed(`spec.attrs.${attrs.nh}`, 'set');
  }
}

/** Message of a NextHop. */
export function encodeNextHop(spec: NextHopSpec, nameOf: NameOf): Draft<cloud.NextHopSpec> {
  return {
    ip_nh_info: {
      vpc_name_ref: spec.vpc && nameOf(spec.vpc),
      ip_address: encodeIp(spec.ip, 'spec.ip_nh_info.ip_address'),
    },
  };
}

/** Spec of a NextHop. */
export function decodeNextHop(spec: cloud.NextHopSpec): NextHopSpec {
  if (spec.nhinfo === undefined) throw malformed('spec', 'a next hop of no kind');
  if (spec.nhinfo !== 'ip_nh_info') throw unexpressed(`spec.${spec.nhinfo}`, 'set');
  const info = spec.ip_nh_info;
  const vpc = optionalRefKey('vpc', info.vpc_name_ref, 'spec.ip_nh_info.vpc_name_ref');
  return {
    ip: decodeIp(info.ip_address, 'spec.ip_nh_info.ip_address'),
    ...(vpc === undefined ? {} : { vpc }),
  };
}

/** Message of a Tunnel, always VXLAN between nodes. */
export function encodeTunnel(spec: TunnelSpec, nameOf: NameOf): Draft<cloud.TunnelSpec> {
  return {
    vpc_name_ref: nameOf(spec.vpc),
    local_ip: encodeIp(spec.localIp, 'spec.local_ip'),
    remote_ip: encodeIp(spec.remoteIp, 'spec.remote_ip'),
    type: 'TUNNEL_TYPE_WORKLOAD',
    encap: encodeVni(spec.vni),
    mac_address: encodeMac(spec.remoteMac, 'spec.mac_address'),
  };
}

/** Spec of a Tunnel. */
export function decodeTunnel(spec: cloud.TunnelSpec): TunnelSpec {
  if (spec.nh !== undefined) throw unexpressed(`spec.${spec.nh}`, 'set');
  const vni = decodeVni(spec.encap, 'spec.encap');
  if (vni === undefined) throw malformed('spec.encap', 'missing');
  const remoteMac = decodeMac(spec.mac_address, 'spec.mac_address');
  return {
    vpc: refKey('vpc', spec.vpc_name_ref, 'spec.vpc_name_ref'),
    localIp: decodeIp(spec.local_ip, 'spec.local_ip'),
    remoteIp: decodeIp(spec.remote_ip, 'spec.remote_ip'),
    vni,
    ...(remoteMac === undefined ? {} : { remoteMac }),
  };
}
