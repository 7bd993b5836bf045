/** Where packets enter and leave: ports, addresses and routes, as the objects say (k8s-extension: ports). */
import { parseCidr, type Cidr } from '../../base/ip.js';
import type { ObjectKey, ObjectKind } from '../../opi/objects/key.js';
import type {
  InterfaceSpec,
  MappingSpec,
  PolicyListsSpec,
  RouteSpec,
  RouteVia,
  SpecByKind,
  SubnetSpec,
  TunnelSpec,
  VnicSpec,
} from '../../opi/objects/specs.js';
import { Address, type PrefixKey } from '../store/address.js';
import type { ObjectStore } from '../store/object-store.js';
import type { ObjectChange } from '../store/transaction.js';
import { HOST_PORT, TUNNEL_PORT, UPLINK_PORT, type PortRef } from './port.js';

/** A Vnic with what it stands on. */
export interface VnicPort {
  readonly id: string;
  readonly spec: VnicSpec;
  readonly interface: InterfaceSpec;
  readonly subnet: SubnetSpec;
  readonly ref: PortRef;
}

/** Where a packet goes: a port, or nowhere because its local block has no such address. */
export type Destination =
  { readonly port: PortRef; readonly vnic?: VnicPort } | { readonly unmapped: true };

/** Routes of one table by prefix length. */
type RouteIndex = Map<number, RoutesOfLength>;
type RoutesOfLength = Map<PrefixKey, RouteVia>;

/** Answers about ports and addresses; kept up to date one object at a time. */
export class Topology {
  private readonly store: ObjectStore;
  private readonly interfaces = new Map<string, string>();
  private readonly hostInterfaces = new Set<string>();
  private readonly mappings = new Map<string, Map<string, MappingSpec>>();
  private readonly routes = new Map<string, RouteIndex>();

  constructor(store: ObjectStore) {
    this.store = store;
  }

  /** Takes one change of an object; what has no index here is read from the store as it is needed. */
  apply({ key, before, after }: ObjectChange): void {
    if (key.kind === 'interface') {
      if (before !== undefined) this.dropInterface(key.id, before.spec as InterfaceSpec);
      if (after !== undefined) this.addInterface(key.id, after.spec as InterfaceSpec);
    }
    if (key.kind === 'mapping') {
      if (before !== undefined) this.dropMapping(key.id, before.spec as MappingSpec);
      if (after !== undefined) this.addMapping(key.id, after.spec as MappingSpec);
    }
    if (key.kind === 'route') {
      if (before !== undefined) this.dropRoute(before.spec as RouteSpec);
      if (after !== undefined) this.addRoute(after.spec as RouteSpec);
    }
  }

  /** A Vnic's port; undefined if there is no such Vnic. */
  vnic(id: string): VnicPort | undefined {
    const spec = this.spec({ kind: 'vnic', id });
    if (spec === undefined) return undefined;
    const host = this.spec(spec.hostInterface);
    const subnet = this.spec(spec.subnet);
    if (host === undefined || subnet === undefined) return undefined;
    return { id, spec, interface: host, subnet, ref: host.vf ? { kind: 'vnic', id } : HOST_PORT };
  }

  /** The SecurityPolicy lists a Vnic has and inherits, in the order they are asked: Vnic, Subnet, Vpc. */
  policyLevels({ spec, subnet }: VnicPort): PolicyListsSpec[] {
    const levels = [spec, subnet.policies, this.spec(subnet.vpc)?.policies];
    return levels.filter((lists) => lists !== undefined);
  }

  /** The Vnic that stands on an interface of this name. */
  vnicOfInterface(ifname: string): VnicPort | undefined {
    const id = this.interfaces.get(ifname);
    return id === undefined ? undefined : this.vnicOn(id);
  }

  /** The Vnic of the host port, if there is one: the first by the id of its interface. */
  hostVnic(): VnicPort | undefined {
    for (const id of [...this.hostInterfaces].sort()) {
      const vnic = this.vnicOn(id);
      if (vnic !== undefined) return vnic;
    }
    return undefined;
  }

  /** The Vnic whose local Mapping holds an address in a Vpc, or in any Vpc if none is given (the first by id). */
  localVnic(address: Address, vpc: string | undefined): VnicPort | undefined {
    const mapping = this.mapping(address, vpc);
    return mapping?.destination.kind === 'vnic' ? this.vnic(mapping.destination.id) : undefined;
  }

  /** Where an address is. `vpc` as in `localVnic`. */
  destination(address: Address, vpc: string | undefined): Destination {
    const mapping = this.mapping(address, vpc);
    if (mapping?.destination.kind === 'tunnel') return { port: TUNNEL_PORT };
    if (mapping !== undefined) {
      const vnic = this.vnic(mapping.destination.id);
      if (vnic !== undefined) return { port: vnic.ref, vnic };
    }
    const via = this.route(address, vpc);
    if (via === undefined || 'nextHop' in via) return { port: UPLINK_PORT };
    return 'tunnel' in via ? { port: TUNNEL_PORT } : { unmapped: true };
  }

  /** True if the address is the virtual router's in the Vnic's Subnet. */
  isGateway(address: Address, vnic: VnicPort): boolean {
    const { v4RouterIp, v6RouterIp } = vnic.subnet;
    return address.text === (address.family === 4 ? v4RouterIp : v6RouterIp);
  }

  /** Tunnels that end at this local address. */
  tunnelsAt(local: Address): TunnelSpec[] {
    return this.store
      .list('tunnel')
      .map(({ object }) => object.spec as TunnelSpec)
      .filter((tunnel) => tunnel.localIp === local.text);
  }

  private vnicOn(interfaceId: string): VnicPort | undefined {
    const users = this.store.referrersOf({ kind: 'interface', id: interfaceId });
    const user = users.find(({ kind }) => kind === 'vnic');
    return user === undefined ? undefined : this.vnic(user.id);
  }

  private addInterface(id: string, spec: InterfaceSpec): void {
    this.interfaces.set(spec.ifname, id);
    if (!spec.vf) this.hostInterfaces.add(id);
  }

  private dropInterface(id: string, spec: InterfaceSpec): void {
    if (this.interfaces.get(spec.ifname) === id) this.interfaces.delete(spec.ifname);
    this.hostInterfaces.delete(id);
  }

  private mapping(address: Address, vpc: string | undefined): MappingSpec | undefined {
    const candidates = this.mappings.get(address.text);
    if (candidates === undefined) return undefined;
    for (const id of [...candidates.keys()].sort()) {
      const mapping = candidates.get(id);
      if (mapping !== undefined && (vpc === undefined || mapping.vpc.id === vpc)) return mapping;
    }
    return undefined;
  }

  private route(address: Address, vpc: string | undefined): RouteVia | undefined {
    let best: { length: number; via: RouteVia } | undefined;
    for (const table of this.tablesOf(address, vpc)) {
      for (const [length, routes] of this.routes.get(table) ?? []) {
        const via = routes.get(address.prefixKey(length));
        if (via !== undefined && length > (best?.length ?? -1)) best = { length, via };
      }
    }
    return best?.via;
  }

  private tablesOf(address: Address, vpc: string | undefined): string[] {
    const vpcs =
      vpc === undefined ? this.store.list('vpc').map(({ object }) => object.key.id) : [vpc];
    return vpcs.flatMap((id) => {
      const spec = this.spec<'vpc'>({ kind: 'vpc', id });
      const table = address.family === 4 ? spec?.v4RouteTable : spec?.v6RouteTable;
      return table?.id ?? [];
    });
  }

  private spec<K extends ObjectKind>(key: ObjectKey<K>): SpecByKind[K] | undefined {
    return this.store.get(key)?.object.spec as SpecByKind[K] | undefined;
  }

  private addMapping(id: string, spec: MappingSpec): void {
    const holders = this.mappings.get(spec.ip);
    if (holders === undefined) this.mappings.set(spec.ip, new Map([[id, spec]]));
    else holders.set(id, spec);
  }

  private dropMapping(id: string, spec: MappingSpec): void {
    const holders = this.mappings.get(spec.ip);
    holders?.delete(id);
    if (holders?.size === 0) this.mappings.delete(spec.ip);
  }

  private addRoute(spec: RouteSpec): void {
    const cidr = cidrOf(spec);
    let table = this.routes.get(spec.table.id);
    if (table === undefined)
      this.routes.set(spec.table.id, (table = new Map<number, RoutesOfLength>()));
    let routes = table.get(cidr.length);
    if (routes === undefined) table.set(cidr.length, (routes = new Map<PrefixKey, RouteVia>()));
    routes.set(new Address(cidr).prefixKey(cidr.length), spec.via);
  }

  private dropRoute(spec: RouteSpec): void {
    const cidr = cidrOf(spec);
    const table = this.routes.get(spec.table.id);
    const routes = table?.get(cidr.length);
    routes?.delete(new Address(cidr).prefixKey(cidr.length));
    if (routes?.size === 0) table?.delete(cidr.length);
    if (table?.size === 0) this.routes.delete(spec.table.id);
  }
}

function cidrOf(spec: RouteSpec): Cidr {
  const cidr = parseCidr(spec.prefix);
  if (cidr === undefined) throw new RangeError(`route to ${spec.prefix}, which is no prefix`);
  return cidr;
}
