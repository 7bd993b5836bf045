/** vNIC and host ports. */
import { FAMILIES, formatCidr } from '../../../base/ip.js';
import type { PolicyBindingSpec, PolicyListsSpec } from '../../../opi/objects/specs.js';
import { PROTOCOL } from '../../memory/packet.js';
import { portText, type PortRef } from '../../memory/port.js';
import { totalDropCounter, type CountedReason } from './counters.js';
import { address, ofFamily, oneOf, prefixesOf } from './expression.js';
import { addBinding, claimDrop, claimNetdev, hangStage, openPort } from './hanging.js';
import { CHAINS, NETDEVS, PORTS } from './layout.js';
import { addLists, hostInvalid, VNIC_INVALID } from './list-part.js';
import { domainEntryLines } from './mark.js';
import { countOn, PartBuilder, quoted, type Part } from './part.js';
import { countDrop, DENY_TO_HOST, ENCAPSULATED, type StageOwner } from './stage-part.js';

/** A vNIC port with everything that decides about it. */
export interface VnicPortFacts {
  readonly id: string;
  readonly netdev: string;
  readonly adminUp: boolean;
  /** Number of its routing domain. */
  readonly domain: number;
  readonly binding: PolicyBindingSpec | undefined;
}

/** ICMPv6 that connection tracking leaves alone, which a host without an address sends. */
const FROM_NOWHERE =
  'ip6 saddr :: meta l4proto 58 @th,0,8 { 130, 131, 132, 133, 134, 135, 136, 143 }';

/** The gate of a closed port, or undefined for an open one. */
function gateOf({ adminUp, binding }: VnicPortFacts): CountedReason | undefined {
  if (!adminUp) return 'ADMIN_DOWN';
  if (binding === undefined) return 'NO_BINDING';
  return binding.disabled ? 'BINDING_DISABLED' : undefined;
}

/** A vNIC port of an XPU with the extension. */
export function vnicPart(facts: VnicPortFacts): Part {
  const { id, netdev, binding } = facts;
  const part = new PartBuilder();
  const port: PortRef = { kind: 'vnic', id };
  claimNetdev(part, netdev, true);
  part.claim(NETDEVS.vnics, quoted(netdev));
  if (binding !== undefined) addBinding(part, [netdev], { port, binding });
  const reason = gateOf(facts);
  if (reason !== undefined) {
    closePort(part, netdev, port, reason, binding !== undefined);
    return part;
  }
  if (binding === undefined) return part;
  openPort(part, netdev, `${portText(port)}/entry`);
  part.chain(`${portText(port)}/entry`, [
    ...domainEntryLines(facts.domain),
    ...sourceLines(binding.allowedSources),
    `${countDrop(part, port, 'SOURCE')} drop`,
  ]);
  addVnicStages(part, netdev, { port, binding });
  return part;
}

/** A Vnic of plain network/cloud. */
export interface ListedVnicFacts {
  readonly id: string;
  readonly netdev: string;
  readonly adminUp: boolean;
  readonly domain: number;
  /** Addresses that the owner may send from; undefined is all. */
  readonly sources: readonly string[] | undefined;
  readonly levels: readonly PolicyListsSpec[];
}

/** A vNIC port without the extension: its lists rule. */
export function listedVnicPart(facts: ListedVnicFacts): Part {
  const { id, netdev, adminUp, sources, levels } = facts;
  const part = new PartBuilder();
  const port: PortRef = { kind: 'vnic', id };
  claimNetdev(part, netdev, true);
  part.claim(NETDEVS.vnics, quoted(netdev));
  if (!adminUp) {
    closePort(part, netdev, port, 'ADMIN_DOWN', false);
    return part;
  }
  openPort(part, netdev, `${portText(port)}/entry`);
  part.chain(`${portText(port)}/entry`, [
    ...domainEntryLines(facts.domain),
    ...(sources === undefined ? [] : sourceLines(sources)),
    ...(sources === undefined ? [] : [`${countOn(totalDropCounter('SOURCE'))} drop`]),
  ]);
  addLists(part, { vnic: id, netdev, invalid: VNIC_INVALID }, levels);
  return part;
}

/** A representor whose Interface no Vnic uses, or whose Vnic is closed whatever its policy says. */
export function idlePart(netdev: string): Part {
  const part = new PartBuilder();
  claimNetdev(part, netdev, true);
  part.claim(PORTS.entry, quoted(netdev), `goto ${CHAINS.gateNoBinding}`);
  part.claim(PORTS.exit, quoted(netdev), `goto ${CHAINS.gateNoBinding}`);
  return part;
}

/** Representors that are there before anybody speaks of them. */
export function reservedPart(netdevs: Iterable<string>): Part {
  const part = new PartBuilder();
  for (const netdev of netdevs) part.claim(NETDEVS.reserved, quoted(netdev));
  return part;
}

/** The lists of a Vnic on a netdev of the host port. */
export interface HostLists {
  readonly vnic: string;
  readonly levels: readonly PolicyListsSpec[];
  readonly uplink: string | undefined;
}

/** A netdev of the host port; with the extension nothing restricts the host but the uplink's stages. */
export function hostPart(netdev: string, adminUp: boolean, lists: HostLists | undefined): Part {
  const part = new PartBuilder();
  claimNetdev(part, netdev, true);
  part.claim(NETDEVS.host, quoted(netdev));
  if (adminUp) openPort(part, netdev, 'host/entry');
  else {
    part.claim(PORTS.entry, quoted(netdev), `goto ${CHAINS.gateAdminDown}`);
    part.claim(PORTS.exit, quoted(netdev), `goto ${CHAINS.gateAdminDown}`);
  }
  if (lists === undefined) return part;
  const { vnic, levels, uplink } = lists;
  addLists(part, { vnic, netdev, invalid: hostInvalid(uplink) }, levels);
  return part;
}

function addVnicStages(part: PartBuilder, netdev: string, owner: StageOwner): void {
  const { binding } = owner;
  const { vxlanPort, ipip } = binding.deniedEncapsulation;
  const guards = [
    ...(vxlanPort === undefined ? [] : [`udp dport ${vxlanPort} goto ${ENCAPSULATED}`]),
    ...(ipip ? [`meta l4proto ${PROTOCOL.ipip} goto ${ENCAPSULATED}`] : []),
  ];
  claimDrop(part, [netdev], owner.port, 'ENCAPSULATION');
  const bypass = binding.fromHostBypass ? [`iifname @${NETDEVS.host} accept`] : [];
  hangStage(part, [netdev], owner, {
    kind: 'PRE_DNAT',
    direction: 'FROM_PORT',
    map: PORTS.preDnat,
  });
  hangStage(part, [netdev], owner, {
    kind: 'FORWARD',
    direction: 'FROM_PORT',
    map: PORTS.forwardFrom,
  });
  hangStage(part, [netdev], owner, { kind: 'FORWARD', direction: 'TO_PORT', map: PORTS.forwardTo });
  hangStage(part, [netdev], owner, {
    kind: 'WORKLOAD',
    direction: 'FROM_PORT',
    map: PORTS.workloadFrom,
    first: guards,
  });
  hangStage(part, [netdev], owner, {
    kind: 'WORKLOAD',
    direction: 'TO_PORT',
    map: PORTS.workloadTo,
    first: bypass,
  });
  claimDrop(part, [netdev], owner.port, 'TO_HOST');
  if (binding.toHostAction !== 'DROP') return;
  part.claim(PORTS.toHost, quoted(netdev), `goto ${DENY_TO_HOST}`);
}

function closePort(
  part: PartBuilder,
  netdev: string,
  port: PortRef,
  reason: CountedReason,
  bound: boolean,
): void {
  const chain = `${portText(port)}/gate`;
  const count = bound ? countDrop(part, port, reason) : countOn(totalDropCounter(reason));
  part.chain(chain, [`${count} drop`]);
  part.claim(PORTS.entry, quoted(netdev), `goto ${chain}`);
  part.claim(PORTS.exit, quoted(netdev), `goto ${chain}`);
}

/** Addresses a vNIC's owner may send from; a line that matches ends the check. */
function sourceLines(allowed: readonly string[]): string[] {
  const lines = FAMILIES.flatMap((family) => {
    const prefixes = prefixesOf(family, allowed);
    if (prefixes.length === 0) return [];
    if (prefixes.some(({ length }) => length === 0)) return [`${ofFamily(family)} accept`];
    return [`${address(family, 'saddr')} ${oneOf(prefixes.map(formatCidr))} accept`];
  });
  return [...lines, 'ip6 saddr fe80::/10 accept', `${FROM_NOWHERE} accept`];
}
