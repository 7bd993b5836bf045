/** How ports hang their chains into the maps that the base chains ask. */
import type { Direction, StageKind } from '../../../opi/objects/specs.js';
import type { PortRef } from '../../memory/port.js';
import { portDropCounter, type CountedReason } from './counters.js';
import { CHAINS, DROPS, NETDEVS, PORTS, ROUTED } from './layout.js';
import { quoted, type PartBuilder } from './part.js';
import { addStage, stageChain, stageOf, type StageOwner } from './stage-part.js';

/** A stage and the map that leads to it. */
export interface Hanging {
  readonly kind: StageKind;
  readonly direction: Direction;
  readonly map: string;
  /** What stands before the stage in its chain. */
  readonly first?: readonly string[];
}

/** Adds a stage, if it is there, and the elements that lead to it. */
export function hangStage(
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

/** Counters of a binding that shared chains count on, and its wish to have established flows judged again. */
export function addBinding(part: PartBuilder, netdevs: readonly string[], owner: StageOwner): void {
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

/** A shared chain counts what it drops at a netdev in the binding of a port. */
export function claimDrop(
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
export function claimNetdev(part: PartBuilder, netdev: string, own: boolean): void {
  part.claim(NETDEVS.known, quoted(netdev));
  if (!own) return;
  part.claim(NETDEVS.own, quoted(netdev));
  part.claim(ROUTED.own, quoted(netdev));
}

/** A port that lets packets in and out; `entry` is the chain of what comes in. */
export function openPort(part: PartBuilder, netdev: string, entry: string): void {
  part.claim(PORTS.entry, quoted(netdev), `goto ${entry}`);
  part.claim(PORTS.exit, quoted(netdev), `goto ${CHAINS.open}`);
}
