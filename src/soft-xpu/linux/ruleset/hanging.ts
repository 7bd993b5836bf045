/** How ports hang their chains into the maps that the base chains ask. */
import type { Direction, StageKind, StageSpec } from '../../../opi/objects/specs.js';
import type { PortRef } from '../../memory/port.js';
import { portDropCounter, stageCounter } from './counters.js';
import {
  CHAINS,
  dropMap,
  NETDEVS,
  PORTS,
  ROUTED,
  stageMap,
  type SharedReason,
  type StageOutcome,
} from './layout.js';
import { quoted, type PartBuilder } from './part.js';
import { addStage, asksFailsafes, asksProfiles, stageOf, type StageOwner } from './stage-part.js';

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
  const chain = addStage(part, owner.binding, stage, first);
  countStage(part, netdevs, owner, stage);
  for (const netdev of netdevs) part.claim(map, quoted(netdev), `goto ${chain}`);
}

/** What the shared chains of a stage decide at these netdevs counts in a binding. */
export function countStage(
  part: PartBuilder,
  netdevs: readonly string[],
  { port, binding }: StageOwner,
  stage: StageSpec,
): void {
  const { kind, direction, tiers } = stage;
  const ends = [tiers.length > 0, asksProfiles(stage)];
  if (ends[0] === true) claimDrop(part, netdevs, port, 'TIER_DEFAULT');
  if (ends[1] === true) claimDrop(part, netdevs, port, 'PROFILE_END');
  if (kind !== 'UNTRACKED') claimDrop(part, netdevs, port, 'INVALID_STATE');
  const outcomes: StageOutcome[] = ends.includes(true) ? ['dropped'] : [];
  if (asksFailsafes(stage) && binding.failsafes.length > 0) outcomes.push('allowed');
  for (const outcome of outcomes) {
    const counter = stageCounter(port, kind, direction, outcome);
    claimCounter(part, stageMap(kind, direction, outcome), netdevs, counter);
  }
}

/** Counters of a binding that shared chains count on, and its wish to have established flows judged again. */
export function addBinding(part: PartBuilder, netdevs: readonly string[], owner: StageOwner): void {
  part.keepsCounters = true;
  claimDrop(part, netdevs, owner.port, 'RULE');
  claimDrop(part, netdevs, owner.port, 'NO_MAPPING');
  if (owner.binding.establishedPolicy !== 'REEVALUATE') return;
  for (const netdev of netdevs) {
    part.claim(NETDEVS.reevaluated, quoted(netdev));
    part.claim(ROUTED.reevaluated, quoted(netdev));
  }
}

/** What shared chains drop at these netdevs for a reason counts in the binding of a port. */
export function claimDrop(
  part: PartBuilder,
  netdevs: readonly string[],
  port: PortRef,
  reason: SharedReason,
): void {
  claimCounter(part, dropMap(reason), netdevs, portDropCounter(port, reason));
}

function claimCounter(
  part: PartBuilder,
  map: string,
  netdevs: readonly string[],
  counter: string,
): void {
  part.counter(counter);
  for (const netdev of netdevs) part.claim(map, quoted(netdev), quoted(counter));
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
