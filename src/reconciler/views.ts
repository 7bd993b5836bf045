/**
 * Two views and what follows from them:
 *
 *            wanted                         acknowledged
 *     (the plan, by key)            (what the XPU is known to hold
 *                                    of ours, by key)
 *        .-----------------.--------------------.-----------------.
 *        |                 |                    |                 |
 *        |  due: create    |  equal: nothing    |  due: delete    |
 *        |                 |  unequal: due      |  (once a whole  |
 *        |                 |  update or members |  plan is known) |
 *        '-----------------'--------------------'-----------------'
 *
 * Nobody keeps the due part by hand: each change of a view re-judges the one key it touched, so a change costs what it
 * changes. Specs are compared by a digest of their canonical text; memberships by `Membership`.
 */
import type { Clock } from '../base/clock.js';
import { hashText } from '../base/hash.js';
import { claimsOf } from '../opi/objects/claims.js';
import {
  isExtensionKind,
  keyText,
  parseKeyText,
  type KeyText,
  type ObjectKey,
  type ObjectKind,
} from '../opi/objects/key.js';
import { specText, type MemberDelta, type PlanEntry } from '../opi/objects/plan.js';
import { RefIndex } from '../opi/objects/ref-index.js';
import { refsOf } from '../opi/objects/refs.js';
import type { AnyObject, OpiObject } from '../opi/objects/specs.js';
import { Membership } from './members.js';
import type { WriteOp } from './types.js';

/** An object of the plan. */
export interface WantedObject {
  readonly entry: PlanEntry;
  readonly digest: string;
  /** Length of the spec's canonical text: about its size on the wire. */
  readonly textLength: number;
}

/** An object the XPU is known to hold. */
export interface AcknowledgedObject {
  readonly object: AnyObject;
  readonly digest: string;
  /** Clock time since which it is known. */
  readonly since: number;
}

/** A write that is due. */
export interface DueWrite {
  readonly op: WriteOp;
  readonly since: number;
}

/** Told by the views. */
export interface ViewObserver {
  /** What is wanted of the object changed (spec, membership, or whether it is wanted). */
  wantedChanged(text: KeyText): void;
  /** The write that is due for the object, or what is known of it, changed. */
  dueChanged(text: KeyText, op: WriteOp | undefined): void;
  /** The object is neither wanted nor there any more. */
  vanished(text: KeyText): void;
}

const DIGEST_CHARS = 32;
const NO_MEMBERS: ReadonlySet<string> = new Set();

/** Digest of a spec's canonical text. */
export function digestOf(object: OpiObject): string {
  return digestOfText(specText(object));
}

/** See the file head. */
export class Views {
  readonly wanted = new Map<KeyText, WantedObject>();
  readonly acknowledged = new Map<KeyText, AcknowledgedObject>();
  /** Memberships of wanted groups. */
  readonly groups = new Map<KeyText, Membership>();
  /** References between acknowledged objects. */
  readonly refs = new RefIndex<KeyText>();
  /** References of the closed forms that are wanted. */
  readonly closingRefs = new RefIndex<KeyText>();
  /** Due writes of network/cloud, and of the extension. */
  readonly due = { cloud: new Map<KeyText, DueWrite>(), extension: new Map<KeyText, DueWrite>() };
  private readonly holders = new Map<string, KeyText>();
  private readonly removed = new Set<KeyText>();
  private readonly condemned = new Set<KeyText>();
  private readonly clock: Clock;
  private readonly observer: ViewObserver;
  private sweeping = false;

  constructor(clock: Clock, observer: ViewObserver) {
    this.clock = clock;
    this.observer = observer;
  }

  /** Wants an object. An equal one is already wanted: only origins, fallback and membership view are taken over. */
  want(entry: PlanEntry): void {
    const text = keyText(entry.object.key);
    const before = this.wanted.get(text);
    const wanted = wantedObject(entry, before);
    this.wanted.set(text, wanted);
    this.closingRefs.set(text, entry.closed === undefined ? [] : refsOf(entry.closed).map(keyText));
    this.removed.delete(text);
    if (before?.digest !== wanted.digest) this.observer.wantedChanged(text);
    if (entry.object.key.kind === 'addressGroup') this.wantMembers(text, entry.members);
    this.judge(text);
  }

  /** Wants an object no longer. Named removals are deleted even before a whole plan is known. */
  unwant(key: ObjectKey): void {
    const text = keyText(key);
    if (!this.wanted.delete(text) && !this.acknowledged.has(text)) return;
    this.closingRefs.delete(text);
    this.groups.delete(text);
    if (this.acknowledged.has(text)) this.removed.add(text);
    this.observer.wantedChanged(text);
    this.judge(text);
  }

  /** Folds in a change of a wanted group's membership; of other groups it says nothing. */
  noteMembers(delta: MemberDelta): void {
    const text = keyText(delta.key);
    const membership = this.groups.get(text);
    if (membership === undefined) return;
    membership.note(delta);
    this.observer.wantedChanged(text);
    this.judge(text);
  }

  /** Replaces the plan. From now on what is ours and not wanted is due for deletion. */
  replace(entries: Iterable<PlanEntry>): void {
    const kept = new Set<KeyText>();
    for (const entry of entries) {
      const text = keyText(entry.object.key);
      kept.add(text);
      this.groups.delete(text);
      this.want(entry);
    }
    for (const [text, { entry }] of [...this.wanted]) {
      if (!kept.has(text)) this.unwant(entry.object.key);
    }
    if (this.sweeping) return;
    this.sweeping = true;
    for (const text of this.acknowledged.keys()) this.judge(text);
  }

  /** The XPU acknowledged an object. */
  acknowledge(object: AnyObject, digest: string): void {
    const text = keyText(object.key);
    this.release(text);
    this.acknowledged.set(text, { object, digest, since: this.clock.now() });
    this.refs.set(text, refsOf(object).map(keyText));
    for (const claim of claimsOf(object)) this.holders.set(claim, text);
    this.judge(text);
  }

  /** The object is not on the XPU (any more). */
  forget(text: KeyText): void {
    this.release(text);
    this.acknowledged.delete(text);
    this.refs.delete(text);
    this.removed.delete(text);
    this.condemned.delete(text);
    this.groups.get(text)?.mistrust();
    this.judge(text);
  }

  /** Takes what was listed of one kind for the acknowledged state of that kind. */
  adopt(kind: ObjectKind, objects: readonly AnyObject[]): void {
    const found = new Set(objects.map(({ key }) => keyText(key)));
    for (const text of [...this.acknowledged.keys()]) {
      if (parseKeyText(text).kind === kind && !found.has(text)) this.forget(text);
    }
    for (const object of objects) {
      const text = keyText(object.key);
      const digest = digestOf(object);
      const wanted = this.wanted.get(text);
      if (this.acknowledged.get(text)?.digest === digest) this.judge(text);
      else this.acknowledge(wanted?.digest === digest ? wanted.entry.object : object, digest);
    }
  }

  /** No membership on the XPU is known any more. */
  mistrustMembers(): void {
    for (const [text, membership] of this.groups) {
      membership.mistrust();
      this.judge(text);
    }
  }

  /** Deletes an object although it is wanted, with all that refers to it, so that it can be made anew. */
  condemn(text: KeyText): void {
    if (this.condemned.has(text) || !this.acknowledged.has(text)) return;
    this.condemned.add(text);
    for (const referrer of [...this.refs.referrers(text)]) this.condemn(referrer);
    this.judge(text);
  }

  /** True while the object is to be deleted and made anew. */
  isCondemned(text: KeyText): boolean {
    return this.condemned.has(text);
  }

  /** The acknowledged object that holds a claim of `object` and is about to let it go, if there is one. */
  leavingHolderOf(object: AnyObject): KeyText | undefined {
    for (const claim of claimsOf(object)) {
      const holder = this.holders.get(claim);
      if (holder === undefined || holder === keyText(object.key)) continue;
      const wanted = this.wanted.get(holder);
      if (wanted === undefined || this.condemned.has(holder)) return holder;
      if (!claimsOf(wanted.entry.object).includes(claim)) return holder;
    }
    return undefined;
  }

  /** The write that is due for an object. */
  dueOf(text: KeyText): DueWrite | undefined {
    return this.dueMapOf(text).get(text);
  }

  /** Judges anew what is due for one object. */
  judge(text: KeyText): void {
    const map = this.dueMapOf(text);
    const before = map.get(text);
    const op = this.opFor(text);
    if (op === undefined) map.delete(text);
    else if (op !== before?.op) map.set(text, { op, since: before?.since ?? this.clock.now() });
    this.observer.dueChanged(text, op);
    if (!this.wanted.has(text) && !this.acknowledged.has(text)) this.observer.vanished(text);
  }

  private opFor(text: KeyText): WriteOp | undefined {
    const wanted = this.wanted.get(text);
    const acknowledged = this.acknowledged.get(text);
    if (acknowledged === undefined) return wanted === undefined ? undefined : 'create';
    if (this.condemned.has(text)) return 'delete';
    if (wanted === undefined) return this.sweeping || this.removed.has(text) ? 'delete' : undefined;
    if (wanted.digest !== acknowledged.digest) return 'update';
    return this.groups.get(text)?.settled === false ? 'members' : undefined;
  }

  private wantMembers(text: KeyText, members: ReadonlySet<string> = NO_MEMBERS): void {
    if (this.groups.get(text)?.wanted === members) return;
    this.groups.set(text, new Membership(members));
    this.observer.wantedChanged(text);
  }

  private release(text: KeyText): void {
    const held = this.acknowledged.get(text);
    if (held === undefined) return;
    for (const claim of claimsOf(held.object)) {
      if (this.holders.get(claim) === text) this.holders.delete(claim);
    }
  }

  private dueMapOf(text: KeyText): Map<KeyText, DueWrite> {
    return isExtensionKind(parseKeyText(text).kind) ? this.due.extension : this.due.cloud;
  }
}

/** Specs are immutable: the same object needs no second look. */
function wantedObject(entry: PlanEntry, before: WantedObject | undefined): WantedObject {
  if (before?.entry.object === entry.object) return { ...before, entry };
  const text = specText(entry.object);
  return { entry, digest: digestOfText(text), textLength: text.length };
}

function digestOfText(text: string): string {
  return hashText(text, DIGEST_CHARS);
}
