/** The raw tables of the store and their indexes. No rule is checked here: `transaction.ts` does that. */
import {
  keyText,
  OBJECT_KINDS,
  type KeyText,
  type ObjectKey,
  type ObjectKind,
} from '../../opi/objects/key.js';
import { claimsOf } from '../../opi/objects/claims.js';
import { RefIndex } from '../../opi/objects/ref-index.js';
import { refsOf } from '../../opi/objects/refs.js';
import type { AnyObject } from '../../opi/objects/specs.js';
import type { IpPortMembers, PrefixMembers } from './members.js';

/** One object as stored. */
export interface StoredObject {
  readonly object: AnyObject;
  /** Rises with every change of any object; the object's etag is made of it. */
  readonly revision: number;
  readonly refs: readonly KeyText[];
  /** Names that no other object may hold, e.g. the address of a Mapping in its Vpc. */
  readonly claims: readonly string[];
}

/** Membership of one AddressGroup. */
export interface GroupState {
  readonly members: PrefixMembers | IpPortMembers;
  /** Changes with every change of the membership and never goes back, not even when the group is made anew. */
  readonly generation: number;
}

/** See the file head. */
export class Tables {
  private readonly objects = new Map<ObjectKind, Map<string, StoredObject>>(
    OBJECT_KINDS.map((kind) => [kind, new Map()]),
  );
  private readonly refs = new RefIndex<KeyText>();
  private readonly claims = new RefIndex();
  /** Membership by group id. */
  readonly groups = new Map<string, GroupState>();
  private revision = 0;
  private generation = 0;

  /** The stored object of a key. */
  get(key: ObjectKey): StoredObject | undefined {
    return this.ofKind(key.kind).get(key.id);
  }

  /** Objects of a kind by id. */
  ofKind(kind: ObjectKind): Map<string, StoredObject> {
    const objects = this.objects.get(kind);
    if (objects === undefined) throw new RangeError(`unknown kind ${kind}`);
    return objects;
  }

  /** Keys of the objects that refer to an object. */
  referrersOf(key: ObjectKey): ReadonlySet<KeyText> {
    return this.refs.referrers(keyText(key));
  }

  /** Keys of the objects that hold a claim; more than one only inside a transaction. */
  holdersOf(claim: string): ReadonlySet<string> {
    return this.claims.referrers(claim);
  }

  /** The stored form of an object, under a new revision. */
  stamp(object: AnyObject): StoredObject {
    this.revision += 1;
    return {
      object,
      revision: this.revision,
      refs: refsOf(object).map(keyText),
      claims: claimsOf(object),
    };
  }

  /** A generation that no membership had before. */
  nextGeneration(): number {
    this.generation += 1;
    return this.generation;
  }

  /** Puts an object in place of whatever the key held. */
  set(stored: StoredObject): void {
    const { key } = stored.object;
    this.ofKind(key.kind).set(key.id, stored);
    this.refs.set(keyText(key), stored.refs);
    this.claims.set(keyText(key), stored.claims);
  }

  /** Removes an object, if it is there. */
  remove(key: ObjectKey): void {
    this.ofKind(key.kind).delete(key.id);
    this.refs.delete(keyText(key));
    this.claims.delete(keyText(key));
  }
}
