/** Interfaces, addresses and routes of a lab's network namespaces, as sysctls and commands of iproute2. Pure. */
import { FAMILIES, type Family } from '../../base/ip.js';
import { WIRE_MTU } from './mtu.js';
import type { LabNode, LabPod } from './model.js';
import {
  BRIDGE,
  HOST_INTERFACE,
  namespaceNames,
  POD_INTERFACE,
  UPLINK_INTERFACE,
} from './names.js';

/** What is to be done in one namespace. Links first, then sysctls, then the rest: a sysctl of a link needs the link. */
export interface Wiring {
  readonly namespace: string;
  /** Commands of `ip -batch` that make links. */
  readonly links: readonly string[];
  /** Paths below /proc/sys/net and their values. */
  readonly sysctls: readonly (readonly [path: string, value: number])[];
  /** Further commands of `ip -batch`. */
  readonly commands: readonly string[];
}

/** The gateway that every pod and node has: Calico's, and what its MAC ee:ee:ee:ee:ee:ee gives in IPv6. */
export const GATEWAY: Readonly<Record<Family, string>> = {
  4: '169.254.1.1',
  6: 'fe80::ecee:eeff:feee:eeee',
};

/** The wire: a bridge. It must not filter multicast by membership, which nobody on it announces. */
export function wireWiring(lab: string, nodes: readonly LabNode[]): Wiring {
  return {
    namespace: namespaceNames.wire(lab),
    links: [
      `link add ${BRIDGE} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
      ...nodes.flatMap(({ name, number }) => [
        `link add ${portName(number)} mtu ${WIRE_MTU} type veth peer name ${UPLINK_INTERFACE} ` +
          `address ${uplinkMac(number)} mtu ${WIRE_MTU} netns ${namespaceNames.xpu(lab, name)}`,
        `link set ${portName(number)} master ${BRIDGE} up`,
      ]),
    ],
    sysctls: [[`ipv6/conf/${BRIDGE}/disable_ipv6`, 1]],
    commands: ['link set lo up', `link set ${BRIDGE} up`],
  };
}

/**
 * The underlay's part of an XPU: an uplink that answers for the node's addresses, which lie behind it. That the XPU forwards
 * at all is up to its data plane, which does not begin before its rules are in force. The uplink has an address of its own because an ARP request from 169.254.1.1, which every XPU has, would be taken for a spoofed one.
 */
export function xpuWiring(lab: string, node: LabNode, nodes: readonly LabNode[]): Wiring {
  const others = nodes.filter(({ number }) => number !== node.number);
  return {
    namespace: namespaceNames.xpu(lab, node.name),
    links: ['link set lo up'],
    sysctls: [
      [`ipv4/conf/${UPLINK_INTERFACE}/rp_filter`, 0],
      [`ipv4/conf/${UPLINK_INTERFACE}/send_redirects`, 0],
      [`ipv4/conf/${UPLINK_INTERFACE}/proxy_arp`, 1],
      [`ipv4/neigh/${UPLINK_INTERFACE}/proxy_delay`, 0],
      [`ipv6/conf/${UPLINK_INTERFACE}/accept_dad`, 0],
      [`ipv6/conf/${UPLINK_INTERFACE}/proxy_ndp`, 1],
      [`ipv6/neigh/${UPLINK_INTERFACE}/proxy_delay`, 0],
    ],
    commands: [
      `link set ${UPLINK_INTERFACE} up`,
      `addr add 169.254.64.${node.number}/32 dev ${UPLINK_INTERFACE}`,
      ...bothFamilies(node.addresses, (address, family) =>
        family === 6 ? [`neigh add proxy ${address} dev ${UPLINK_INTERFACE}`] : [],
      ),
      ...others.flatMap(({ addresses }) =>
        bothFamilies(addresses, (address, family) => [
          family === 4
            ? `route add ${address}/32 dev ${UPLINK_INTERFACE} scope link`
            : `route add ${address}/128 dev ${UPLINK_INTERFACE}`,
        ]),
      ),
    ],
  };
}

/** A node before its XPU has given it an interface. */
export function bareNodeWiring(lab: string, { name }: LabNode): Wiring {
  return {
    namespace: namespaceNames.host(lab, name),
    links: ['link set lo up'],
    sysctls: [],
    commands: [],
  };
}

/** A node's interface towards its XPU. */
export function nodeWiring(lab: string, { name, addresses }: LabNode): Wiring {
  return {
    namespace: namespaceNames.host(lab, name),
    links: [],
    ...endWiring(HOST_INTERFACE, Object.values(addresses), WIRE_MTU),
  };
}

/** A pod's interface: a vNIC that waits in the node's namespace under the endpoint's interface name. */
export function podWiring(lab: string, pod: LabPod, mtu: number): Wiring {
  const { sysctls, commands } = endWiring(POD_INTERFACE, pod.addresses, mtu);
  return {
    namespace: namespaceNames.pod(lab, pod.name),
    links: ['link set lo up'],
    sysctls,
    commands,
  };
}

/** Moves a pod's vNIC from its node into it. To be run in the node's namespace. */
export function moveVnic(lab: string, { name, interfaceName }: LabPod): string {
  return `link set ${interfaceName} netns ${namespaceNames.pod(lab, name)} name ${POD_INTERFACE}`;
}

/** Addresses without a network, and one gateway for everything: what Calico's CNI plugin makes. */
function endWiring(
  name: string,
  addresses: readonly string[],
  mtu: number,
): Pick<Wiring, 'sysctls' | 'commands'> {
  const has = (family: Family): boolean => addresses.some((one) => familyOf(one) === family);
  return {
    sysctls: [[`ipv6/conf/${name}/accept_dad`, 0]],
    commands: [
      `link set ${name} mtu ${mtu} up`,
      ...addresses.map((address) =>
        familyOf(address) === 4
          ? `addr replace ${address}/32 dev ${name}`
          : `addr replace ${address}/128 dev ${name} nodad`,
      ),
      ...(has(4)
        ? [
            `route replace ${GATEWAY[4]} dev ${name} scope link`,
            `route replace default via ${GATEWAY[4]} dev ${name}`,
          ]
        : []),
      ...(has(6) ? [`route replace ::/0 via ${GATEWAY[6]} dev ${name}`] : []),
    ],
  };
}

function bothFamilies(
  addresses: LabNode['addresses'],
  commandsOf: (address: string, family: Family) => readonly string[],
): string[] {
  return FAMILIES.flatMap((family) => {
    const address = addresses[family];
    return address === undefined ? [] : commandsOf(address, family);
  });
}

function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

function portName(node: number): string {
  return `n${node}`;
}

function uplinkMac(node: number): string {
  return `02:00:00:00:00:${node.toString(16).padStart(2, '0')}`;
}
