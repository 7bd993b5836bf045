/** Interface of network/cloud. Only host interfaces have a spec; uplinks and loopbacks belong to others. */
import type { Draft } from './draft.js';
import type { cloud } from '../../gen/opi/types.js';
import type { InterfaceSpec } from '../objects/specs.js';
import { decodeMac, encodeMac } from './address.js';
import { malformed, unexpressed } from './errors.js';

/** Message of a host interface. Connection tracking is always asked for: our policies are stateful. */
export function encodeInterface(spec: InterfaceSpec): Draft<cloud.InterfaceSpec> {
  return {
    admin_status: spec.adminUp ? 'IF_STATUS_UP' : 'IF_STATUS_DOWN',
    host_if_spec: {
      vf: spec.vf,
      enable_connection_tracking: true,
      mac_address: encodeMac(spec.mac, 'spec.host_if_spec.mac_address'),
      ifname: spec.ifname,
    },
  };
}

/** Spec of a host interface. An unspecified admin status is up, as for a server that does not tell. */
export function decodeInterface(spec: cloud.InterfaceSpec): InterfaceSpec {
  if (spec.ifinfo === undefined) throw malformed('spec', 'an interface of no kind');
  if (spec.ifinfo !== 'host_if_spec') throw unexpressed(`spec.${spec.ifinfo}`, 'no host interface');
  const host = spec.host_if_spec;
  if (host.ifname === '') throw malformed('spec.host_if_spec.ifname', 'empty');
  const mac = decodeMac(host.mac_address, 'spec.host_if_spec.mac_address');
  return {
    ifname: host.ifname,
    vf: host.vf,
    ...(mac === undefined ? {} : { mac }),
    adminUp: spec.admin_status !== 'IF_STATUS_DOWN',
  };
}
