/** What the oracle allows and no frame through an XPU can show. The kernel may only be narrower there, never wider. */
import { cidrContains, parseCidr, parseIp, type Cidr } from '../../../src/base/ip.js';
import type { Probe } from '../../../src/lab/verdicts/probe.js';
import type { World } from '../../support/felix/world.js';
import { isOuterPacket } from '../../properties/agreement.js';

/** Nobody's addresses: Linux drops packets from and to them before it asks any policy. */
const NOBODY = cidrs('0.0.0.0/8', '127.0.0.0/8', '::/128', '::1/128');
/** Groups are receivers, not senders. */
const GROUPS = cidrs('224.0.0.0/4', '255.255.255.255/32', 'ff00::/8');
/** Addresses that an XPU's own router has, beside groups: the pods' gateway, and whatever is link-local. */
const ROUTERS = cidrs('169.254.1.1/32', 'fe80::/10');

/** Why a packet need not come out where it is allowed to; `undefined` for every ordinary one. */
export function beyondFrames(probe: Probe, world: World): string | undefined {
  const { source, destination, protocol } = probe.packet;
  if (isOuterPacket(probe, world)) return 'the XPU ends tunnels itself';
  if (isIn(source, NOBODY) || isIn(destination, NOBODY)) return 'an address that nobody has';
  if (isIn(source, GROUPS)) return 'a source that is no sender';
  if (isIn(destination, GROUPS) || isIn(destination, ROUTERS)) {
    return 'the XPU’s router is who is meant';
  }
  if (isIn(source, ROUTERS)) return 'no router passes on what a link-local address sent';
  if (protocol === 0 && destination.includes(':')) return 'the header of IPv6 options, without one';
  return undefined;
}

function isIn(address: string, nets: readonly Cidr[]): boolean {
  const ip = parseIp(address);
  return ip !== undefined && nets.some((net) => net.family === ip.family && cidrContains(net, ip));
}

function cidrs(...texts: readonly string[]): Cidr[] {
  return texts.map((text) => parseCidr(text)).filter((one) => one !== undefined);
}
