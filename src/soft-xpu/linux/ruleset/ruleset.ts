/**
 * The objects of the store as nftables text: whole, or what one commit changed. A commit recompiles only the units that
 * its objects touch; unchanged chains and elements of those are left alone. Pure: nothing is read but the store.
 */
import { KIND_LETTERS, type ObjectKey, type ObjectKind } from '../../../opi/objects/key.js';
import type { AnyObject, PolicyBindingSpec, SpecByKind } from '../../../opi/objects/specs.js';
import type { Commit, ObjectStore } from '../../store/object-store.js';
import type { ObjectChange } from '../../store/transaction.js';
import { CONNECTION_MARK, domainZone } from '../names.js';
import { mappedAddressPart, tunnelEndsPart } from './address-part.js';
import { GroupSets } from './groups.js';
import { ObjectIndex } from './object-index.js';
import type { Part } from './part.js';
import { policyPart } from './policy-part.js';
import {
  hostPart,
  idlePart,
  tunnelPart,
  uplinkPart,
  vnicPart,
  type OpenPortFacts,
} from './port-part.js';
import { spinePart } from './spine.js';
import { ElementChanges, Table } from './table.js';
import { REPLACE_TABLE } from './transaction.js';

/** What only the network side knows. */
export interface RulesetPorts {
  /** Representor netdev of an Interface by its ifname; in a namespace of our own, the same name. */
  netdevOf(ifname: string): string | undefined;
  readonly uplink: string | undefined;
  /** Number of a routing domain, from 1. It must stay for as long as the Vpc does. */
  vpcNumber(vpcId: string): number;
  /**
   * True: netdevs that are not ours share the namespace, and what none of ours is concerned with meets no rule. False:
   * packets of unknown netdevs are dropped.
   */
  readonly foreign: boolean;
  /** False: plain network/cloud, where SecurityPolicy lists rule. Default true. */
  readonly extension?: boolean;
  /** Generation of policy to begin with; used only where a port has REEVALUATE. Default 0. */
  readonly generation?: number;
}

/** Names of units: what is compiled as one. */
type Unit = 'spine' | 'uplink' | 'tunnel' | `${UnitKind} ${string}`;
type UnitKind = 'interface' | 'networkPolicy' | 'addressGroup' | 'tunnel' | 'address';

/** See the file head. */
export class Ruleset {
  private readonly store: ObjectStore;
  private readonly ports: RulesetPorts;
  private readonly groups = new GroupSets();
  private table = new Table();
  private index = new ObjectIndex();
  private generation: number;
  /** Some routing domain has a zone of its own. */
  private zoned = false;

  constructor(store: ObjectStore, ports: RulesetPorts) {
    this.store = store;
    this.ports = ports;
    this.generation = ports.generation ?? 0;
  }

  /** Transaction for one commit alone, to be applied after all earlier ones; '' if it changes no rule. */
  change({ objects, groups }: Commit): string {
    const dirty = new Set<Unit>();
    const elements = new ElementChanges();
    const judgedBefore = this.index.reevaluating.size > 0;
    for (const change of objects) this.note(change, dirty);
    for (const [id, delta] of groups) {
      const { added, removed } = delta.net();
      this.groups.remove(id, removed, elements);
      if (this.groups.add(id, added, elements)) this.reshape(id, dirty);
    }
    this.generation = (this.generation % CONNECTION_MARK.generationMask) + 1;
    if (judgedBefore || this.index.reevaluating.size > 0) dirty.add('spine');
    for (const unit of dirty) this.table.replace(unit, this.part(unit));
    return this.table.flush(elements);
  }

  /** Text that puts what the store says in place of the whole table, in one transaction. */
  whole(): string {
    this.table = new Table();
    this.index = new ObjectIndex();
    this.groups.clear();
    this.zoned = false;
    const dirty = new Set<Unit>(['spine', 'uplink', 'tunnel']);
    for (const kind of Object.keys(KIND_LETTERS) as ObjectKind[]) {
      for (const { object } of this.store.list(kind)) {
        this.note({ key: object.key, before: undefined, after: object }, dirty);
      }
    }
    const elements = new ElementChanges();
    for (const { object } of this.store.list('addressGroup')) {
      const { id } = object.key;
      this.groups.add(id, this.store.group(id)?.members.texts() ?? [], elements);
    }
    for (const unit of dirty) this.table.replace(unit, this.part(unit));
    return REPLACE_TABLE + this.table.flush(elements);
  }

  /** Follows a change in the index, and marks the units that it touches. */
  private note(change: ObjectChange, dirty: Set<Unit>): void {
    const { key, before, after } = change;
    switch (key.kind) {
      case 'networkPolicy':
        dirty.add(`networkPolicy ${key.id}`);
        return;
      case 'addressGroup':
        this.groups.define(key.id, specOf('addressGroup', after)?.memberType);
        this.reshape(key.id, dirty);
        return;
      case 'policyBinding':
        this.noteBinding(change, dirty);
        return;
      case 'interface':
        this.noteInterface(change, dirty);
        return;
      case 'vnic':
        for (const spec of specsOf('vnic', before, after)) {
          dirty.add(`interface ${spec.hostInterface.id}`);
        }
        return;
      case 'mapping':
        for (const { ip } of specsOf('mapping', before, after)) {
          this.index.hold(ip, key.id, specOf('mapping', after)?.ip === ip);
          dirty.add(`address ${ip}`);
        }
        return;
      case 'tunnel':
        this.noteTunnel(change, dirty);
        return;
      case 'vpc':
        this.noteVpc(dirty);
        return;
      default:
        return;
    }
  }

  private noteBinding({ key, before, after }: ObjectChange, dirty: Set<Unit>): void {
    for (const spec of specsOf('policyBinding', before, after)) {
      this.index.bind(key.id, spec, after !== undefined);
      if (!('vnic' in spec.port)) dirty.add(spec.port.port === 'UPLINK' ? 'uplink' : 'tunnel');
      else {
        const vnic = this.spec(spec.port.vnic);
        if (vnic !== undefined) dirty.add(`interface ${vnic.hostInterface.id}`);
      }
    }
  }

  private noteInterface({ key, after }: ObjectChange, dirty: Set<Unit>): void {
    const spec = specOf('interface', after);
    dirty.add(`interface ${key.id}`);
    if (this.index.follow(key.id, spec, spec && this.netdevOf(spec.ifname))) dirty.add('uplink');
  }

  private noteTunnel({ key, after }: ObjectChange, dirty: Set<Unit>): void {
    const before = this.index.tunnelNetdevs().join();
    this.index.dig(key.id, specOf('tunnel', after));
    dirty.add(`tunnel ${key.id}`);
    if (this.index.tunnelNetdevs().join() !== before) dirty.add('tunnel');
  }

  /** Zones are told by address only where there is more than one. */
  private noteVpc(dirty: Set<Unit>): void {
    const zoned = this.store
      .list('vpc')
      .some(({ object }) => domainZone(this.ports.vpcNumber(object.key.id)) !== 0);
    if (zoned === this.zoned) return;
    this.zoned = zoned;
    dirty.add('uplink').add('tunnel');
  }

  /** A group has other sets than before: rules that name it are written anew. */
  private reshape(id: string, dirty: Set<Unit>): void {
    dirty.add(`addressGroup ${id}`);
    for (const referrer of this.store.referrersOf({ kind: 'addressGroup', id })) {
      if (referrer.kind === 'networkPolicy') dirty.add(`networkPolicy ${referrer.id}`);
    }
  }

  /** What a unit contributes now. */
  private part(unit: Unit): Part | undefined {
    switch (unit) {
      case 'spine':
        return spinePart({
          foreign: this.ports.foreign,
          uplink: this.ports.uplink,
          extension: this.ports.extension !== false,
          generation: this.index.reevaluating.size > 0 ? this.generation : undefined,
        });
      case 'uplink': {
        const { uplink } = this.ports;
        const facts = this.openPort('UPLINK', uplink === undefined ? [] : [uplink]);
        return uplinkPart(facts, [...this.index.hostNetdevs.values()]);
      }
      case 'tunnel':
        return tunnelPart(this.openPort('TUNNEL', this.index.tunnelNetdevs()));
      default:
        return this.objectPart(unit);
    }
  }

  private objectPart(unit: `${UnitKind} ${string}`): Part | undefined {
    const space = unit.indexOf(' ');
    const [kind, id] = [unit.slice(0, space) as UnitKind, unit.slice(space + 1)];
    switch (kind) {
      case 'interface':
        return this.interfacePart({ kind, id });
      case 'networkPolicy': {
        const spec = this.spec({ kind, id });
        return spec && policyPart(id, spec, this.groups);
      }
      case 'addressGroup':
        return this.groups.part(id);
      case 'tunnel': {
        const spec = this.spec({ kind, id });
        return spec && tunnelEndsPart(spec);
      }
      case 'address':
        return this.addressPart(id);
    }
  }

  private interfacePart(key: ObjectKey<'interface'>): Part | undefined {
    const spec = this.spec(key);
    const netdev = spec && this.netdevOf(spec.ifname);
    if (spec === undefined || netdev === undefined) return undefined;
    if (!spec.vf) return hostPart(netdev, spec.adminUp);
    const user = this.store.referrersOf(key).find(({ kind }) => kind === 'vnic');
    const vnic = user && this.spec(user as ObjectKey<'vnic'>);
    const subnet = vnic && this.spec(vnic.subnet);
    if (user === undefined || subnet === undefined) return idlePart(netdev);
    return vnicPart({
      id: user.id,
      netdev,
      adminUp: spec.adminUp,
      domain: this.ports.vpcNumber(subnet.vpc.id),
      binding: this.bindingOfVnic(user),
    });
  }

  private bindingOfVnic(vnic: ObjectKey): PolicyBindingSpec | undefined {
    const user = this.store.referrersOf(vnic).find(({ kind }) => kind === 'policyBinding');
    return user && this.spec(user as ObjectKey<'policyBinding'>);
  }

  private openPort(port: 'UPLINK' | 'TUNNEL', netdevs: readonly string[]): OpenPortFacts {
    const id = this.index.bindingOf.get(port);
    const binding = id === undefined ? undefined : this.spec({ kind: 'policyBinding', id });
    return { netdevs, binding, zoned: this.zoned, foreign: this.ports.foreign };
  }

  private addressPart(ip: string): Part | undefined {
    const holders = [...(this.index.holders.get(ip) ?? [])].flatMap((id) => {
      const spec = this.spec({ kind: 'mapping', id });
      return spec === undefined ? [] : { id, spec, domain: this.ports.vpcNumber(spec.vpc.id) };
    });
    return mappedAddressPart(ip, holders);
  }

  /** Names with characters that mean something to nft are no netdevs of ours. */
  private netdevOf(ifname: string): string | undefined {
    const netdev = this.ports.netdevOf(ifname);
    return netdev !== undefined && /^[\w.:@+=,-]+$/.test(netdev) ? netdev : undefined;
  }

  private spec<K extends ObjectKind>(key: ObjectKey<K>): SpecByKind[K] | undefined {
    return this.store.get(key)?.object.spec as SpecByKind[K] | undefined;
  }
}

function specOf<K extends ObjectKind>(
  _kind: K,
  object: AnyObject | undefined,
): SpecByKind[K] | undefined {
  return object?.spec as SpecByKind[K] | undefined;
}

function specsOf<K extends ObjectKind>(
  kind: K,
  ...objects: readonly (AnyObject | undefined)[]
): SpecByKind[K][] {
  return objects.flatMap((object) => specOf(kind, object) ?? []);
}
