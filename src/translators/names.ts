/** Ids of the objects we plan, by what they stand for. */
import { type IpAddress, formatIp } from '../base/ip.js';
import type { Family } from '../base/ip.js';
import type { IpSetId } from '../model/ids.js';
import type { IpSetType } from '../model/policy.js';
import { type ObjectKey, ObjectNamer } from '../opi/objects/key.js';
import type { VxlanTunnel } from '../overlay/vxlan.js';
import { type SourceKey } from './policy/lowering.js';

/**
 * Keys of one owner's objects. Ports go by interface name, which outlives the pod behind it; addresses and prefixes by
 * their canonical text; sets by id and type, for a group cannot change its member type.
 */
export class ObjectNames {
  private readonly namer: ObjectNamer;

  constructor(ownerId: string) {
    this.namer = new ObjectNamer(ownerId);
  }

  interface(ifname: string): ObjectKey<'interface'> {
    return this.namer.key('interface', ifname);
  }

  vnic(ifname: string): ObjectKey<'vnic'> {
    return this.namer.key('vnic', ifname);
  }

  vnicBinding(vnic: ObjectKey<'vnic'>): ObjectKey<'policyBinding'> {
    return this.namer.key('policyBinding', `vnic/${vnic.id}`);
  }

  portBinding(port: 'uplink' | 'tunnel'): ObjectKey<'policyBinding'> {
    return this.namer.key('policyBinding', port);
  }

  mapping(address: IpAddress): ObjectKey<'mapping'> {
    return this.namer.key('mapping', formatIp(address));
  }

  route(prefix: string): ObjectKey<'route'> {
    return this.namer.key('route', prefix);
  }

  /**
   * A VXLAN tunnel, by all that it is: a node that moves gets another tunnel, to which its routes are led before the old
   * one goes. XPUs tell tunnels apart by the same fields.
   */
  tunnel({ localIp, remoteIp, vni }: Omit<VxlanTunnel, 'family'>): ObjectKey<'tunnel'> {
    return this.namer.key('tunnel', `vxlan/${vni}/${localIp}/${remoteIp}`);
  }

  /** The next hop at an address of the underlay (canonical text). */
  nextHop(ip: string): ObjectKey<'nextHop'> {
    return this.namer.key('nextHop', ip);
  }

  routeTable(family: Family): ObjectKey<'routeTable'> {
    return this.namer.key('routeTable', `v${family}`);
  }

  get vpc(): ObjectKey<'vpc'> {
    return this.namer.key('vpc', 'cluster');
  }

  get subnet(): ObjectKey<'subnet'> {
    return this.namer.key('subnet', 'all');
  }

  /** The shared SecurityPolicy without rules that denies. */
  denyAll(family: Family): ObjectKey<'securityPolicy'> {
    return this.namer.key('securityPolicy', `deny-all/v${family}`);
  }

  /** A SecurityPolicy that is named by its content: equal lists are one object. */
  listPolicy(content: string): ObjectKey<'securityPolicy'> {
    return this.namer.key('securityPolicy', `list/${content}`);
  }

  group(id: IpSetId, type: IpSetType): ObjectKey<'addressGroup'> {
    return this.namer.key('addressGroup', `${type}/${id}`);
  }

  policy(source: SourceKey): ObjectKey<'networkPolicy'> {
    return this.namer.key('networkPolicy', source);
  }

  /** The shared NetworkPolicy that stands in for one that is missing. */
  get denyAllPolicy(): ObjectKey<'networkPolicy'> {
    return this.namer.key('networkPolicy', 'deny-all');
  }
}
