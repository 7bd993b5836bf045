/** The ports without an owner's policy of their own: uplink and tunnel, and the entry of the host port. */
import { FAMILIES, type Family } from '../../../base/ip.js';
import type { Direction, PolicyBindingSpec } from '../../../opi/objects/specs.js';
import { MARK, VTEP_ADDRESS, VXLAN_PORT } from '../names.js';
import { PROTOCOL } from '../../memory/packet.js';
import { UPLINK_PORT, type PortRef } from '../../memory/port.js';
import { totalDropCounter, type CountedReason } from './counters.js';
import { address } from './expression.js';
import { addBinding, claimDrop, claimNetdev, countStage, hangStage, openPort } from './hanging.js';
import { ADDRESSES, PORTS, ROUTED, ROUTED_TO } from './layout.js';
import { domainEntryLines, renewMark } from './mark.js';
import { countOn, PartBuilder, quoted, type Part } from './part.js';
import { addStage, countDrop, stageOf, type StageOwner } from './stage-part.js';

/** A port without an owner's policy of its own: uplink and tunnel. */
export interface OpenPortFacts {
  readonly netdevs: readonly string[];
  readonly binding: PolicyBindingSpec | undefined;
  /** Addresses decide the zone of what comes in. */
  readonly zoned: boolean;
  /** Netdevs that are not ours share the namespace. */
  readonly foreign: boolean;
}

const OUTER = 'uplink/outer';

/**
 * The uplink, and the entry of the host port: what the host sends out by the uplink meets UNTRACKED before it is
 * tracked. Its netdevs count in the uplink's binding, for the host port has none.
 */
export function uplinkPart(facts: OpenPortFacts, hostNetdevs: readonly string[]): Part {
  const { netdevs, binding, foreign } = facts;
  const part = new PartBuilder();
  const owner = binding === undefined ? undefined : { port: UPLINK_PORT, binding };
  const untrackedFrom = entryStage(part, owner, 'FROM_PORT', netdevs);
  const untrackedTo = entryStage(part, owner, 'TO_PORT', hostNetdevs);
  part.chain('host/entry', [
    renewMark(MARK.byDestination),
    ...zoneLines(facts.zoned),
    ...untrackedTo.flatMap((line) =>
      netdevs.map((netdev) => `${ROUTED_TO} ${quoted(netdev)} ${line}`),
    ),
  ]);
  if (netdevs.length === 0) return part;
  part.chain('uplink/entry', [
    renewMark(MARK.byDestination),
    ...zoneLines(facts.zoned),
    ...localSourceLines(ADDRESSES.local, drop(part, UPLINK_PORT, owner, 'SOURCE')),
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
    claimDrop(part, hostNetdevs, UPLINK_PORT, 'RULE');
    addOpenStages(part, facts, owner);
    hangStage(part, netdevs, owner, { kind: 'HOST', direction: 'FROM_PORT', map: PORTS.hostFrom });
    hangStage(part, netdevs, owner, { kind: 'HOST', direction: 'TO_PORT', map: PORTS.hostTo });
  }
  return part;
}

/**
 * The inside of the tunnels: one port, whatever devices it has. `domains` gives the routing domain of each netdev: what
 * comes in by one is that domain's, and must not come from an address that the domain has here.
 */
export function tunnelPart(facts: OpenPortFacts, domains: ReadonlyMap<string, number>): Part {
  const { netdevs, binding } = facts;
  const part = new PartBuilder();
  const port: PortRef = { kind: 'tunnel' };
  const owner = binding === undefined ? undefined : { port, binding };
  const denied = drop(part, port, owner, 'SOURCE');
  for (const [netdev, domain] of domains) {
    const entry = `tunnel/entry/${domain}`;
    part.chain(entry, [
      ...domainEntryLines(domain),
      ...localSourceLines((family) => ADDRESSES.localOf(domain, family), denied),
    ]);
    claimNetdev(part, netdev, true);
    openPort(part, netdev, entry);
  }
  if (owner !== undefined) {
    addBinding(part, netdevs, owner);
    addOpenStages(part, facts, owner);
  }
  return part;
}

/** Nobody out there may use an address that is here. */
function localSourceLines(local: (family: Family) => string, denied: string): string[] {
  return FAMILIES.map((family) => `${address(family, 'saddr')} @${local(family)} ${denied}`);
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

/** Adds an UNTRACKED stage, asked as packets come in by these netdevs; gives the line that leads to it, or none. */
function entryStage(
  part: PartBuilder,
  owner: StageOwner | undefined,
  direction: Direction,
  netdevs: readonly string[],
): string[] {
  const stage = owner && stageOf(owner, 'UNTRACKED', direction);
  if (owner === undefined || stage === undefined) return [];
  countStage(part, netdevs, owner, stage);
  return [`goto ${addStage(part, owner.binding, stage)}`];
}
