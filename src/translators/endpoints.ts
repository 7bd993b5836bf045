/** A pod's port on the XPU: Interface, Vnic, and one Mapping for each address that leads to it. */
import { formatIp } from '../base/ip.js';
import type { PlanEntry } from '../opi/objects/plan.js';
import type { AnyObject } from '../opi/objects/specs.js';
import type { EndpointLayout } from './endpoint-layout.js';
import type { ObjectNames } from './names.js';
import type { VnicLists } from './policy/lowering.js';

/** What an endpoint's objects depend on beside its layout. */
export interface EndpointObjectsContext {
  readonly names: ObjectNames;
  /** Lists the lowering made for the Vnic; `undefined` = the deny-all ones. */
  readonly lists: VnicLists | undefined;
  /** Whether the Vnic itself checks source addresses; on native targets the binding does. */
  readonly sourceGuard: boolean;
}

/** Objects of one endpoint, all with its key as origin. */
export function endpointObjects(
  layout: EndpointLayout,
  { names, lists, sourceGuard }: EndpointObjectsContext,
): PlanEntry[] {
  const { endpoint, addresses } = layout;
  const { vpc, subnet } = names;
  const ifname = endpoint.interfaceName;
  const hostInterface = names.interface(ifname);
  const destination = names.vnic(ifname);
  const mac = layout.mac === undefined ? {} : { mac: layout.mac };
  const vnic = (of: VnicLists): AnyObject => ({
    key: destination,
    spec: { subnet, hostInterface, ...mac, sourceGuard, ...of },
  });
  const closed = denyAllLists(names);
  // Lists let established flows live; an endpoint that is not active may have none, so its link goes down. On the native
  // target the binding says so without touching the link.
  const adminUp = endpoint.state === 'active' || !sourceGuard;
  const objects: AnyObject[] = [
    { key: hostInterface, spec: { ifname, vf: true, adminUp } },
    vnic(lists ?? closed),
    ...addresses.map((address) => ({
      key: names.mapping(address),
      spec: { vpc, ip: formatIp(address), subnet, destination, ...mac },
    })),
  ];
  return objects.map((object) => ({
    object,
    origins: [endpoint.key],
    ...(lists !== undefined && object.key === destination ? { closed: vnic(closed) } : {}),
  }));
}

/** Lists that deny everything: those of a vNIC from its birth. */
export function denyAllLists(names: ObjectNames): VnicLists {
  const v4 = [names.denyAll(4)];
  const v6 = [names.denyAll(6)];
  return { ingressV4: v4, ingressV6: v6, egressV4: v4, egressV6: v6 };
}
