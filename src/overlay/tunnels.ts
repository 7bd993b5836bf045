/** VXLAN tunnels to the other nodes. Inner and outer addresses are of one family, as in Calico. */
import { FAMILIES, type Family } from '../base/ip.js';
import type { OverlayFacts } from './facts.js';
import { tunnelEnd, vxlanProblem, type VxlanTunnel } from './vxlan.js';

/** A tunnel as a route uses it. */
export interface TunnelTo {
  readonly tunnel: VxlanTunnel;
  /** Where the inner frames go. */
  readonly mac: string;
}

/** Tunnels to one node, one per family in which both ends are known, whether or not a route uses them. None to ourselves. */
export function tunnelsTo(node: string, facts: OverlayFacts): VxlanTunnel[] {
  return FAMILIES.flatMap((family) => {
    const found = tunnelTo(node, family, facts);
    return 'problem' in found ? [] : [found.tunnel];
  });
}

/** The tunnel to a node, or why there is none (yet). */
export function tunnelTo(
  node: string,
  family: Family,
  { nodeName, vteps, config }: OverlayFacts,
): TunnelTo | { readonly problem: 'unsupported' | 'unknown'; readonly reason: string } {
  const unsupported = vxlanProblem(config);
  if (unsupported !== undefined) return { problem: 'unsupported', reason: unsupported };
  const unknown = (reason: string) => ({ problem: 'unknown', reason }) as const;
  if (node === nodeName) return unknown(`node ${JSON.stringify(node)} is this node`);
  const [local, remote] = [nodeName, node].map((one) => tunnelEnd(vteps.get(one), family));
  if (local === undefined) return unknown(noEnd(nodeName, family));
  if (remote === undefined) return unknown(noEnd(node, family));
  if (local.ip === remote.ip) {
    return unknown(`the VTEPs of ${nodeName} and ${node} have one address, ${local.ip}`);
  }
  const tunnel = { family, localIp: local.ip, remoteIp: remote.ip, vni: config.vxlanVni };
  return { tunnel, mac: remote.mac };
}

function noEnd(node: string, family: Family): string {
  return `no IPv${family} VTEP of node ${JSON.stringify(node)} is known`;
}
