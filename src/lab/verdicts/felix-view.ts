/** What Felix has told so far, as far as a probe needs it: who has which interface, and who is behind a tunnel. */
import { cidrContains, formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip.js';
import { InternalError } from '../../base/errors.js';
import { DesiredStore } from '../../desired/store.js';
import type { DesiredState } from '../../desired/state.js';
import { toDeltas } from '../../driver/envelope.js';
import { decodeToDataplane } from '../../driver/message.js';
import {
  NEWEST_CALICO,
  parseCalicoVersion,
  type CalicoVersion,
} from '../../model/calico-version.js';
import type { WorkloadEndpoint } from '../../model/endpoint.js';
import { compareWorkloadIds } from '../../model/ids.js';
import type { Route, Vtep } from '../../model/network.js';

/** Folds the frames of one Felix after the other. */
export class FelixView {
  /** The state itself, for whoever translates it. */
  readonly store = new DesiredStore();
  private version: CalicoVersion = NEWEST_CALICO;

  /** A restarted Felix: what was said stays in force until the new one is in sync. */
  startSession(): void {
    this.store.beginSession();
    this.version = NEWEST_CALICO;
  }

  /** Takes one frame's body. Throws where it is no message. */
  frame(body: Uint8Array): void {
    const decoded = decodeToDataplane(body);
    const { message } = decoded;
    if (message.payload === 'config_update') {
      this.version = parseCalicoVersion(message.config_update.config['CalicoVersion']);
    }
    for (const delta of toDeltas(decoded, this.version)) this.store.fold(delta);
  }

  /** The state in force. Throws `InternalError` before the first InSync. */
  get state(): DesiredState {
    const { state } = this.store;
    if (state === undefined) throw new InternalError('a verdict was asked for before InSync');
    return state;
  }

  /** The endpoint of a `namespace/pod`: of two on one interface the smaller is in force, the other is not there. */
  endpointOf(workload: string): WorkloadEndpoint | undefined {
    return endpointsInForce(this.state).find(({ id }) => id.workload === workload);
  }

  /** The `namespace/pod` that has an interface. */
  workloadOn(interfaceName: string): string | undefined {
    const holder = endpointsInForce(this.state).find((one) => one.interfaceName === interfaceName);
    return holder?.id.workload;
  }

  /** See the function of this name. */
  isBehindTunnel(address: string): boolean {
    return isBehindTunnel(this.state, address);
  }
}

/** One end of a VXLAN tunnel as Felix told it. */
export interface TunnelEndView {
  /** Address of its outer packets, canonical text. */
  readonly ip: string;
  /** MAC address of its VXLAN device. */
  readonly mac: string;
}

/** The tunnel that packets of a remote address go through. */
export interface TunnelView {
  readonly local: TunnelEndView;
  readonly remote: TunnelEndView;
  readonly vni: number;
}

/** felix-protocol: VXLANVNI. */
const VNI_DEFAULT = 4096;

/** The tunnel of a remote address, if its block is routed through one of which both ends are known. */
export function tunnelOf(
  { routes, vteps, config }: Pick<DesiredState, 'routes' | 'vteps' | 'config'>,
  node: string,
  address: string,
): TunnelView | undefined {
  const route = routeOf(routes, address);
  if (route === undefined || !isTunnelled(route)) return undefined;
  const isV6 = parseIp(address)?.family === 6;
  const local = endOf(vteps.get(node), isV6);
  const remote = endOf(vteps.get(route.nodeName), isV6);
  if (local === undefined || remote === undefined) return undefined;
  return { local, remote, vni: Number(config.get('VXLANVNI') ?? VNI_DEFAULT) };
}

function endOf(vtep: Vtep | undefined, isV6: boolean): TunnelEndView | undefined {
  if (vtep === undefined) return undefined;
  const [ip, mac] = isV6 ? [vtep.parentIpv6, vtep.macV6] : [vtep.parentIp, vtep.mac];
  const address = parseIp(ip);
  if (address === undefined || mac === '') return undefined;
  return { ip: formatIp(address), mac: mac.toLowerCase() };
}

/** True if packets of a remote address arrive encapsulated: its block is routed through a tunnel. */
export function isBehindTunnel({ routes }: DesiredState, address: string): boolean {
  const best = routeOf(routes, address);
  return best !== undefined && isTunnelled(best);
}

function routeOf(all: DesiredState['routes'], address: string): Route | undefined {
  const ip = parseIp(address);
  const routes = [...all.values()].flatMap((route) => {
    const cidr = parseCidr(route.destination);
    const holds = ip !== undefined && cidr !== undefined && cidrContains(cidr, ip);
    return holds && route.kinds.length > 0 ? [{ route, length: cidr.length }] : [];
  });
  return routes.sort((a, b) => b.length - a.length)[0]?.route;
}

/** The longest prefix around an address: a route, or a pool of which Felix tells no routes. */
export function prefixAround({ routes, pools }: DesiredState, address: string): string | undefined {
  const ip = parseIp(address);
  const told = [...routes.values()].filter(({ kinds }) => kinds.length > 0);
  const untold = [...pools.values()].filter(({ cidr }) => !routes.has(cidr));
  const prefixes = [
    ...told.map(({ destination }) => destination),
    ...untold.map(({ cidr }) => cidr),
  ];
  const around = prefixes.flatMap((text) => {
    const cidr = parseCidr(text);
    return ip !== undefined && cidr !== undefined && cidrContains(cidr, ip) ? [cidr] : [];
  });
  const [longest] = around.sort((one, other) => other.length - one.length);
  return longest && formatCidr(longest);
}

/** Local pods that have their interface: of two on one interface the smaller is in force, the other is not there. */
export function endpointsInForce({ workloads }: DesiredState): WorkloadEndpoint[] {
  const ordered = [...workloads.values()].sort((a, b) => compareWorkloadIds(a.id, b.id));
  const names = new Set<string>();
  return ordered.filter(({ interfaceName }) => {
    const isFirst = !names.has(interfaceName);
    names.add(interfaceName);
    return isFirst;
  });
}

/** felix-recordings: a remote block of a VXLAN pool that is not in our subnet. */
function isTunnelled({ kinds, pool, sameSubnet, nodeIp }: Route): boolean {
  const isRemote = kinds.includes('remote-workload') || kinds.includes('remote-tunnel');
  return isRemote && pool === 'vxlan' && !sameSubnet && nodeIp !== '';
}
