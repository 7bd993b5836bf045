/**
 * Where a flush may be cut: only between things that no packet can tell apart.
 *
 *     groups no port sees yet -> policies no port sees yet -> what ports see -> policies and groups nobody names any more
 *
 * What ports see is cut last, and only by port: operations that one port sees, now or afterwards, stay together.
 */
import type { KeyText } from '../opi/objects/key.js';
import { Exposure, isBinding } from './exposure.js';
import { uploadsMembers, type ExtensionOp } from './ops.js';
import type { ReconcilerLimits } from './types.js';
import type { Views } from './views.js';

/** Operations that stay together. */
export interface Unit {
  readonly stage: 'groups' | 'policies' | 'visible' | 'deletes';
  readonly ops: readonly ExtensionOp[];
}

const STAGES: readonly Unit['stage'][] = ['groups', 'policies', 'visible', 'deletes'];

/** Batches for the operations, in the order in which they are sent. One, if they fit. */
export function cutBatches(
  views: Views,
  ops: readonly ExtensionOp[],
  limits: ReconcilerLimits,
): ExtensionOp[][] {
  const large = ops.filter((op) => isLargeNewGroup(views, op, limits));
  const others = large.length === 0 ? ops : ops.filter((op) => !isLargeNewGroup(views, op, limits));
  return [...large.map((op) => [op]), ...cutOthers(views, others, limits)];
}

function cutOthers(
  views: Views,
  ops: readonly ExtensionOp[],
  limits: ReconcilerLimits,
): ExtensionOp[][] {
  if (ops.length === 0) return [];
  if (bytesOf(ops, limits) <= limits.pieceBytesMax) return [inBatchOrder(ops)];
  const units = unitsOf(views, ops);
  return STAGES.flatMap((stage) => {
    const staged = units.filter((unit) => unit.stage === stage);
    const all = staged.flatMap((unit) => unit.ops);
    if (all.length === 0) return [];
    if (stage === 'visible' && bytesOf(all, limits) <= limits.atomicBytesMax) return [all];
    return pack(staged, limits);
  }).map(inBatchOrder);
}

/** True for a group that is not there yet and too large for one call: it is filled piece by piece, seen by nobody. */
export function isLargeNewGroup(views: Views, op: ExtensionOp, limits: ReconcilerLimits): boolean {
  return (
    op.members === 'whole' && op.bytes > limits.pieceBytesMax && !views.acknowledged.has(op.text)
  );
}

/** The smallest units of the operations, in the order in which they may be sent one by one. */
export function unitsOf(views: Views, ops: readonly ExtensionOp[]): Unit[] {
  const exposure = new Exposure(views, ops);
  const staged = new Map<Unit['stage'], ExtensionOp[]>(STAGES.map((stage) => [stage, []]));
  for (const op of ops) staged.get(stageOf(op, exposure))?.push(op);
  return STAGES.flatMap((stage) => {
    const found = staged.get(stage) ?? [];
    if (stage === 'visible') return components(found, exposure);
    return found.map((op) => ({ stage, ops: [op] }));
  });
}

/**
 * Order within a batch. The state at its end is what counts; this order also keeps every reference whole on the way:
 * referents before referrers, deletes of referrers first.
 */
export function inBatchOrder(ops: readonly ExtensionOp[]): ExtensionOp[] {
  const ranked = ops.map((op, index) => ({ op, index, rank: rankOf(op) }));
  return ranked.sort((a, b) => a.rank - b.rank || a.index - b.index).map(({ op }) => op);
}

function rankOf(op: ExtensionOp): number {
  const deletes = op.object === undefined;
  switch (op.key.kind) {
    case 'addressGroup':
      return deletes ? 5 : 1;
    case 'networkPolicy':
      return deletes ? 4 : 2;
    case 'policyBinding':
      return deletes ? 0 : 3;
  }
}

function stageOf(op: ExtensionOp, exposure: Exposure): Unit['stage'] {
  if (isBinding(op.text)) return 'visible';
  if (op.object === undefined) return 'deletes';
  if (exposure.seersNow(op.text).size > 0) return 'visible';
  return op.key.kind === 'addressGroup' ? 'groups' : 'policies';
}

/** Connected operations: linked by every port that sees both. */
function components(ops: readonly ExtensionOp[], exposure: Exposure): Unit[] {
  const parents = new Map<KeyText, KeyText>();
  const find = (text: KeyText): KeyText => {
    let root = text;
    for (let up = parents.get(root); up !== undefined && up !== root; up = parents.get(root)) {
      root = up;
    }
    parents.set(text, root);
    return root;
  };
  for (const op of ops) {
    for (const seer of exposure.seers(op.text)) parents.set(find(op.text), find(seer));
  }
  const byRoot = new Map<KeyText, ExtensionOp[]>();
  for (const op of ops) {
    const root = find(op.text);
    const together = byRoot.get(root);
    if (together === undefined) byRoot.set(root, [op]);
    else together.push(op);
  }
  return [...byRoot.values()].map((together) => ({ stage: 'visible', ops: together }));
}

function pack(units: readonly Unit[], limits: ReconcilerLimits): ExtensionOp[][] {
  const batches: ExtensionOp[][] = [];
  let room = 0;
  for (const unit of units) {
    const bytes = bytesOf(unit.ops, limits);
    const last = batches.at(-1);
    if (last !== undefined && bytes <= room) {
      last.push(...unit.ops);
      room -= bytes;
    } else {
      batches.push([...unit.ops]);
      room = limits.pieceBytesMax - bytes;
    }
  }
  return batches;
}

/** Estimated bytes of a batch; memberships that are uploaded first do not count. */
function bytesOf(ops: readonly ExtensionOp[], limits: ReconcilerLimits): number {
  let bytes = 0;
  for (const op of ops) bytes += uploadsMembers(op, limits) ? 0 : op.bytes;
  return bytes;
}
