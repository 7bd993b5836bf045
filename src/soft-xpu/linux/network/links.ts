/** Netdevs as items: veth pairs, VXLAN devices, and netdevs that exist already. */
import type { Family } from '../../../base/ip.js';
import {
  LINK_ALIAS,
  linkNameInMaking,
  MAIN_TABLE,
  RULE_PREFERENCE,
  TABLE_NAME,
  VTEP_ADDRESS,
  VXLAN_PORT,
  vxlanName,
} from '../names.js';
import { ip, type Line, type NetItem } from './item.js';
import { rule } from './routing.js';

/** Bytes that VXLAN adds to a packet: outer IP, UDP, VXLAN and inner Ethernet headers. */
export const VXLAN_OVERHEAD: Readonly<Record<Family, number>> = { 4: 50, 6: 70 };

/** A veth pair: the representor here, the VF's end in the host's namespace. */
export interface VethPair {
  readonly name: string;
  /** MAC of the representor. */
  readonly mac: string;
  readonly mtu: number;
  /** MAC of the VF; absent = what the kernel gives. */
  readonly peerMac?: string | undefined;
  /** Where the VF is made, as iproute2's `netns` takes it. */
  readonly peerNetns: string;
}

/** Items of a veth pair. */
export function vethPair({ name, mac, mtu, peerMac, peerNetns }: VethPair): NetItem[] {
  const peer = [`name ${name}`, ...(peerMac === undefined ? [] : [`address ${peerMac}`])];
  const settings = `address ${mac} mtu ${mtu}`;
  const pair = ownLink(name, 'veth', (making) => [
    `link add name ${making} type veth peer ${peer.join(' ')} mtu ${mtu} netns ${peerNetns}`,
    `link set dev ${making} ${settings}`,
  ]);
  const items = [pair, linkSetting(name, settings), linkUp(name)];
  if (peerMac !== undefined) items.push(peerAddress(name, peerMac));
  return items;
}

/** A VXLAN device. `uplinkMtu` is what the outer packets may measure. */
export function vxlanDevice(vni: number, family: Family, uplinkMtu: number): NetItem[] {
  const name = vxlanName(vni, family);
  const settings = `mtu ${uplinkMtu - VXLAN_OVERHEAD[family]}`;
  const device = ownLink(name, 'vxlan', (making) => [
    `link add name ${making} type vxlan id ${vni} dstport ${VXLAN_PORT}` +
      ` local ${VTEP_ADDRESS[family]} nolearning`,
    `link set dev ${making} addrgenmode none`,
    `link set dev ${making} ${settings}`,
  ]);
  const setting = linkSetting(name, settings);
  const ingress = takeAllFrames(name);
  return [device, setting, ingress, linkUp(name), vtepAddress(family), ...outerRules(family)];
}

/**
 * Inner frames are taken whatever their destination MAC: it is the node's, which no object tells. A chain of the netdev's
 * ingress, named as the netdev, says that they are meant for us.
 */
export function takeAllFrames(name: string): NetItem {
  const chain = `chain netdev ${TABLE_NAME} ${name}`;
  const lines = [
    `add table netdev ${TABLE_NAME}`,
    `add ${chain} { type filter hook ingress device "${name}" priority -500; policy accept; }`,
    `flush ${chain}`,
    `add rule netdev ${TABLE_NAME} ${name} meta pkttype set unicast`,
  ];
  const nft = (text: string): Line => ({ tool: 'nft', text });
  return {
    kind: 'setting',
    id: `ingress ${name}`,
    content: 'unicast',
    device: name,
    make: lines.map(nft),
    // The kernel may keep the chain when the netdev goes.
    unmake: [nft(`delete ${chain}`)],
  };
}

/**
 * A netdev that we make, marked as ours. It gets its name last, when it bears the mark: where somebody else's netdev has
 * that name already, no line of ours touches it, and what was made is taken away again.
 */
export function ownLink(
  name: string,
  type: string,
  lines: (making: string) => readonly string[],
): NetItem {
  const making = linkNameInMaking(name);
  const mark = `link set dev ${making} alias ${LINK_ALIAS}`;
  const clear: Line = { ...ip(`link del dev ${making}`), mayFail: true };
  const make = [...lines(making), mark, ...promptAnswers(making)].map(ip);
  return {
    kind: 'link',
    id: `link ${name}`,
    content: type,
    device: name,
    make: [clear, ...make, ip(`link set dev ${making} name ${name}`), clear],
    unmake: [ip(`link del dev ${name}`)],
  };
}

/** Proxy ARP and ND answer at once: by default they wait for up to 0.8 s. No sysctl of a namespace's defaults says so. */
function promptAnswers(name: string): string[] {
  const tables = ['arp_cache', 'ndisc_cache'];
  return tables.map((table) => `ntable change name ${table} dev ${name} proxy_delay 0`);
}

/** What VXLAN devices send is routed by the main table alone: a Route must not take outer packets. */
function outerRules(family: Family): NetItem[] {
  const from = `from ${VTEP_ADDRESS[family]}`;
  return [
    rule(family, RULE_PREFERENCE.outer, `${from} lookup ${MAIN_TABLE}`),
    rule(family, RULE_PREFERENCE.outerLost, `${from} unreachable`),
  ];
}

/** An address of the XPU itself, on `lo` unless a netdev is named. `scope` is IPv4's. */
export function ownAddress(address: string, device = 'lo', scope?: 'host'): NetItem {
  const isV6 = address.includes(':');
  const prefix = device === 'lo' ? `${address}/${isV6 ? 128 : 32}` : `${address}/64`;
  const options = isV6 ? ' nodad' : scope === undefined ? '' : ` scope ${scope}`;
  return {
    kind: 'address',
    id: `address ${prefix} ${device}`,
    content: '',
    device,
    make: [ip(`addr replace ${prefix} dev ${device}${options}`)],
    unmake: [ip(`addr del ${prefix} dev ${device}`)],
  };
}

/** Brings a netdev up. */
export function linkUp(name: string): NetItem {
  return {
    kind: 'up',
    id: `up ${name}`,
    content: 'up',
    device: name,
    make: [ip(`link set dev ${name} up`)],
    unmake: [],
  };
}

/** One sysctl of a netdev, `/` between its parts. It is left as it is when nobody wants it any more. */
export function deviceSysctl(device: string, path: string, value: number): NetItem {
  return {
    kind: 'sysctl',
    id: `sysctl ${path}`,
    content: String(value),
    device,
    make: [{ tool: 'sysctl', text: `${path}=${value}` }],
    unmake: [],
  };
}

/** MAC and MTU of a netdev of ours, which is made with them. */
export function linkSetting(name: string, settings: string): NetItem {
  return {
    kind: 'setting',
    id: `setting ${name}`,
    content: settings,
    device: name,
    inborn: true,
    make: [ip(`link set dev ${name} ${settings}`)],
    unmake: [],
  };
}

/** MAC of a VF whose end is still where it was made: one that was moved into a pod is the pod's. */
function peerAddress(name: string, mac: string): NetItem {
  return {
    kind: 'setting',
    id: `peer ${name}`,
    content: mac,
    device: name,
    inborn: true,
    make: [{ tool: 'host', text: `link set dev ${name} address ${mac}` }],
    unmake: [],
  };
}

/** Of host scope for IPv4, so that the kernel does not choose it as the source of what the router itself says. */
function vtepAddress(family: Family): NetItem {
  return ownAddress(VTEP_ADDRESS[family], 'lo', family === 4 ? 'host' : undefined);
}
