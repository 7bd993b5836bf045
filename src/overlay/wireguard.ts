/** Whether Calico would encrypt what goes to a node (felix-protocol: WireGuard). */
import type { Family } from '../base/ip.js';
import type { OverlayFacts } from './facts.js';

/**
 * True if WireGuard is on for the family and the peer has published a key. To a peer without one Calico sends as if
 * WireGuard were off.
 */
export function isEncrypted(node: string, family: Family, facts: OverlayFacts): boolean {
  const { wireguardEnabled, wireguardEnabledV6 } = facts.config;
  if (!(family === 4 ? wireguardEnabled : wireguardEnabledV6)) return false;
  return (facts.wireguard.get(`${family}/${node}`)?.publicKey ?? '') !== '';
}

/** True if that also holds for what one node sends to the other's own addresses. */
export function isHostTrafficEncrypted(node: string, family: Family, facts: OverlayFacts): boolean {
  return facts.config.wireguardHostEncryptionEnabled && isEncrypted(node, family, facts);
}
