/** What must be found from the other side: who holds an address, which netdevs a kind of port has. */
import type { InterfaceSpec, PolicyBindingSpec, TunnelSpec } from '../../../opi/objects/specs.js';
import { vxlanName } from '../names.js';
import { familyOf } from './address-part.js';

/** Kept up to date one object at a time. */
export class ObjectIndex {
  /** Mappings by address. */
  readonly holders = new Map<string, Set<string>>();
  /** Netdevs of the host port by Interface. */
  readonly hostNetdevs = new Map<string, string>();
  /** Bindings whose port wants established flows judged again. */
  readonly reevaluating = new Set<string>();
  /** Ids of the bindings of ports that are no vNICs. */
  readonly bindingOf = new Map<'UPLINK' | 'TUNNEL', string>();
  /** Vpcs whose flows have a zone of their own. */
  readonly zoned = new Set<string>();
  /** Vpcs of tunnels by device and Tunnel. */
  private readonly devices = new Map<string, Map<string, string>>();
  private readonly deviceOf = new Map<string, string>();

  /** Takes a Mapping of an address, or forgets it. */
  hold(ip: string, id: string, there: boolean): void {
    const ids = this.holders.get(ip);
    if (there && ids === undefined) this.holders.set(ip, new Set([id]));
    else if (there) ids?.add(id);
    else if (ids?.delete(id) === true && ids.size === 0) this.holders.delete(ip);
  }

  /** Takes an Interface with its netdev, or forgets it. True if the host port's netdevs changed. */
  follow(id: string, spec: InterfaceSpec | undefined, netdev: string | undefined): boolean {
    const before = this.hostNetdevs.get(id);
    if (spec === undefined || spec.vf || netdev === undefined) this.hostNetdevs.delete(id);
    else this.hostNetdevs.set(id, netdev);
    return before !== this.hostNetdevs.get(id);
  }

  /** Takes a binding, or forgets it. */
  bind(id: string, { port, establishedPolicy }: PolicyBindingSpec, there: boolean): void {
    if (there && establishedPolicy === 'REEVALUATE') this.reevaluating.add(id);
    else this.reevaluating.delete(id);
    if ('vnic' in port) return;
    if (there) this.bindingOf.set(port.port, id);
    else if (this.bindingOf.get(port.port) === id) this.bindingOf.delete(port.port);
  }

  /** Takes a Tunnel, or forgets it. True if a device comes, goes, or has another Vpc with it. */
  dig(id: string, spec: TunnelSpec | undefined): boolean {
    const before = this.deviceOf.get(id);
    const device = spec && vxlanName(spec.vni, familyOf(spec.localIp));
    const vpcs = [before, device].map((name) => this.vpcOf(name));
    if (before !== undefined) {
      this.deviceOf.delete(id);
      const users = this.devices.get(before);
      users?.delete(id);
      if (users?.size === 0) this.devices.delete(before);
    }
    if (spec !== undefined && device !== undefined) {
      this.deviceOf.set(id, device);
      const users = this.devices.get(device);
      if (users === undefined) this.devices.set(device, new Map([[id, spec.vpc.id]]));
      else users.set(id, spec.vpc.id);
    }
    return [before, device].some((name, index) => this.vpcOf(name) !== vpcs[index]);
  }

  /** Vpc of each tunnel device; devices sorted. */
  *tunnelVpcs(): Generator<readonly [device: string, vpc: string]> {
    for (const device of [...this.devices.keys()].sort()) {
      const vpc = this.vpcOf(device);
      if (vpc !== undefined) yield [device, vpc];
    }
  }

  /** Tunnels of one VNI that name several Vpcs: the first by id decides. */
  private vpcOf(device: string | undefined): string | undefined {
    const users = device === undefined ? undefined : this.devices.get(device);
    const [first] = [...(users?.keys() ?? [])].sort();
    return first === undefined ? undefined : users?.get(first);
  }
}
