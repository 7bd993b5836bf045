/** The overlay of one node in brief: what people and CNI ask for. */
import { FAMILIES, type Family } from '../base/ip.js';
import type { Encapsulation as InUse, Vtep } from '../model/network.js';
import type { OverlayConfig } from './facts.js';
import { type Encapsulation, familiesBelowMinimum, podMtu } from './mtu.js';
import { domainVni, tunnelEnd } from './vxlan.js';

/** See the file head. MTUs are bytes. */
export interface OverlayReport {
  /** VXLAN id; absent where VXLAN is not in use. */
  readonly vni?: number;
  /** VXLAN in use, by family of the outer addresses. */
  readonly encapsulations: readonly Encapsulation[];
  /** As the settings say. */
  readonly uplinkMtu: number;
  /** Largest MTU of pods whose packets fit into every encapsulation in use. */
  readonly podMtu: number;
  /** Families whose links must have more than that. */
  readonly tooSmallFor: readonly Family[];
}

/** What a report is made from. */
export interface OverlayParts {
  readonly config: Pick<OverlayConfig, 'vxlanVni' | 'vxlanPort'>;
  /** Felix's word on what the cluster uses; without it our own VTEP tells. */
  readonly encapsulation: InUse | undefined;
  readonly ownVtep: Vtep | undefined;
  readonly vteps: number;
  readonly uplinkMtu: number;
}

/** Makes the report. */
export function overlayReport(parts: OverlayParts): OverlayReport {
  const { config, vteps, uplinkMtu } = parts;
  const vni = domainVni(config, vteps);
  const encapsulations = vni === undefined ? [] : vxlanInUse(parts);
  const mtu = podMtu(uplinkMtu, encapsulations);
  return {
    ...(vni === undefined ? {} : { vni }),
    encapsulations,
    uplinkMtu,
    podMtu: mtu,
    tooSmallFor: familiesBelowMinimum(mtu),
  };
}

function vxlanInUse({ encapsulation, ownVtep }: OverlayParts): Encapsulation[] {
  const isUsed =
    encapsulation === undefined
      ? (family: 4 | 6) => tunnelEnd(ownVtep, family) !== undefined
      : (family: 4 | 6) => (family === 4 ? encapsulation.vxlan : encapsulation.vxlanV6);
  return FAMILIES.filter(isUsed).map((family) => (family === 4 ? 'vxlan-v4' : 'vxlan-v6'));
}
