/** Compiles units: what an object, a port or an address contributes to the table, as the store says it now. */
import type { ObjectKey, ObjectKind } from '../../../opi/objects/key.js';
import type {
  InterfaceSpec,
  PolicyListsSpec,
  SpecByKind,
  SubnetSpec,
  VnicSpec,
} from '../../../opi/objects/specs.js';
import type { ObjectStore } from '../../store/object-store.js';
import { domainPart, gatewayPart, mappedAddressPart, tunnelEndsPart } from './address-part.js';
import type { GroupSets } from './groups.js';
import { routerListsPart, securityPolicyPart } from './list-part.js';
import type { ObjectIndex } from './object-index.js';
import type { Part } from './part.js';
import { policyPart } from './policy-part.js';
import { tunnelPart, uplinkPart, type OpenPortFacts } from './open-port-part.js';
import { hostPart, idlePart, listedVnicPart, reservedPart, vnicPart } from './port-part.js';
import { spinePart } from './spine.js';
import type { Unit, UnitKind } from './touched.js';

/** What units are compiled from. */
export interface UnitContext {
  readonly store: ObjectStore;
  readonly index: ObjectIndex;
  readonly groups: GroupSets;
  readonly uplink: string | undefined;
  readonly foreign: boolean;
  readonly reserved: Iterable<string>;
  readonly extension: boolean;
  readonly generation: number;
  readonly netdevOf: (ifname: string) => string | undefined;
  readonly vpcNumber: (vpcId: string) => number;
}

/** A Vnic with what it stands on. */
interface Placed {
  readonly key: ObjectKey<'vnic'>;
  readonly spec: VnicSpec;
  readonly subnet: SubnetSpec;
}

/** The part of a unit; undefined if there is nothing (any more). */
export function partOf(unit: Unit, context: UnitContext): Part | undefined {
  const { index, uplink, foreign, extension, generation } = context;
  switch (unit) {
    case 'spine': {
      const judged = index.reevaluating.size > 0 ? generation : undefined;
      return spinePart({ foreign, uplink, extension, generation: judged });
    }
    case 'reserved':
      return reservedPart(context.reserved);
    case 'uplink': {
      const facts = openPort('UPLINK', uplink === undefined ? [] : [uplink], context);
      return uplinkPart(facts, [...index.hostNetdevs.values()]);
    }
    case 'tunnel': {
      const domains = tunnelDomains(context);
      return tunnelPart(openPort('TUNNEL', [...domains.keys()], context), domains);
    }
    case 'router':
      return extension ? undefined : routerListsPart(hostVnic(context));
    default:
      return new UnitCompiler(context).part(unit);
  }
}

function openPort(
  port: 'UPLINK' | 'TUNNEL',
  netdevs: readonly string[],
  { store, index, foreign }: UnitContext,
): OpenPortFacts {
  const id = index.bindingOf.get(port);
  const binding = id === undefined ? undefined : specIn(store, { kind: 'policyBinding', id });
  return { netdevs, binding, zoned: index.zoned.size > 0, foreign };
}

/** Routing domain of each tunnel's netdev. */
function tunnelDomains({ index, vpcNumber }: UnitContext): ReadonlyMap<string, number> {
  return new Map([...index.tunnelVpcs()].map(([netdev, vpc]) => [netdev, vpcNumber(vpc)]));
}

/** The Vnic of the host port: the first by the id of its Interface. */
function hostVnic({ store, index }: UnitContext): string | undefined {
  for (const id of [...index.hostNetdevs.keys()].sort()) {
    const user = store.referrersOf({ kind: 'interface', id }).find(({ kind }) => kind === 'vnic');
    if (user !== undefined) return user.id;
  }
  return undefined;
}

/** Units of single objects. */
class UnitCompiler {
  private readonly context: UnitContext;

  constructor(context: UnitContext) {
    this.context = context;
  }

  part(unit: `${UnitKind} ${string}`): Part | undefined {
    const space = unit.indexOf(' ');
    const [kind, id] = [unit.slice(0, space) as UnitKind, unit.slice(space + 1)];
    switch (kind) {
      case 'interface':
        return this.interfacePart({ kind, id });
      case 'networkPolicy': {
        const spec = this.spec({ kind, id });
        return spec && policyPart(id, spec, this.context.groups);
      }
      case 'securityPolicy': {
        const spec = this.spec({ kind, id });
        return spec && securityPolicyPart(id, spec);
      }
      case 'addressGroup':
        return this.context.groups.part(id);
      case 'tunnel': {
        const spec = this.spec({ kind, id });
        return spec && tunnelEndsPart(spec);
      }
      case 'subnet': {
        const spec = this.spec({ kind, id });
        return spec && gatewayPart(spec);
      }
      case 'vpc':
        return this.spec({ kind, id }) && domainPart(this.context.vpcNumber(id));
      case 'address':
        return this.addressPart(id);
    }
  }

  private interfacePart(key: ObjectKey<'interface'>): Part | undefined {
    const spec = this.spec(key);
    const netdev = spec && this.context.netdevOf(spec.ifname);
    if (spec === undefined || netdev === undefined) return undefined;
    const vnic = this.vnicOn(key);
    if (!spec.vf) return this.hostPart(netdev, spec, vnic);
    if (vnic === undefined) return idlePart(netdev);
    return this.context.extension
      ? this.vnicPart(netdev, spec, vnic)
      : this.listedVnicPart(netdev, spec, vnic);
  }

  private hostPart(netdev: string, spec: InterfaceSpec, vnic: Placed | undefined): Part {
    const { extension, uplink } = this.context;
    const lists =
      extension || vnic === undefined
        ? undefined
        : { vnic: vnic.key.id, levels: this.levelsOf(vnic), uplink };
    return hostPart(netdev, spec.adminUp, lists);
  }

  private vnicPart(netdev: string, { adminUp }: InterfaceSpec, { key, subnet }: Placed): Part {
    const domain = this.context.vpcNumber(subnet.vpc.id);
    const bound = this.referrers(key).find(({ kind }) => kind === 'policyBinding');
    const binding = bound && this.spec(bound as ObjectKey<'policyBinding'>);
    return vnicPart({ id: key.id, netdev, adminUp, domain, binding });
  }

  private listedVnicPart(netdev: string, { adminUp }: InterfaceSpec, vnic: Placed): Part {
    const { key, spec, subnet } = vnic;
    return listedVnicPart({
      id: key.id,
      netdev,
      adminUp,
      domain: this.context.vpcNumber(subnet.vpc.id),
      sources: spec.sourceGuard ? this.addressesOf(vnic) : undefined,
      levels: this.levelsOf(vnic),
    });
  }

  /** Lists of the Vnic and those it inherits, in the order they are asked. */
  private levelsOf({ spec, subnet }: Placed): PolicyListsSpec[] {
    const levels = [spec, subnet.policies, this.spec(subnet.vpc)?.policies];
    return levels.filter((lists) => lists !== undefined);
  }

  /** Addresses that Mappings of its routing domain give to a Vnic, sorted. */
  private addressesOf({ key, subnet }: Placed): string[] {
    const mappings = this.referrers(key).filter(({ kind }) => kind === 'mapping');
    const specs = mappings.flatMap((each) => this.spec(each as ObjectKey<'mapping'>) ?? []);
    return specs
      .filter(({ vpc }) => vpc.id === subnet.vpc.id)
      .map(({ ip }) => ip)
      .sort();
  }

  private addressPart(ip: string): Part | undefined {
    const holders = [...(this.context.index.holders.get(ip) ?? [])].flatMap((id) => {
      const spec = this.spec({ kind: 'mapping', id });
      return spec === undefined ? [] : { id, spec, domain: this.context.vpcNumber(spec.vpc.id) };
    });
    return mappedAddressPart(ip, holders);
  }

  private vnicOn(key: ObjectKey<'interface'>): Placed | undefined {
    const user = this.referrers(key).find(({ kind }) => kind === 'vnic');
    if (user === undefined) return undefined;
    const vnic = user as ObjectKey<'vnic'>;
    const spec = this.spec(vnic);
    const subnet = spec && this.spec(spec.subnet);
    return spec === undefined || subnet === undefined ? undefined : { key: vnic, spec, subnet };
  }

  private referrers(key: ObjectKey): ObjectKey[] {
    return this.context.store.referrersOf(key);
  }

  private spec<K extends ObjectKind>(key: ObjectKey<K>): SpecByKind[K] | undefined {
    return specIn(this.context.store, key);
  }
}

function specIn<K extends ObjectKind>(
  store: ObjectStore,
  key: ObjectKey<K>,
): SpecByKind[K] | undefined {
  return store.get(key)?.object.spec as SpecByKind[K] | undefined;
}
