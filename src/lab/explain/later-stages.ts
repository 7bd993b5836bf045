/** Stages that a denied packet did not reach, in the order in which it would have met them (k8s-extension: path and stages). */
import type { Direction, StageKind } from '../../opi/objects/specs.js';
import { samePort, type PortRef } from '../../soft-xpu/memory/port.js';
import { stageOf } from '../../soft-xpu/memory/stage.js';
import type { AskedStage } from '../../soft-xpu/memory/walk.js';
import type { CompiledNode, WalkedPacket } from './compiled-node.js';

/** A stage that was not asked. */
export type LaterStage = Pick<AskedStage, 'port' | 'stage' | 'binding'>;

/** Stages behind the one that denied; none where it was not known by which port the packet would leave. */
export function laterStages({ passage, stages }: WalkedPacket, node: CompiledNode): LaterStage[] {
  const { entry, exit } = passage;
  if (passage.verdict === 'ALLOW' || exit === undefined) return [];
  const isAsked = ({ port, kind, direction }: Place): boolean =>
    stages.some(
      (asked) =>
        samePort(asked.port, port) &&
        asked.stage.kind === kind &&
        asked.stage.direction === direction,
    );
  return placesOf(entry, exit, node)
    .filter((place) => !isAsked(place) && !isSkipped(place, stages))
    .flatMap((place) => stageAt(place, node));
}

interface Place {
  readonly port: PortRef;
  readonly kind: StageKind;
  readonly direction: Direction;
}

/** Every stage that stands between two ports once the exit is chosen. */
function placesOf(entry: PortRef, exit: PortRef, node: CompiledNode): Place[] {
  const fromHost = entry.kind === 'host';
  const toHost = exit.kind === 'host';
  const from = (kind: StageKind): Place => ({ port: entry, kind, direction: 'FROM_PORT' });
  const to = (kind: StageKind): Place => ({ port: exit, kind, direction: 'TO_PORT' });
  const isBypassed = fromHost && node.xpu.dataPlane.bindingOf(exit)?.spec.fromHostBypass === true;
  return [
    ...(fromHost || toHost ? [] : [from('FORWARD')]),
    ...(toHost ? [from('HOST')] : []),
    ...(entry.kind === 'vnic' ? [from('WORKLOAD')] : []),
    ...(fromHost || toHost ? [] : [to('FORWARD')]),
    ...(fromHost ? [to('HOST')] : []),
    ...(exit.kind === 'vnic' && !isBypassed ? [to('WORKLOAD')] : []),
  ];
}

/** An allow of UNTRACKED or PRE_DNAT stands for the host endpoint's later stages of its port and direction. */
function isSkipped({ port, kind, direction }: Place, stages: readonly AskedStage[]): boolean {
  if (kind === 'WORKLOAD') return false;
  return stages.some(
    ({ port: other, stage, outcome }) =>
      outcome === 'ALLOW' &&
      samePort(other, port) &&
      stage.direction === direction &&
      (stage.kind === 'UNTRACKED' || stage.kind === 'PRE_DNAT'),
  );
}

function stageAt({ port, kind, direction }: Place, node: CompiledNode): LaterStage[] {
  const binding = node.xpu.dataPlane.bindingOf(port);
  const stage = binding && stageOf(kind, direction, { binding, port });
  return binding === undefined || stage === undefined ? [] : [{ port, stage, binding }];
}
