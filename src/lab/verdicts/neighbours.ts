/**
 * Who answers for which address at an XPU's ports, as far as no message tells a MAC address. With a real node, pod or
 * router there, ARP and neighbour discovery would find out.
 */
import type { DesiredState } from '../../desired/state.js';
import { endpointsInForce } from './felix-view.js';
import { HOST_INTERFACE, WIRE_INTERFACE } from './probe-frames.js';

/** Addresses behind one port. */
export interface Neighbours {
  readonly ifname: string;
  /** Bare addresses of both families. */
  readonly addresses: readonly string[];
}

/** This node's addresses behind the host port, the other nodes' on the wire, and pods whose MAC address Felix does not know. */
export function neighboursOf(state: DesiredState, node: string): Neighbours[] {
  const nodes = addressesOfNodes(state, node);
  const addressesOf = (isOwn: boolean): string[] => {
    const some = nodes.filter(({ hostname }) => (hostname === node) === isOwn);
    return [...new Set(some.flatMap(({ addresses }) => addresses))].filter((one) => one !== '');
  };
  const pods = endpointsInForce(state).filter(({ mac }) => mac === '');
  return [
    { ifname: WIRE_INTERFACE, addresses: addressesOf(false) },
    { ifname: HOST_INTERFACE, addresses: addressesOf(true) },
    ...pods.map(({ interfaceName, ipv4Nets, ipv6Nets }) => ({
      ifname: interfaceName,
      addresses: [...ipv4Nets, ...ipv6Nets].map(bareAddress),
    })),
  ];
}

function addressesOfNodes({ hosts, vteps, routes }: DesiredState, node: string) {
  const local = [...routes.values()].filter(({ kinds }) => kinds.includes('local-host'));
  return [
    ...[...hosts.values()].map(({ hostname, ipv4, ipv6 }) => ({
      hostname,
      addresses: [ipv4, ipv6],
    })),
    ...[...vteps.values()].map((one) => ({
      hostname: one.node,
      addresses: [one.parentIp, one.parentIpv6],
    })),
    ...local.map(({ destination }) => ({ hostname: node, addresses: [bareAddress(destination)] })),
  ];
}

function bareAddress(prefix: string): string {
  return prefix.split('/')[0] ?? '';
}
