/** Ports: what each hangs into the maps that the base chains ask. */
import { FAMILIES, formatCidr, type Family } from '../../../base/ip.js';
import type { Direction, PolicyBindingSpec, StageKind } from '../../../opi/objects/specs.js';
import { domainMark, domainZone, VTEP_ADDRESS, VXLAN_PORT } from '../names.js';
import { PROTOCOL } from '../../memory/packet.js';
import { portText, UPLINK_PORT, type PortRef } from '../../memory/port.js';
import { portDropCounter, totalDropCounter, type CountedReason } from './counters.js';
import { address, ofFamily, oneOf, prefixesOf } from './expression.js';
import { ADDRESSES, CHAINS, DROPS, NETDEVS, PORTS, ROUTED, ROUTED_TO } from './layout.js';
import { renewMark } from './mark.js';
import { countOn, PartBuilder, quoted, type Part } from './part.js';
import { addStage, countDrop, stageChain, stageOf, type StageOwner } from './stage-part.js';

/** A vNIC port with everything that decides about it. */
export interface VnicPortFacts {
  readonly id: string;
  readonly netdev: string;
  readonly adminUp: boolean;
  /** Number of its routing domain. */
  readonly domain: number;
  readonly binding: PolicyBindingSpec | undefined;
}

/** A port without an owner's policy of its own: uplink and tunnel. */
export interface OpenPortFacts {
  readonly netdevs: readonly string[];
  readonly binding: PolicyBindingSpec | undefined;
  /** Addresses decide the zone of what comes in. */
  readonly zoned: boolean;
  /** Netdevs that are not ours share the namespace. */
  readonly foreign: boolean;
}

/** ICMPv6 that connection tracking leaves alone, which a host without an address sends. */
const FROM_NOWHERE =
  'ip6 saddr :: meta l4proto 58 @th,0,8 { 130, 131, 132, 133, 134, 135, 136, 143 }';

const OUTER = 'uplink/outer';

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
  if (binding !== undefined) addBinding(part, [netdev], { port, binding });
  const reason = gateOf(facts);
  if (reason !== undefined) {
    closePort(part, netdev, port, reason, binding !== undefined);
    return part;
  }
  if (binding === undefined) return part;
  openPort(part, netdev, `${portText(port)}/entry`);
  part.chain(`${portText(port)}/entry`, [
    renewMark(domainMark(facts.domain)),
    ...(domainZone(facts.domain) === 0 ? [] : [`ct zone set ${domainZone(facts.domain)}`]),
    ...sourceLines(binding.allowedSources),
    `${countDrop(part, port, 'SOURCE')} drop`,
  ]);
  addVnicStages(part, netdev, { port, binding });
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

/** A netdev of the host port; nothing restricts the host but its uplink's stages. */
export function hostPart(netdev: string, adminUp: boolean): Part {
  const part = new PartBuilder();
  claimNetdev(part, netdev, true);
  part.claim(NETDEVS.host, quoted(netdev));
  if (adminUp) openPort(part, netdev, 'host/entry');
  else {
    part.claim(PORTS.entry, quoted(netdev), `goto ${CHAINS.gateAdminDown}`);
    part.claim(PORTS.exit, quoted(netdev), `goto ${CHAINS.gateAdminDown}`);
  }
  return part;
}

/**
 * The uplink, and the entry of the host port: what the host sends out by the uplink meets UNTRACKED before it is
 * tracked. Its netdevs count in the uplink's binding, for the host port has none.
 */
export function uplinkPart(facts: OpenPortFacts, hostNetdevs: readonly string[]): Part {
  const { netdevs, binding, foreign } = facts;
  const part = new PartBuilder();
  const owner = binding === undefined ? undefined : { port: UPLINK_PORT, binding };
  const untrackedFrom = entryStage(part, owner, 'UNTRACKED', 'FROM_PORT');
  const untrackedTo = entryStage(part, owner, 'UNTRACKED', 'TO_PORT');
  part.chain('host/entry', [
    renewMark(0),
    ...zoneLines(facts.zoned),
    ...untrackedTo.flatMap((line) =>
      netdevs.map((netdev) => `${ROUTED_TO} ${quoted(netdev)} ${line}`),
    ),
  ]);
  if (netdevs.length === 0) return part;
  part.chain('uplink/entry', [
    ...openEntryLines(part, UPLINK_PORT, facts),
    `udp dport ${VXLAN_PORT} jump ${OUTER}`,
    `meta l4proto ${PROTOCOL.ipip} jump ${OUTER}`,
    ...FAMILIES.map((family) => `${address(family, 'daddr')} ${VTEP_ADDRESS[family]} drop`),
    ...(foreign && untrackedFrom.length > 0 ? [`${ROUTED_TO} != @${ROUTED.own} accept`] : []),
    ...untrackedFrom,
  ]);
  const unknown = drop(part, UPLINK_PORT, owner, 'UNKNOWN_PEER');
  part.chain(
    OUTER,
    FAMILIES.flatMap((family) => outerLines(family, unknown)),
  );
  for (const netdev of netdevs) {
    claimNetdev(part, netdev, false);
    openPort(part, netdev, 'uplink/entry');
  }
  if (owner !== undefined) {
    addBinding(part, netdevs, owner);
    for (const netdev of hostNetdevs) claimDrop(part, DROPS.rule, netdev, UPLINK_PORT, 'RULE');
    addOpenStages(part, facts, owner);
    hangStage(part, netdevs, owner, { kind: 'HOST', direction: 'FROM_PORT', map: PORTS.hostFrom });
    hangStage(part, netdevs, owner, { kind: 'HOST', direction: 'TO_PORT', map: PORTS.hostTo });
  }
  return part;
}

/** The inside of the tunnels: one port, whatever devices it has. */
export function tunnelPart(facts: OpenPortFacts): Part {
  const { netdevs, binding } = facts;
  const part = new PartBuilder();
  const port: PortRef = { kind: 'tunnel' };
  const owner = binding === undefined ? undefined : { port, binding };
  part.chain('tunnel/entry', openEntryLines(part, port, facts));
  for (const netdev of netdevs) {
    claimNetdev(part, netdev, true);
    openPort(part, netdev, 'tunnel/entry');
  }
  if (owner !== undefined) {
    addBinding(part, netdevs, owner);
    addOpenStages(part, facts, owner);
  }
  return part;
}

/** Head of the entry of uplink and tunnel: nobody out there may use an address that is here. */
function openEntryLines(part: PartBuilder, port: PortRef, facts: OpenPortFacts): string[] {
  const { binding, zoned } = facts;
  const denied = drop(part, port, binding && { port, binding }, 'SOURCE');
  return [
    renewMark(0),
    ...zoneLines(zoned),
    ...FAMILIES.map(
      (family) => `${address(family, 'saddr')} @${ADDRESSES.local(family)} ${denied}`,
    ),
  ];
}

/** An outer packet at the uplink: one of a known peer goes to the VXLAN device; IPIP is left to policy. */
function outerLines(family: Family, denied: string): string[] {
  const local = address(family, 'daddr');
  const peer = `${local} . ${address(family, 'saddr')} @${ADDRESSES.tunnelPeer(family)}`;
  return [
    `${peer} meta l4proto ${PROTOCOL.ipip} return`,
    `${peer} ${local} set ${VTEP_ADDRESS[family]} notrack accept`,
    `${local} @${ADDRESSES.tunnelEnd(family)} ${denied}`,
  ];
}

/** Counts and drops, in a binding if there is one. */
function drop(
  part: PartBuilder,
  port: PortRef,
  owner: StageOwner | undefined,
  reason: CountedReason,
): string {
  const count =
    owner === undefined ? countOn(totalDropCounter(reason)) : countDrop(part, port, reason);
  return `${count} drop`;
}

function zoneLines(zoned: boolean): string[] {
  if (!zoned) return [];
  return FAMILIES.map(
    (family) => `ct zone set ${address(family, 'daddr')} map @${ADDRESSES.zone(family)}`,
  );
}

function addVnicStages(part: PartBuilder, netdev: string, owner: StageOwner): void {
  const { binding } = owner;
  const { vxlanPort, ipip } = binding.deniedEncapsulation;
  const encapsulated = `${countDrop(part, owner.port, 'ENCAPSULATION')} goto deny/flow`;
  const guards = [
    ...(vxlanPort === undefined ? [] : [`udp dport ${vxlanPort} ${encapsulated}`]),
    ...(ipip ? [`meta l4proto ${PROTOCOL.ipip} ${encapsulated}`] : []),
  ];
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
  if (binding.toHostAction !== 'DROP') return;
  const chain = `${portText(owner.port)}/to-host`;
  part.chain(chain, [`${countDrop(part, owner.port, 'TO_HOST')} goto deny/flow`]);
  part.claim(PORTS.toHost, quoted(netdev), `goto ${chain}`);
}

/** PRE_DNAT and FORWARD of uplink and tunnel. */
function addOpenStages(part: PartBuilder, facts: OpenPortFacts, owner: StageOwner): void {
  const { netdevs, foreign } = facts;
  const foreignOnly =
    foreign && owner.port.kind === 'uplink' ? [`${ROUTED_TO} != @${ROUTED.own} accept`] : [];
  hangStage(part, netdevs, owner, {
    kind: 'PRE_DNAT',
    direction: 'FROM_PORT',
    map: PORTS.preDnat,
    first: foreignOnly,
  });
  hangStage(part, netdevs, owner, {
    kind: 'FORWARD',
    direction: 'FROM_PORT',
    map: PORTS.forwardFrom,
  });
  hangStage(part, netdevs, owner, { kind: 'FORWARD', direction: 'TO_PORT', map: PORTS.forwardTo });
}

interface Hanging {
  readonly kind: StageKind;
  readonly direction: Direction;
  readonly map: string;
  /** What stands before the stage in its chain. */
  readonly first?: readonly string[];
}

/** Adds a stage, if it is there, and the elements that lead to it. */
function hangStage(
  part: PartBuilder,
  netdevs: readonly string[],
  owner: StageOwner,
  { kind, direction, map, first }: Hanging,
): void {
  const stage = stageOf(owner, kind, direction);
  if (stage === undefined) return;
  addStage(part, owner, stage, first);
  const chain = stageChain(owner.port, kind, direction);
  for (const netdev of netdevs) part.claim(map, quoted(netdev), `goto ${chain}`);
}

/** Adds a stage that is asked at entry; gives the line that leads to it, or none. */
function entryStage(
  part: PartBuilder,
  owner: StageOwner | undefined,
  kind: StageKind,
  direction: Direction,
): string[] {
  const stage = owner && stageOf(owner, kind, direction);
  if (owner === undefined || stage === undefined) return [];
  addStage(part, owner, stage);
  return [`goto ${stageChain(owner.port, kind, direction)}`];
}

/** Counters of a binding that shared chains count on, and its wish to have established flows judged again. */
function addBinding(part: PartBuilder, netdevs: readonly string[], owner: StageOwner): void {
  part.keepsCounters = true;
  for (const netdev of netdevs) {
    claimDrop(part, DROPS.rule, netdev, owner.port, 'RULE');
    claimDrop(part, DROPS.noMapping, netdev, owner.port, 'NO_MAPPING');
    if (owner.binding.establishedPolicy === 'REEVALUATE') {
      part.claim(NETDEVS.reevaluated, quoted(netdev));
      part.claim(ROUTED.reevaluated, quoted(netdev));
    }
  }
}

function claimDrop(
  part: PartBuilder,
  map: string,
  netdev: string,
  port: PortRef,
  reason: CountedReason,
): void {
  const name = portDropCounter(port, reason);
  part.counter(name);
  part.claim(map, quoted(netdev), quoted(name));
}

/** `own`: the netdev is there for the XPU alone, which the uplink need not be. */
function claimNetdev(part: PartBuilder, netdev: string, own: boolean): void {
  part.claim(NETDEVS.known, quoted(netdev));
  if (!own) return;
  part.claim(NETDEVS.own, quoted(netdev));
  part.claim(ROUTED.own, quoted(netdev));
}

function openPort(part: PartBuilder, netdev: string, entry: string): void {
  part.claim(PORTS.entry, quoted(netdev), `goto ${entry}`);
  part.claim(PORTS.exit, quoted(netdev), `goto ${CHAINS.open}`);
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
