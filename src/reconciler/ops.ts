/** One due change of the extension, captured at one moment, and its form in a batch. */
import { identityText } from '../opi/objects/claims.js';
import {
  keyText,
  parseKeyText,
  type ExtensionKind,
  type KeyText,
  type ObjectKey,
} from '../opi/objects/key.js';
import { specText } from '../opi/objects/plan.js';
import { refsOf } from '../opi/objects/refs.js';
import type { AnyObject } from '../opi/objects/specs.js';
import type { BatchOperation } from '../opi/objects/target.js';
import { inWriteOrder, type Core } from './core.js';
import type { MemberPiece, Membership } from './members.js';
import type { ReconcilerLimits, WriteOp } from './types.js';
import type { Views, WantedObject } from './views.js';

type ExtensionObject = Extract<AnyObject, { key: ObjectKey<ExtensionKind> }>;

/** A due change. `closed` puts a binding's closed form in place of what is wanted; without an object it deletes. */
export interface ExtensionOp {
  readonly text: KeyText;
  readonly key: ObjectKey<ExtensionKind>;
  /** The spec to be written; absent = delete. */
  readonly object?: ExtensionObject;
  readonly digest?: string;
  /** What `object` refers to. */
  readonly refs: readonly KeyText[];
  /** Membership to write: all of it, a difference, or none. */
  readonly members?: 'whole' | MemberPiece;
  /** What `members` was taken from; it stays the captured one even if the group is no longer wanted. */
  readonly membership?: Membership;
  /** The group is there, but how its membership differs could not be read. */
  readonly unread?: boolean;
  readonly closing?: boolean;
  /** Estimated bytes on the wire. */
  readonly bytes: number;
}

/** What an object adds to a message beside its spec: names, tags, lengths. */
const OBJECT_BYTES = 96;
/** What a member adds to a message beside its text; covers the binary form of any address. */
const MEMBER_BYTES = 24;
/** Upper bound of one member, for memberships that are only estimated. */
const MEMBER_BYTES_MAX = 64;

/** Estimated bytes of one member on the wire. */
export function memberBytes(member: string): number {
  return member.length + MEMBER_BYTES;
}

/**
 * Takes every due change of the extension at this moment. Differences of memberships count as in flight from here on:
 * each must be confirmed or given back.
 */
export function captureOps(core: Core): Map<KeyText, ExtensionOp> {
  const ops = new Map<KeyText, ExtensionOp>();
  for (const text of inWriteOrder(core.views, core.views.due.extension.keys())) {
    ops.set(text, captureOp(core.views, text, core.views.due.extension.get(text)?.op));
  }
  return ops;
}

/** Puts a binding's closed form (or its deletion) into an operation. */
export function closingOp(
  text: KeyText,
  closed: AnyObject | undefined,
  digest?: string,
): ExtensionOp {
  const key = parseKeyText(text) as ObjectKey<ExtensionKind>;
  if (closed === undefined || digest === undefined) {
    return { text, key, refs: [], closing: true, bytes: OBJECT_BYTES };
  }
  return {
    text,
    key,
    object: closed as ExtensionObject,
    digest,
    refs: refsOf(closed).map(keyText),
    closing: true,
    bytes: specText(closed).length + OBJECT_BYTES,
  };
}

function captureOp(views: Views, text: KeyText, op: WriteOp | undefined): ExtensionOp {
  const key = parseKeyText(text) as ObjectKey<ExtensionKind>;
  const wanted = views.wanted.get(text);
  if (op === 'delete' || wanted === undefined) return { text, key, refs: [], bytes: OBJECT_BYTES };
  const upsert = {
    text,
    key,
    object: wanted.entry.object as ExtensionObject,
    digest: wanted.digest,
    refs: refsOf(wanted.entry.object).map(keyText),
  };
  if (key.kind !== 'addressGroup') return { ...upsert, bytes: specBytes(wanted) };
  return { ...upsert, ...captureMembers(views, text, wanted) };
}

function captureMembers(
  views: Views,
  text: KeyText,
  wanted: WantedObject,
): Pick<ExtensionOp, 'members' | 'membership' | 'unread' | 'bytes'> {
  const membership = views.groups.get(text);
  const base = specBytes(wanted);
  if (membership === undefined) return { bytes: base };
  if (views.acknowledged.get(text)?.digest !== wanted.digest) {
    membership.startWhole();
    return {
      members: 'whole',
      membership,
      bytes: base + membership.wanted.size * MEMBER_BYTES_MAX,
    };
  }
  if (membership.stale) return { unread: true, bytes: base };
  const members = membership.take();
  return { members, membership, bytes: OBJECT_BYTES + pieceBytes(members) };
}

function pieceBytes({ added, removed }: MemberPiece): number {
  let bytes = 0;
  for (const member of added) bytes += memberBytes(member);
  for (const member of removed) bytes += memberBytes(member);
  return bytes;
}

function specBytes(wanted: WantedObject): number {
  return wanted.textLength + OBJECT_BYTES;
}

/** What is counted and reported for an operation. */
export function writeOpOf(op: ExtensionOp, views: Views): WriteOp {
  if (op.object === undefined) return 'delete';
  const held = views.acknowledged.get(op.text);
  if (held === undefined) return 'create';
  return held.digest === op.digest ? 'members' : 'update';
}

/**
 * The batch operations of a change: one, or a delete and a create where a field changes that no update can change.
 * `token` names an uploaded membership.
 */
export function batchOperations(op: ExtensionOp, core: Core, token?: string): BatchOperation[] {
  const { views } = core;
  const { object } = op;
  if (object === undefined) return [{ op: 'delete', key: op.key }];
  const held = views.acknowledged.get(op.text);
  const membership = op.members === 'whole' ? op.membership : undefined;
  const withMembers = membership === undefined ? {} : { members: [...membership.captured()] };
  if (held === undefined) return [{ op: 'create', object, ...withMembers }];
  if (held.digest === op.digest) return memberOperations(op, token);
  if (identityText(held.object) === identityText(object))
    return [{ op: 'update', object, ...withMembers }];
  return [
    { op: 'delete', key: op.key },
    { op: 'create', object, ...withMembers },
  ];
}

function memberOperations(op: ExtensionOp, token: string | undefined): BatchOperation[] {
  const key = op.key as ObjectKey<'addressGroup'>;
  if (token !== undefined) return [{ op: 'replaceMembers', key, uploadToken: token }];
  if (op.members === undefined || op.members === 'whole') return [];
  return [{ op: 'modifyMembers', key, added: op.members.added, removed: op.members.removed }];
}

/** True if the change of a membership is so large that it is staged first and swapped in by its token. */
export function uploadsMembers(op: ExtensionOp, limits: ReconcilerLimits): boolean {
  return typeof op.members === 'object' && op.bytes > limits.pieceBytesMax;
}

/** Cuts a membership into pieces of at most `bytesMax` estimated bytes, at least one (maybe empty) piece. */
export function* memberPieces(members: Iterable<string>, bytesMax: number): Generator<string[]> {
  let piece: string[] = [];
  let bytes = 0;
  let count = 0;
  for (const member of members) {
    const size = memberBytes(member);
    if (piece.length > 0 && bytes + size > bytesMax) {
      yield piece;
      count += 1;
      piece = [];
      bytes = 0;
    }
    piece.push(member);
    bytes += size;
  }
  if (piece.length > 0 || count === 0) yield piece;
}
