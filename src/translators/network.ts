/**
 * The routing domain: one Vpc, one Subnet that holds every address (an endpoint's IPv4 and IPv6 address may lie in
 * different pools, and pools come and go), a RouteTable per family, and the host port.
 */
import { FAMILIES, formatIp, type IpAddress } from '../base/ip.js';
import type { Origin, PlanEntry } from '../opi/objects/plan.js';
import type { AnyObject } from '../opi/objects/specs.js';
import type { ObjectNames } from './names.js';
import type { VnicLists } from './policy/lowering.js';

/** Origin of objects that are the node's own rather than an endpoint's. */
export const NODE_ORIGIN = 'node';

/** The virtual router, as pods of Calico know it: the gateway addresses answer with this MAC. */
const ROUTER = {
  v4RouterIp: '169.254.1.1',
  v6RouterIp: 'fe80::ecee:eeff:feee:eeee',
  routerMac: 'ee:ee:ee:ee:ee:ee',
} as const;

/** An object of the node's own. */
export function nodeEntry(object: AnyObject): PlanEntry {
  return { object, origins: [NODE_ORIGIN] };
}

/** The host port, as far as policy decides it. */
export interface HostPort {
  readonly ifname: string;
  /** Its policy lists; `undefined` = none of its own. */
  readonly lists: VnicLists | undefined;
  /** What stands in for `lists` while the XPU refuses one of them. */
  readonly closedLists: VnicLists | undefined;
  /** Host endpoints in force: they are up once its Vnic is as planned. */
  readonly owners: readonly Origin[];
}

/** Objects that are always there. `vni`: the domain's VXLAN id, where VXLAN is in use. */
export function networkObjects(
  names: ObjectNames,
  { ifname: hostPort, lists, closedLists, owners }: HostPort,
  vni: number | undefined,
): PlanEntry[] {
  const { vpc, subnet } = names;
  const hostInterface = names.interface(hostPort);
  const objects: AnyObject[] = [
    ...FAMILIES.map((family) => ({ key: names.routeTable(family), spec: { family } })),
    ...FAMILIES.map((family) => denyAll(names, family)),
    {
      key: vpc,
      spec: {
        ...(vni === undefined ? {} : { vni }),
        v4RouteTable: names.routeTable(4),
        v6RouteTable: names.routeTable(6),
      },
    },
    { key: subnet, spec: { vpc, v4Prefix: '0.0.0.0/0', v6Prefix: '::/0', ...ROUTER } },
    { key: hostInterface, spec: { ifname: hostPort, vf: false, adminUp: true } },
  ];
  const vnic = (of: VnicLists): AnyObject => ({
    key: names.vnic(hostPort),
    spec: { subnet, hostInterface, sourceGuard: false, ...of },
  });
  const closed = closedLists === undefined ? {} : { closed: vnic(closedLists) };
  const origins = [NODE_ORIGIN, ...owners];
  return [...objects.map(nodeEntry), { object: vnic(lists ?? NO_LISTS), origins, ...closed }];
}

const NO_LISTS: VnicLists = { ingressV4: [], ingressV6: [], egressV4: [], egressV6: [] };

function denyAll(names: ObjectNames, family: 4 | 6): AnyObject {
  const spec = { family, defaultAction: 'DENY', format: 'FLATTENED', rules: [] } as const;
  return { key: names.denyAll(family), spec };
}

/** The Mapping that leads an address of the node to the host port. */
export function hostMapping(names: ObjectNames, hostPort: string, address: IpAddress): PlanEntry {
  const { vpc, subnet } = names;
  const destination = names.vnic(hostPort);
  const spec = { vpc, ip: formatIp(address), subnet, destination };
  return nodeEntry({ key: names.mapping(address), spec });
}
