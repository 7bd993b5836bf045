/** Calls of the port, counted; every failure comes back as an `OpiError`. */
import { errorText } from '../base/errors.js';
import { OpiError } from '../opi/objects/errors.js';
import type { CloudKind, ObjectKey, ObjectKind } from '../opi/objects/key.js';
import type { OpiObject } from '../opi/objects/specs.js';
import type { BatchOperation, Target, TargetCapabilities } from '../opi/objects/target.js';
import type { ReconcilerCounters, WriteOp } from './types.js';

type Method = Exclude<keyof Target, 'close'>;

const WRITING: ReadonlySet<Method> = new Set([
  'create',
  'update',
  'delete',
  'applyBatch',
  'uploadMembers',
]);

/** The target as the reconciler uses it. */
export class Caller {
  /** Writing calls made. */
  writingCalls = 0;
  /** Operations acknowledged. */
  writtenOperations = 0;
  private readonly target: Target;
  private readonly calls: Record<string, number> = {};
  private readonly errors: Record<string, number> = {};
  private readonly writes: Partial<Record<ObjectKind, Partial<Record<WriteOp, number>>>> = {};

  constructor(target: Target) {
    this.target = target;
  }

  /** Totals so far. */
  totals(): Pick<ReconcilerCounters, 'calls' | 'errors' | 'writes'> {
    return structuredClone({ calls: this.calls, errors: this.errors, writes: this.writes });
  }

  /** Notes an acknowledged operation. */
  wrote(kind: ObjectKind, op: WriteOp): void {
    this.writtenOperations += 1;
    const ofKind = (this.writes[kind] ??= {});
    ofKind[op] = (ofKind[op] ?? 0) + 1;
  }

  /** See `Target.probe`. */
  probe(): Promise<TargetCapabilities> {
    return this.count('probe', () => this.target.probe());
  }

  /** See `Target.list`. */
  list(kind: ObjectKind): Promise<OpiObject[]> {
    return this.count('list', () => this.target.list(kind));
  }

  /** See `Target.fetchMembers`. */
  fetchMembers(key: ObjectKey<'addressGroup'>): Promise<ReadonlySet<string>> {
    return this.count('fetchMembers', () => this.target.fetchMembers(key));
  }

  /** See `Target.create`. */
  create(object: OpiObject<CloudKind>): Promise<void> {
    return this.count('create', () => this.target.create(object));
  }

  /** See `Target.update`. */
  update(object: OpiObject<CloudKind>): Promise<void> {
    return this.count('update', () => this.target.update(object));
  }

  /** See `Target.delete`. */
  delete(key: ObjectKey<CloudKind>): Promise<void> {
    return this.count('delete', () => this.target.delete(key));
  }

  /** See `Target.applyBatch`. */
  applyBatch(operations: readonly BatchOperation[]): Promise<void> {
    return this.count('applyBatch', () => this.target.applyBatch(operations));
  }

  /** See `Target.uploadMembers`. */
  uploadMembers(key: ObjectKey<'addressGroup'>, members: Iterable<string>): Promise<string> {
    return this.count('uploadMembers', () => this.target.uploadMembers(key, members));
  }

  private async count<T>(method: Method, call: () => Promise<T>): Promise<T> {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
    if (WRITING.has(method)) this.writingCalls += 1;
    try {
      return await call();
    } catch (thrown) {
      const error = asOpiError(method, thrown);
      this.errors[error.code] = (this.errors[error.code] ?? 0) + 1;
      throw error;
    }
  }
}

/** What a call threw, as an `OpiError`; anything else a target throws counts as UNKNOWN. */
export function asOpiError(op: string, thrown: unknown): OpiError {
  if (thrown instanceof OpiError) return thrown;
  return new OpiError({ code: 'UNKNOWN', op, message: errorText(thrown), cause: thrown });
}
