/** Which units a change of an object touches: no more than it can have moved. */
import type { ObjectKey, ObjectKind } from '../../../opi/objects/key.js';
import type { AnyObject, SpecByKind } from '../../../opi/objects/specs.js';
import type { ObjectStore } from '../../store/object-store.js';
import type { ObjectChange } from '../../store/transaction.js';
import { domainZone } from '../names.js';
import type { GroupSets } from './groups.js';
import type { ObjectIndex } from './object-index.js';

/** Units that stand for one object, or for one address. */
export type UnitKind =
  | 'interface'
  | 'networkPolicy'
  | 'securityPolicy'
  | 'addressGroup'
  | 'tunnel'
  | 'subnet'
  | 'vpc'
  | 'address';

/** Names of units: what is compiled as one. */
export type Unit = 'spine' | 'reserved' | 'uplink' | 'tunnel' | 'router' | `${UnitKind} ${string}`;

/** What changes are followed in. */
export interface Followed {
  readonly store: ObjectStore;
  readonly index: ObjectIndex;
  readonly groups: GroupSets;
  readonly extension: boolean;
  /** Netdev of an Interface, if rules can speak of it. */
  readonly netdevOf: (ifname: string) => string | undefined;
  readonly vpcNumber: (vpcId: string) => number;
}

/** Follows a change in the index, and marks the units that it touches. The store is as it is after the change. */
export function follow(change: ObjectChange, followed: Followed, touched: Set<Unit>): void {
  const { key, before, after } = change;
  switch (key.kind) {
    case 'networkPolicy':
      touched.add(`networkPolicy ${key.id}`);
      return;
    case 'securityPolicy':
      if (!followed.extension) touched.add(`securityPolicy ${key.id}`);
      return;
    case 'addressGroup':
      followed.groups.define(key.id, specOf('addressGroup', after)?.memberType);
      reshape(key.id, followed.store, touched);
      return;
    case 'policyBinding':
      followBinding(change, followed, touched);
      return;
    case 'interface':
      followInterface(change, followed, touched);
      return;
    case 'vnic':
      for (const spec of specsOf('vnic', before, after)) {
        touched.add(`interface ${spec.hostInterface.id}`);
      }
      if (!followed.extension) touched.add('router');
      return;
    case 'mapping':
      followMapping(change, followed, touched);
      return;
    case 'tunnel':
      touched.add(`tunnel ${key.id}`);
      if (followed.index.dig(key.id, specOf('tunnel', after))) touched.add('tunnel');
      return;
    case 'subnet':
      touched.add(`subnet ${key.id}`);
      if (!followed.extension) touchVnicsOf(key, followed.store, touched);
      return;
    case 'vpc':
      followVpc(change, followed, touched);
      return;
    default:
      return;
  }
}

/** A group has other sets than before: rules that name it are written anew. */
export function reshape(id: string, store: ObjectStore, touched: Set<Unit>): void {
  touched.add(`addressGroup ${id}`);
  for (const referrer of referrers({ kind: 'addressGroup', id }, 'networkPolicy', store)) {
    touched.add(`networkPolicy ${referrer.id}`);
  }
}

function followBinding(
  { key, before, after }: ObjectChange,
  { store, index }: Followed,
  touched: Set<Unit>,
): void {
  for (const spec of specsOf('policyBinding', before, after)) {
    index.bind(key.id, spec, after !== undefined);
    if ('vnic' in spec.port) touchVnic(spec.port.vnic, store, touched);
    else touched.add(spec.port.port === 'UPLINK' ? 'uplink' : 'tunnel');
  }
}

function followInterface(
  { key, after }: ObjectChange,
  { index, netdevOf, extension }: Followed,
  touched: Set<Unit>,
): void {
  const spec = specOf('interface', after);
  touched.add(`interface ${key.id}`);
  if (!index.follow(key.id, spec, spec && netdevOf(spec.ifname))) return;
  touched.add('uplink');
  if (!extension) touched.add('router');
}

function followMapping(
  { key, before, after }: ObjectChange,
  { store, index, extension }: Followed,
  touched: Set<Unit>,
): void {
  for (const { ip, destination } of specsOf('mapping', before, after)) {
    index.hold(ip, key.id, specOf('mapping', after)?.ip === ip);
    touched.add(`address ${ip}`);
    // Where lists rule, a vNIC's source guard is made of its Mappings.
    if (!extension && destination.kind === 'vnic') touchVnic(destination, store, touched);
  }
}

/** Zones are told by address only where there is more than one. */
function followVpc(
  { key, after }: ObjectChange,
  { store, index, vpcNumber, extension }: Followed,
  touched: Set<Unit>,
): void {
  touched.add(`vpc ${key.id}`);
  const before = index.zoned.size > 0;
  if (after !== undefined && domainZone(vpcNumber(key.id)) !== 0) index.zoned.add(key.id);
  else index.zoned.delete(key.id);
  if (index.zoned.size > 0 !== before) touched.add('uplink');
  if (extension) return;
  for (const subnet of referrers(key, 'subnet', store)) touchVnicsOf(subnet, store, touched);
}

function touchVnicsOf(subnet: ObjectKey, store: ObjectStore, touched: Set<Unit>): void {
  for (const vnic of referrers(subnet, 'vnic', store)) touchVnic(vnic, store, touched);
}

function touchVnic(vnic: ObjectKey, store: ObjectStore, touched: Set<Unit>): void {
  const spec = store.get(vnic)?.object.spec as SpecByKind['vnic'] | undefined;
  if (spec !== undefined) touched.add(`interface ${spec.hostInterface.id}`);
}

function referrers(key: ObjectKey, kind: ObjectKind, store: ObjectStore): ObjectKey[] {
  return store.referrersOf(key).filter((referrer) => referrer.kind === kind);
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
