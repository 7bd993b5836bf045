/** Who holds an address, where a packet to it leaves, and which host endpoint speaks for the uplink. */
import { cidrContains, parseCidr, parseIp, type Cidr, type IpAddress } from '../base/ip.js';
import type { HostEndpoint } from '../gen/felix/types.js';
import { Settings } from './config.js';
import { addressOf, workloadKey, type FelixState, type Route, type Workload } from './state.js';

/** Where a destination is, for packets of this node. */
export type Destination =
  | { readonly kind: 'host' }
  | { readonly kind: 'workload'; readonly workload: Workload }
  | { readonly kind: 'uplink' }
  | { readonly kind: 'tunnel' }
  /** An address of this node's own blocks that nobody holds. */
  | { readonly kind: 'nowhere' };

/** An endpoint in force with its addresses parsed. */
interface HeldNets {
  readonly workload: Workload;
  readonly nets: readonly Cidr[];
}

const CONTROL_PREFIXES = prefixes([
  '169.254.0.0/16',
  '224.0.0.0/4',
  '255.255.255.255/32',
  'fe80::/10',
  'ff00::/8',
]);

/** The places of one state. Built once per state, asked per packet. */
export class Places {
  /** Addresses of this node. */
  readonly hostAddresses: readonly IpAddress[];
  /** Endpoints in force: of two on one interface, the smaller. */
  private readonly workloads: readonly HeldNets[];
  private readonly routes: readonly Route[];

  constructor(state: FelixState) {
    this.routes = [...state.routes.values()];
    this.hostAddresses = hostAddresses(state, this.routes);
    this.workloads = workloadsInForce(state).map((workload) => {
      const { ipv4_nets, ipv6_nets } = workload.endpoint;
      return { workload, nets: prefixes([...ipv4_nets, ...ipv6_nets]) };
    });
  }

  /** The endpoint of a `workload_id` that is in force. */
  workload(workloadId: string): Workload | undefined {
    return this.workloads.find(({ workload }) => workload.id.workload_id === workloadId)?.workload;
  }

  /** True if the node itself has the address: no endpoint can hold it then. */
  isHost(ip: IpAddress): boolean {
    return this.hostAddresses.some((own) => sameAddress(own, ip));
  }

  /** The local endpoint that holds the address: the smallest of those that list it. */
  holder(ip: IpAddress): Workload | undefined {
    if (this.isHost(ip)) return undefined;
    return this.workloads.find(({ nets }) => nets.some((net) => cidrContains(net, ip)))?.workload;
  }

  /** Where a packet to the address goes. Link-local, multicast and so the gateway is the host, unless it is the sender. */
  destination(ip: IpAddress, fromHost: boolean): Destination {
    if (this.isHost(ip)) return { kind: 'host' };
    const workload = this.holder(ip);
    if (workload !== undefined) return { kind: 'workload', workload };
    if (!fromHost && CONTROL_PREFIXES.some((net) => cidrContains(net, ip))) {
      return { kind: 'host' };
    }
    const route = this.routeTo(ip);
    if (route?.kinds.includes('local-workload') === true) return { kind: 'nowhere' };
    return { kind: isTunnelled(route) ? 'tunnel' : 'uplink' };
  }

  /** True if packets of that remote address come through a tunnel. */
  comesThroughTunnel(ip: IpAddress): boolean {
    return isTunnelled(this.routeTo(ip));
  }

  /** Longest prefix. The CIDR of a pool is no route, and this node's own tunnel address is no destination. */
  private routeTo(ip: IpAddress): Route | undefined {
    return this.routes
      .filter(({ kinds }) => kinds.some((kind) => kind !== 'local-tunnel'))
      .filter(({ destination }) => cidrContains(destination, ip))
      .sort((a, b) => b.destination.length - a.destination.length)[0];
  }
}

/** felix-recordings: a remote block of a VXLAN pool that is not in our subnet lies behind the tunnel. */
function isTunnelled(route: Route | undefined): boolean {
  if (route === undefined) return false;
  const { ip_pool_type, same_subnet, dst_node_ip } = route.update;
  const isRemote = route.kinds.includes('remote-workload') || route.kinds.includes('remote-tunnel');
  return isRemote && ip_pool_type === POOL_VXLAN && !same_subnet && dst_node_ip !== '';
}

const POOL_VXLAN = 2;

function hostAddresses(state: FelixState, routes: readonly Route[]): IpAddress[] {
  const node = state.nodes.get(new Settings(state.config).nodeName);
  const metadata = [addressOf(node?.ipv4), addressOf(node?.ipv6)];
  const routed = routes
    .filter(({ kinds }) => kinds.includes('local-host'))
    .map(({ update }) => addressOf(update.dst));
  return [...metadata, ...routed].filter((ip) => ip !== undefined);
}

function workloadsInForce(state: FelixState): Workload[] {
  const ordered = [...state.workloads.values()].sort((a, b) =>
    workloadKey(a.id) < workloadKey(b.id) ? -1 : 1,
  );
  const byInterface = new Map<string, Workload>();
  for (const one of ordered) {
    if (!byInterface.has(one.endpoint.name)) byInterface.set(one.endpoint.name, one);
  }
  return [...byInterface.values()];
}

/** The host endpoints that bind to the uplink interface and to every interface. */
export interface HostEndpoints {
  /** By name, or without a name by an expected address; smallest id. */
  readonly specific?: HostEndpoint;
  /** `*`; smallest id. */
  readonly any?: HostEndpoint;
}

/** Resolves host endpoints for an interface; felix-protocol: host endpoints. */
export function resolveHostEndpoints(
  state: FelixState,
  interfaceName: string,
  addresses: readonly IpAddress[],
): HostEndpoints {
  const ordered = [...state.hostEndpoints].sort(([a], [b]) => (a < b ? -1 : 1));
  const endpoints = ordered.map(([, endpoint]) => endpoint);
  const isExpected = ({ expected_ipv4_addrs, expected_ipv6_addrs }: HostEndpoint): boolean =>
    [...expected_ipv4_addrs, ...expected_ipv6_addrs].some((text) => {
      const ip = parseIp(text);
      return ip !== undefined && addresses.some((own) => sameAddress(own, ip));
    });
  const specific = endpoints.find(
    (one) => one.name === interfaceName || (one.name === '' && isExpected(one)),
  );
  const any = endpoints.find((one) => one.name === '*');
  return { ...(specific && { specific }), ...(any && { any }) };
}

/** True for equal addresses of one family. */
export function sameAddress(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.value === b.value;
}

function prefixes(texts: readonly string[]): Cidr[] {
  return texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
}
