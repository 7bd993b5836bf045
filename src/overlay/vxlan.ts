/** VXLAN as Calico configures it and as an XPU can make it: id, port, and the ends of a tunnel (felix-protocol: VTEPs). */
import { type Family, formatIp, parseIp } from '../base/ip.js';
import type { FelixConfig } from '../model/config.js';
import type { Vtep } from '../model/network.js';

/** UDP port of VXLAN (RFC 7348). OPI has no field for another one, and XPUs send to this one. */
export const VXLAN_PORT = 4789;

/** Largest VXLAN id; 0 is none. */
export const VNI_MAX = 0xff_ffff;

/** One end of a tunnel. */
export interface TunnelEnd {
  /** Outer address, canonical text. */
  readonly ip: string;
  /** MAC of the inner frames, `aa:bb:cc:dd:ee:ff`. */
  readonly mac: string;
}

/** A tunnel between two nodes, by what tells it from every other one. */
export interface VxlanTunnel {
  readonly family: Family;
  readonly localIp: string;
  readonly remoteIp: string;
  readonly vni: number;
}

/** Why an XPU cannot make the tunnels that Felix's configuration asks for; `undefined` if it can. */
export function vxlanProblem({
  vxlanVni,
  vxlanPort,
}: Pick<FelixConfig, 'vxlanVni' | 'vxlanPort'>): string | undefined {
  if (vxlanVni < 1 || vxlanVni > VNI_MAX) return `VXLANVNI ${vxlanVni} is no VXLAN id`;
  if (vxlanPort === VXLAN_PORT) return undefined;
  return `VXLANPort ${vxlanPort}: an XPU sends VXLAN to port ${VXLAN_PORT} alone`;
}

/**
 * VXLAN id of the cluster's routing domain; `undefined` where VXLAN is not in use or cannot be made. Felix tells VTEPs where
 * there are VXLAN pools, and nowhere else.
 */
export function domainVni(
  config: Pick<FelixConfig, 'vxlanVni' | 'vxlanPort'>,
  vteps: number,
): number | undefined {
  return vteps > 0 && vxlanProblem(config) === undefined ? config.vxlanVni : undefined;
}

/** A node's end, by family of inner and outer addresses; `undefined` where Felix did not tell it, or told it malformed. */
export function tunnelEnd(vtep: Vtep | undefined, family: Family): TunnelEnd | undefined {
  if (vtep === undefined) return undefined;
  const ip = parseIp(family === 4 ? vtep.parentIp : vtep.parentIpv6);
  const mac = (family === 4 ? vtep.mac : vtep.macV6).toLowerCase();
  if (ip?.family !== family || !/^([\da-f]{2}:){5}[\da-f]{2}$/.test(mac)) return undefined;
  return { ip: formatIp(ip), mac };
}
