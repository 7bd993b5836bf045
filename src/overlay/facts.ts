/** What the overlay is decided from, beside the route in question. */
import type { FelixConfig } from '../model/config.js';
import type { Vtep, WireguardPeer } from '../model/network.js';

/** Configuration that decides about tunnels and encryption. */
export type OverlayConfig = Pick<
  FelixConfig,
  | 'vxlanVni'
  | 'vxlanPort'
  | 'wireguardEnabled'
  | 'wireguardEnabledV6'
  | 'wireguardHostEncryptionEnabled'
>;

/** The node, its configuration, and what it knows of the others. */
export interface OverlayFacts {
  readonly nodeName: string;
  readonly config: OverlayConfig;
  /** By node name. */
  readonly vteps: ReadonlyMap<string, Vtep>;
  /** By `family/node`. */
  readonly wireguard: ReadonlyMap<string, WireguardPeer>;
}
