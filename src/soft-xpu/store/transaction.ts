/**
 * One atomic change of the tables: operations are applied at once and undone if any of them, or the state they end in,
 * is not allowed. Nothing runs in between, so no packet sees half a transaction.
 */
import { identityText } from '../../opi/objects/claims.js';
import {
  keyText,
  parseKeyText,
  type KeyText,
  type ObjectKey,
  type ObjectKind,
} from '../../opi/objects/key.js';
import { specText } from '../../opi/objects/plan.js';
import type { AnyObject, SpecByKind } from '../../opi/objects/specs.js';
import { invalidField, StoreError } from './errors.js';
import { GroupChanges, refused, type GivenMembers } from './group-changes.js';
import { checkReferences } from './references.js';
import type { StoredObject, Tables } from './tables.js';
import type { Uploads } from './uploads.js';
import { validateObject } from './validate.js';
import type { ValidationContext } from './validate-rules.js';

/** How one object changed in a committed transaction. */
export interface ObjectChange {
  readonly key: ObjectKey;
  readonly before: AnyObject | undefined;
  readonly after: AnyObject | undefined;
}

interface Touched {
  readonly before: StoredObject | undefined;
  /** Index of the last operation on the object. */
  operation: number;
}

/** See the file head. Use once. */
export class Transaction {
  readonly groups: GroupChanges;
  private readonly tables: Tables;
  private readonly context: ValidationContext;
  private readonly undo: (() => void)[] = [];
  private readonly touched = new Map<KeyText, Touched>();
  private operation = 0;

  constructor(tables: Tables, uploads: Uploads, context: ValidationContext) {
    this.tables = tables;
    this.context = context;
    this.groups = new GroupChanges(tables, uploads, context.limits, this.undo);
  }

  /** Says which operation of a batch comes next; a refusal by `check` is put down to it. */
  at(operation: number): void {
    this.operation = operation;
  }

  /**
   * Creates an object; an equal one is success and left as it is. A group is equal if its members are, or none are given.
   * @throws StoreError INVALID_ARGUMENT, ALREADY_EXISTS for a different one, RESOURCE_EXHAUSTED.
   */
  create(object: AnyObject, given: GivenMembers = {}): StoredObject {
    validateObject(object, this.context);
    const existing = this.tables.get(object.key);
    if (existing === undefined) {
      if (object.key.kind === 'addressGroup') this.createGroup(object, given);
      return this.put(object);
    }
    if (specText(existing.object) !== specText(object)) {
      throw refused('ALREADY_EXISTS', object.key, 'exists with another spec', 'SPEC_DIFFERS');
    }
    if (object.key.kind === 'addressGroup' && !this.groups.holdsAll(groupKey(object), given)) {
      throw refused('ALREADY_EXISTS', object.key, 'exists with other members', 'MEMBERS_DIFFER');
    }
    return existing;
  }

  /** Replaces an object's spec. Throws INVALID_ARGUMENT, NOT_FOUND. */
  update(object: AnyObject): StoredObject {
    validateObject(object, this.context);
    const existing = this.require(object.key);
    requireSameIdentity(existing.object, object);
    return specText(existing.object) === specText(object) ? existing : this.put(object);
  }

  /** Deletes an object. Throws NOT_FOUND. */
  delete(key: ObjectKey): void {
    const existing = this.require(key);
    this.touch(key, existing);
    this.tables.remove(key);
    this.undo.push(() => this.tables.set(existing));
    if (key.kind === 'addressGroup') this.groups.remove(key.id);
  }

  /** Checks the state the operations end in; throws and leaves the undoing to `rollback`. */
  check(): void {
    const grown = new Map<ObjectKind, number>();
    for (const [text, { before, operation }] of this.touched) {
      this.operation = operation;
      const key = parseKeyText(text);
      const stored = this.tables.get(key);
      if (stored === undefined) this.checkUnreferenced(key);
      else this.checkStored(stored);
      if (before === undefined && stored !== undefined) grown.set(key.kind, operation);
    }
    for (const [kind, operation] of grown) {
      this.operation = operation;
      this.checkCount(kind);
    }
  }

  /** Index of the operation that was under way, or that the failed check is put down to. */
  get currentOperation(): number {
    return this.operation;
  }

  /** Changes of the transaction, each key once. */
  changes(): ObjectChange[] {
    const changes: ObjectChange[] = [];
    for (const [text, { before }] of this.touched) {
      const key = parseKeyText(text);
      const after = this.tables.get(key);
      if (before !== after) changes.push({ key, before: before?.object, after: after?.object });
    }
    return changes;
  }

  /** Undoes everything. */
  rollback(): void {
    for (const step of this.undo.reverse()) step();
    this.undo.length = 0;
  }

  private createGroup(object: AnyObject, given: GivenMembers): void {
    const { memberType } = object.spec as SpecByKind['addressGroup'];
    this.groups.create(groupKey(object), memberType, given);
  }

  private put(object: AnyObject): StoredObject {
    const previous = this.tables.get(object.key);
    this.touch(object.key, previous);
    const stored = this.tables.stamp(object);
    this.tables.set(stored);
    this.undo.push(() => {
      if (previous === undefined) this.tables.remove(object.key);
      else this.tables.set(previous);
    });
    return stored;
  }

  private touch(key: ObjectKey, before: StoredObject | undefined): void {
    const text = keyText(key);
    const known = this.touched.get(text);
    if (known === undefined) this.touched.set(text, { before, operation: this.operation });
    else known.operation = this.operation;
  }

  private require(key: ObjectKey): StoredObject {
    const existing = this.tables.get(key);
    if (existing === undefined) throw refused('NOT_FOUND', key, 'does not exist', 'NOT_FOUND');
    return existing;
  }

  private checkStored(stored: StoredObject): void {
    checkReferences(stored, this.tables);
    const { key } = stored.object;
    for (const claim of stored.claims) {
      for (const holder of this.tables.holdersOf(claim)) {
        if (holder === keyText(key)) continue;
        throw refused('FAILED_PRECONDITION', key, `wants ${claim}, held by ${holder}`, 'NAME_HELD');
      }
    }
    if (key.kind !== 'addressGroup') return;
    for (const text of this.tables.referrersOf(key)) {
      const referrer = this.tables.get(parseKeyText(text));
      if (referrer !== undefined) checkReferences(referrer, this.tables);
    }
  }

  private checkUnreferenced(key: ObjectKey): void {
    const [referrer] = this.tables.referrersOf(key);
    if (referrer === undefined) return;
    throw refused('FAILED_PRECONDITION', key, `is in use by ${referrer}`, 'OBJECT_IN_USE');
  }

  private checkCount(kind: ObjectKind): void {
    const limit = this.context.limits[kind];
    if (limit === undefined || this.tables.ofKind(kind).size <= limit) return;
    throw new StoreError({
      code: 'RESOURCE_EXHAUSTED',
      op: `store ${kind}`,
      message: `the ${kind} table holds ${limit}`,
      reason: 'TABLE_FULL',
    });
  }
}

function groupKey({ key }: AnyObject): ObjectKey<'addressGroup'> {
  return key as ObjectKey<'addressGroup'>;
}

/** Fields that make an object what it is cannot be updated. */
function requireSameIdentity(before: AnyObject, after: AnyObject): void {
  const [was, is] = [identityText(before), identityText(after)];
  if (was === is) return;
  throw invalidField(
    `update ${keyText(after.key)}`,
    'spec',
    `immutable fields ${was} cannot become ${is}`,
  );
}
