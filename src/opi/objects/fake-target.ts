/**
 * `FakeTarget`: an XPU's object tables in process, for tests and for trying things without a server. It keeps the same
 * contract as the real client (`test/contract/target`), shows its state as text, and fails on request.
 *
 *     const xpu = new FakeTarget();
 *     xpu.failNext('create', { code: 'UNAVAILABLE', lostAnswer: true }); // applied, but nobody hears of it
 *     xpu.refuse({ kind: 'networkPolicy', id }, 'INVALID');              // until `accept`
 *     xpu.observe((call) => checkPackets(xpu.dump()));                   // after every single call
 */
import { InternalError } from '../../base/errors.js';
import { OpiError, type OpiErrorCode } from './errors.js';
import { FakeStore } from './fake-store.js';
import {
  isExtensionKind,
  keyText,
  type CloudKind,
  type KeyText,
  type ObjectKey,
  type ObjectKind,
} from './key.js';
import { dumpPlan, type PlanEntry } from './plan.js';
import type { AnyObject, OpiObject } from './specs.js';
import type { BatchOperation, Target, TargetCapabilities } from './target.js';

/** Methods of the port that can fail. */
export const TARGET_METHODS = [
  'probe',
  'list',
  'fetchMembers',
  'create',
  'update',
  'delete',
  'applyBatch',
  'uploadMembers',
] as const satisfies readonly (keyof Target)[];

/** A method of the port. */
export type TargetMethod = (typeof TARGET_METHODS)[number];

/** Methods that change what is there. */
export const WRITE_METHODS: readonly TargetMethod[] = [
  'create',
  'update',
  'delete',
  'applyBatch',
  'uploadMembers',
];

/** How a call fails. */
export interface FakeFailure {
  readonly code: OpiErrorCode;
  /** The call does its work and its answer is lost. Default false: nothing is done. */
  readonly lostAnswer?: boolean;
  /** Refused operation of a batch. */
  readonly operation?: number;
}

/** A call that was made. */
export interface FakeCall {
  readonly method: TargetMethod;
  /** What it wrote or read, e.g. `create vnic/cxn-..`; one text per operation of a batch. */
  readonly operations: readonly string[];
  /** The error it ended with; absent = success. */
  readonly error?: OpiErrorCode;
}

/** What the fake is like. Everything has a default. */
export interface FakeTargetOptions {
  /** Default `native`. */
  readonly level?: TargetCapabilities['level'];
  /** Default true. */
  readonly compactRules?: boolean;
  /** Table sizes, enforced with EXHAUSTED. Default: none. */
  readonly limits?: TargetCapabilities['limits'];
  readonly features?: readonly string[];
  /** Awaited by every call before it does anything; gives tests a hand on time. */
  readonly latency?: (method: TargetMethod) => Promise<void>;
}

/** See the file head. */
export class FakeTarget implements Target {
  /** Every call since the start or `clearCalls`, oldest first. */
  readonly calls: FakeCall[] = [];
  /** Greatest number of calls that were under way at one time. */
  concurrencyMax = 0;
  private readonly options: FakeTargetOptions;
  private readonly failures = new Map<TargetMethod, FakeFailure[]>();
  private readonly refusals = new Map<KeyText, OpiErrorCode>();
  private readonly observers = new Set<(call: FakeCall) => void>();
  private store: FakeStore;
  private uploads = new Map<string, { group: string; members: Set<string> }>();
  private uploadCount = 0;
  private life = 1;
  private underWay = 0;
  private closed = false;

  constructor(options: FakeTargetOptions = {}) {
    this.options = options;
    this.store = this.emptyStore();
  }

  /** The next call of `method` (after those already queued) fails. */
  failNext(method: TargetMethod, failure: FakeFailure): void {
    this.failures.set(method, [...(this.failures.get(method) ?? []), failure]);
  }

  /** Failures that were queued and not yet met. */
  get failuresLeft(): number {
    return [...this.failures.values()].reduce((sum, queue) => sum + queue.length, 0);
  }

  /** From now on every write that names `key`, deletes aside, is refused. */
  refuse(key: ObjectKey, code: OpiErrorCode): void {
    this.refusals.set(keyText(key), code);
  }

  /** Ends `refuse`. */
  accept(key: ObjectKey): void {
    this.refusals.delete(keyText(key));
  }

  /** Calls `observer` after every call; gives the function that ends it. */
  observe(observer: (call: FakeCall) => void): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  /** The data plane is born again: everything is gone and the boot id is another. */
  restart(): void {
    this.life += 1;
    this.uploads = new Map();
    this.store = this.emptyStore();
  }

  /** Puts objects there without a call, foreign ones too. References must hold. */
  seed(entries: Iterable<PlanEntry>): void {
    this.store.atomically((store) => {
      for (const { object, members } of entries) store.create(object, members);
    });
  }

  /** Takes objects away without a call, as somebody else would. References must hold. */
  lose(...keys: readonly ObjectKey[]): void {
    this.store.atomically((store) => keys.forEach((key) => store.delete(key)));
  }

  /** Changes a group's membership without a call. */
  tamperMembers(key: ObjectKey<'addressGroup'>, members: Iterable<string>): void {
    this.store.atomically((store) => store.replaceMembers(key, new Set(members)));
  }

  /** Every object, with the membership of groups. */
  entries(): PlanEntry[] {
    return [...this.store.objects.values()].map((object) => {
      const members = this.store.members.get(object.key.id);
      const isGroup = object.key.kind === 'addressGroup' && members !== undefined;
      return isGroup ? { object, origins: [], members } : { object, origins: [] };
    });
  }

  /** The object of a key, if it is there. */
  object(key: ObjectKey): AnyObject | undefined {
    return this.store.objects.get(keyText(key));
  }

  /** Membership of a group, if it is there. */
  members(key: ObjectKey<'addressGroup'>): ReadonlySet<string> | undefined {
    return this.store.members.get(key.id);
  }

  /** Everything as text: equal to `dumpPlan` of the plan that made it. */
  dump(): string {
    return dumpPlan(this.entries());
  }

  /** Writing calls since the start or `clearCalls`, failed ones included. */
  get writes(): readonly FakeCall[] {
    return this.calls.filter(({ method }) => WRITE_METHODS.includes(method));
  }

  /** Forgets the calls made so far. */
  clearCalls(): void {
    this.calls.length = 0;
    this.concurrencyMax = 0;
  }

  probe(): Promise<TargetCapabilities> {
    return this.call('probe', [], () => ({
      level: this.level,
      compactRules: this.compactRules,
      limits: this.options.limits ?? {},
      features: this.options.features ?? [],
      ...(this.level === 'native' ? { bootId: `fake-boot-${this.life}` } : {}),
    }));
  }

  list(kind: ObjectKind): Promise<OpiObject[]> {
    return this.call('list', [`list ${kind}`], () => {
      if (isExtensionKind(kind)) this.requireNative(`list ${kind}`);
      return [...this.store.objects.values()].filter(({ key }) => key.kind === kind);
    });
  }

  fetchMembers(key: ObjectKey<'addressGroup'>): Promise<Set<string>> {
    return this.call('fetchMembers', [`fetch ${keyText(key)}`], () => {
      this.requireNative('fetch members');
      return new Set(this.store.requireMembers(key));
    });
  }

  create(object: OpiObject<CloudKind>): Promise<void> {
    return this.writeOne('create', object.key, (store) => store.create(object as AnyObject));
  }

  update(object: OpiObject<CloudKind>): Promise<void> {
    return this.writeOne('update', object.key, (store) => store.update(object as AnyObject));
  }

  delete(key: ObjectKey<CloudKind>): Promise<void> {
    return this.writeOne('delete', key, (store) => store.delete(key));
  }

  applyBatch(operations: readonly BatchOperation[]): Promise<void> {
    return this.call('applyBatch', operations.map(operationText), () => {
      this.requireNative('apply batch');
      operations.forEach((operation, index) => this.requireAccepted(operation, index));
      const used: string[] = [];
      this.store.atomically((store) => {
        operations.forEach((operation, index) => {
          if (operation.op === 'replaceMembers') used.push(operation.uploadToken);
          this.applyOperation(store, operation, index);
        });
      });
      for (const token of used) this.uploads.delete(token);
    });
  }

  uploadMembers(key: ObjectKey<'addressGroup'>, members: Iterable<string>): Promise<string> {
    return this.call('uploadMembers', [`upload ${keyText(key)}`], () => {
      this.requireNative('upload members');
      this.uploadCount += 1;
      const token = `upload-${this.uploadCount}`;
      this.uploads.set(token, { group: key.id, members: new Set(members) });
      return token;
    });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private get level(): TargetCapabilities['level'] {
    return this.options.level ?? 'native';
  }

  private get compactRules(): boolean {
    return this.options.compactRules ?? true;
  }

  private emptyStore(): FakeStore {
    return new FakeStore({ limits: this.options.limits ?? {}, compactRules: this.compactRules });
  }

  private writeOne(
    method: 'create' | 'update' | 'delete',
    key: ObjectKey<CloudKind>,
    change: (store: FakeStore) => void,
  ): Promise<void> {
    return this.call(method, [`${method} ${keyText(key)}`], () => {
      const code = this.refusals.get(keyText(key));
      if (code !== undefined && method !== 'delete')
        throw failed(`${method} ${keyText(key)}`, { code });
      this.store.atomically(change);
    });
  }

  private applyOperation(store: FakeStore, operation: BatchOperation, index: number): void {
    switch (operation.op) {
      case 'create':
        return store.create(operation.object, operation.members, index);
      case 'update':
        return store.update(operation.object, operation.members, index);
      case 'delete':
        return store.delete(operation.key, index);
      case 'modifyMembers':
        return store.modifyMembers(operation.key, operation.added, operation.removed, index);
      case 'replaceMembers': {
        const upload = this.uploads.get(operation.uploadToken);
        if (upload?.group !== operation.key.id) {
          throw failed('replace members', { code: 'PRECONDITION', operation: index });
        }
        return store.replaceMembers(operation.key, upload.members, index);
      }
    }
  }

  private requireAccepted(operation: BatchOperation, index: number): void {
    const key = 'object' in operation ? operation.object.key : operation.key;
    const code = this.refusals.get(keyText(key));
    if (code === undefined || operation.op === 'delete') return;
    throw failed(operationText(operation), { code, operation: index });
  }

  private requireNative(op: string): void {
    if (this.level !== 'native') throw failed(op, { code: 'UNSUPPORTED' });
  }

  private async call<T>(
    method: TargetMethod,
    operations: readonly string[],
    work: () => T,
  ): Promise<T> {
    this.underWay += 1;
    this.concurrencyMax = Math.max(this.concurrencyMax, this.underWay);
    try {
      await (this.options.latency?.(method) ?? Promise.resolve());
      const result = this.perform(method, work);
      this.note({ method, operations });
      return result;
    } catch (thrown) {
      if (!(thrown instanceof OpiError)) throw thrown;
      this.note({ method, operations, error: thrown.code });
      throw thrown;
    } finally {
      this.underWay -= 1;
    }
  }

  private perform<T>(method: TargetMethod, work: () => T): T {
    if (this.closed) throw new InternalError(`${method} on a closed FakeTarget`);
    const failure = this.failures.get(method)?.shift();
    if (failure === undefined) return work();
    if (failure.lostAnswer === true) work();
    throw failed(method, failure);
  }

  private note(call: FakeCall): void {
    this.calls.push(call);
    for (const observer of this.observers) observer(call);
  }
}

/** One line for an operation of a batch, e.g. `members addressGroup/g +1 -0`. */
export function operationText(operation: BatchOperation): string {
  switch (operation.op) {
    case 'create':
    case 'update':
      return `${operation.op} ${keyText(operation.object.key)}`;
    case 'delete':
      return `delete ${keyText(operation.key)}`;
    case 'modifyMembers':
      return `members ${keyText(operation.key)} +${operation.added.length} -${operation.removed.length}`;
    case 'replaceMembers':
      return `replace ${keyText(operation.key)}`;
  }
}

function failed(op: string, failure: FakeFailure): OpiError {
  return new OpiError({
    code: failure.code,
    op,
    message: `refused with ${failure.code}`,
    ...(failure.operation === undefined ? {} : { operation: failure.operation }),
  });
}
