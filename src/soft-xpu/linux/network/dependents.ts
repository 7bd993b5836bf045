/** Which objects must be looked at again because another one changed: not more than a change can have moved. */
import { keyText, type KeyText, type ObjectKey } from '../../../opi/objects/key.js';
import type {
  AnyObject,
  InterfaceSpec,
  SubnetSpec,
  VnicSpec,
  VpcSpec,
} from '../../../opi/objects/specs.js';
import type { ObjectStore } from '../../store/object-store.js';
import type { ObjectChange } from '../../store/transaction.js';

/** Adds the keys of a change to `touched`. The store is as it is after the change. */
export function touch(
  { key, before, after }: ObjectChange,
  store: ObjectStore,
  touched: Set<KeyText>,
): void {
  const add = (keys: readonly ObjectKey[]): void => {
    for (const each of keys) touched.add(keyText(each));
  };
  const referrers = (of: ObjectKey, kind: ObjectKey['kind']): ObjectKey[] =>
    store.referrersOf(of).filter((referrer) => referrer.kind === kind);
  const addVnic = (vnic: ObjectKey): void => add([vnic, ...referrers(vnic, 'mapping')]);
  add([key]);
  switch (key.kind) {
    case 'vnic':
      if (differ<VnicSpec>(before, after, ['mac'])) addVnic(key);
      return;
    case 'interface':
      if (!differ<InterfaceSpec>(before, after, ['mac'])) return;
      for (const vnic of referrers(key, 'vnic')) addVnic(vnic);
      return;
    case 'subnet':
      if (differ<SubnetSpec>(before, after, ['routerMac', 'v6RouterIp'])) {
        add(referrers(key, 'vnic'));
      }
      return;
    case 'vpc':
      for (const table of changedTables(before, after)) add(referrers(table, 'route'));
      return;
    case 'tunnel':
      add([...referrers(key, 'route'), ...referrers(key, 'mapping')]);
      return;
    case 'nextHop':
      add(referrers(key, 'route'));
      return;
    default:
      return;
  }
}

/** True if one of the fields differs, or there is only one of the objects. */
function differ<T>(
  before: AnyObject | undefined,
  after: AnyObject | undefined,
  fields: readonly (keyof T)[],
): boolean {
  if (before === undefined || after === undefined) return true;
  const [was, is] = [before.spec as T, after.spec as T];
  return fields.some((field) => was[field] !== is[field]);
}

function changedTables(
  before: AnyObject | undefined,
  after: AnyObject | undefined,
): ObjectKey<'routeTable'>[] {
  const [was, is] = [before, after].map((object) => object?.spec as VpcSpec | undefined);
  return (['v4RouteTable', 'v6RouteTable'] as const).flatMap((field) => {
    const [old, young] = [was?.[field], is?.[field]];
    return old?.id === young?.id ? [] : [old, young].filter((table) => table !== undefined);
  });
}
