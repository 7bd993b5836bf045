/**
 * The objects of the XPU, by kind and id: the single place that says whether a change is allowed. It knows no wire
 * format and no packet.
 */
import { parseKeyText, type ObjectKey, type ObjectKind } from '../../opi/objects/key.js';
import type { AnyObject } from '../../opi/objects/specs.js';
import { StoreError } from './errors.js';
import type { GroupDelta } from './group-delta.js';
import type { GivenMembers, MemberResult } from './group-changes.js';
import type { Limits } from './limits.js';
import { Tables, type GroupState, type StoredObject } from './tables.js';
import { Transaction, type ObjectChange } from './transaction.js';
import { Uploads, type UploadOptions } from './uploads.js';

/** How a store behaves. */
export interface ObjectStoreOptions extends UploadOptions {
  readonly limits: Limits;
  /** SecurityPolicies may use COMPACT rules. */
  readonly compactRules: boolean;
}

/** One operation of `applyBatch`. */
export type StoreOperation =
  | { readonly op: 'create'; readonly object: AnyObject; readonly members?: GivenMembers }
  | {
      readonly op: 'update';
      readonly object: AnyObject;
      /** Create a missing object. */
      readonly allowMissing?: boolean;
    }
  | { readonly op: 'delete'; readonly key: ObjectKey; readonly allowMissing?: boolean }
  | {
      readonly op: 'modifyMembers';
      readonly key: ObjectKey<'addressGroup'>;
      readonly added: GivenMembers;
      readonly removed: GivenMembers;
      readonly expectedGeneration?: number;
    }
  | {
      readonly op: 'replaceMembers';
      readonly key: ObjectKey<'addressGroup'>;
      readonly members: GivenMembers;
      readonly expectedGeneration?: number;
    };

/** What one operation of a batch did. */
export interface OperationResult {
  readonly stored?: StoredObject;
  readonly members?: MemberResult;
}

/** What a committed transaction changed. */
export interface Commit {
  readonly objects: readonly ObjectChange[];
  /** Changed memberships by group id. */
  readonly groups: ReadonlyMap<string, Pick<GroupDelta, 'net'>>;
}

/** Is told of every committed transaction, before the call that made it returns. */
export type CommitListener = (commit: Commit) => void;

/** See the file head. Every call either changes everything it was asked to, or throws StoreError and changes nothing. */
export class ObjectStore {
  readonly uploads: Uploads;
  readonly compactRules: boolean;
  private readonly tables = new Tables();
  private readonly listeners: CommitListener[] = [];
  private currentLimits: Limits;
  private traced: ObjectKey[] | undefined;

  constructor(options: ObjectStoreOptions) {
    this.compactRules = options.compactRules;
    this.currentLimits = options.limits;
    this.uploads = new Uploads(options);
  }

  /** Table sizes in force. Objects above a new limit stay. */
  get limits(): Limits {
    return this.currentLimits;
  }

  set limits(limits: Limits) {
    this.currentLimits = limits;
  }

  /** Registers a listener. */
  onCommit(listener: CommitListener): void {
    this.listeners.push(listener);
  }

  /** One object. */
  get(key: ObjectKey): StoredObject | undefined {
    return this.tables.get(key);
  }

  /** Number of objects of a kind. */
  count(kind: ObjectKind): number {
    return this.tables.ofKind(kind).size;
  }

  /** Objects of a kind, by id in code unit order. */
  list(kind: ObjectKind): StoredObject[] {
    const objects = this.tables.ofKind(kind);
    return [...objects.keys()].sort().flatMap((id) => objects.get(id) ?? []);
  }

  /** Membership of a group. */
  group(id: string): GroupState | undefined {
    return this.tables.groups.get(id);
  }

  /** Keys of the objects that refer to an object. */
  referrersOf(key: ObjectKey): ObjectKey[] {
    return [...this.tables.referrersOf(key)].map(parseKeyText);
  }

  /** Runs an action and gives the objects that it asked to change, changed or not, before it first waited. */
  trace<T>(action: () => T): { readonly result: T; readonly keys: readonly ObjectKey[] } {
    const { traced } = this;
    const keys: ObjectKey[] = [];
    this.traced = keys;
    try {
      return { result: action(), keys };
    } finally {
      this.traced = traced;
    }
  }

  /** Applies one operation. */
  apply(operation: StoreOperation): OperationResult {
    return this.transact((transaction) => this.applyOne(operation, transaction));
  }

  /**
   * Applies all operations in their order, or none. Only the state they end in must be sound.
   * @throws StoreError whose message begins with `operations[N]: ` where N is the operation refused.
   */
  applyBatch(operations: readonly StoreOperation[]): OperationResult[] {
    return this.transact(
      (transaction) =>
        operations.map((operation, index) => {
          transaction.at(index);
          return this.applyOne(operation, transaction);
        }),
      (error, transaction) => atOperation(error, transaction.currentOperation),
    );
  }

  /** Applies operations to the empty store in place of everything it holds, or changes nothing. */
  replaceAll(operations: readonly StoreOperation[], kinds: readonly ObjectKind[]): void {
    this.transact((transaction) => {
      for (const kind of kinds) {
        for (const { object } of this.list(kind)) transaction.delete(object.key);
      }
      for (const operation of operations) this.applyOne(operation, transaction);
    });
  }

  private applyOne(operation: StoreOperation, transaction: Transaction): OperationResult {
    this.traced?.push('object' in operation ? operation.object.key : operation.key);
    switch (operation.op) {
      case 'create':
        return { stored: transaction.create(operation.object, operation.members) };
      case 'update': {
        const missing = this.get(operation.object.key) === undefined;
        if (missing && operation.allowMissing === true) {
          return { stored: transaction.create(operation.object) };
        }
        return { stored: transaction.update(operation.object) };
      }
      case 'delete':
        if (operation.allowMissing === true && this.get(operation.key) === undefined) return {};
        transaction.delete(operation.key);
        return {};
      case 'modifyMembers': {
        const { key, added, removed, expectedGeneration } = operation;
        return { members: transaction.groups.modify(key, added, removed, expectedGeneration) };
      }
      case 'replaceMembers': {
        const { key, members, expectedGeneration } = operation;
        return { members: transaction.groups.replace(key, members, expectedGeneration) };
      }
    }
  }

  private transact<T>(
    action: (transaction: Transaction) => T,
    explain: (error: unknown, transaction: Transaction) => unknown = (error) => error,
  ): T {
    const context = { limits: this.limits, compactRules: this.compactRules };
    const transaction = new Transaction(this.tables, this.uploads, context);
    let result: T;
    try {
      result = action(transaction);
      transaction.check();
    } catch (error) {
      transaction.rollback();
      throw explain(error, transaction);
    }
    for (const token of transaction.groups.usedTokens) this.uploads.end(token);
    const commit = { objects: transaction.changes(), groups: transaction.groups.changed };
    if (commit.objects.length + commit.groups.size > 0) {
      for (const listener of this.listeners) listener(commit);
    }
    return result;
  }
}

function atOperation(error: unknown, index: number): unknown {
  if (!(error instanceof StoreError)) return error;
  const { code, reason, message } = error;
  const violations = error.violations.map(({ field, problem }) => ({
    field: `operations[${index}].${field}`,
    problem,
  }));
  const op = `operations[${index}]`;
  return new StoreError({ code, op, message, reason, violations, cause: error });
}
