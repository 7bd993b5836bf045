/**
 * `Target`, the port the reconciler writes to. The OPI client implements it over gRPC, `FakeTarget` in process; one
 * contract suite (`test/contract/target`) holds for both.
 */
import type { CloudKind, ExtensionKind, ObjectKey, ObjectKind } from './key.js';
import type { AnyObject, OpiObject } from './specs.js';

/** What the XPU said it can do. Probed, never assumed. */
export interface TargetCapabilities {
  /** `native`: the network/k8s extension answers. `plain`: network/cloud only. */
  readonly level: 'native' | 'plain';
  /** SecurityPolicy lists may use list matches (DeviceCapabilities.compact_rules). */
  readonly compactRules: boolean;
  /** Identity of the data plane's life; a changed one means it lost everything. Absent on plain targets. */
  readonly bootId?: string;
  /** Largest count of objects of a kind; absent = not told. */
  readonly limits: Readonly<
    Partial<Record<ObjectKind | 'groupMembers' | 'rulesPerPolicy', number>>
  >;
  /** Optional features by name, e.g. `established_policy_reevaluate`. */
  readonly features: readonly string[];
}

/** One operation of a batch. A group's `members` are its whole initial membership; `upload` names staged ones instead. */
export type BatchOperation =
  | {
      readonly op: 'create' | 'update';
      readonly object: Extract<AnyObject, { key: ObjectKey<ExtensionKind> }>;
      readonly members?: Iterable<string>;
    }
  | { readonly op: 'delete'; readonly key: ObjectKey<ExtensionKind> }
  | {
      readonly op: 'modifyMembers';
      readonly key: ObjectKey<'addressGroup'>;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | {
      /** Swaps the membership staged under `uploadToken` into the group, which keeps its id. */
      readonly op: 'replaceMembers';
      readonly key: ObjectKey<'addressGroup'>;
      readonly uploadToken: string;
    };

/** The port. Every call fails with `OpiError` and has a deadline of the implementation's. */
export interface Target {
  /** Asks for capabilities; also the liveness check. */
  probe(): Promise<TargetCapabilities>;

  /** Every object of a kind, foreign ones included; foreign ones are told by their key's id. Specs are canonical. */
  list(kind: ObjectKind): Promise<OpiObject[]>;

  /** Whole membership of a group, canonical member texts. */
  fetchMembers(key: ObjectKey<'addressGroup'>): Promise<Set<string>>;

  /** Creates one object and waits until it is usable. An existing equal object is success. */
  create(object: OpiObject<CloudKind>): Promise<void>;

  /** Replaces the spec of one object. */
  update(object: OpiObject<CloudKind>): Promise<void>;

  /** Deletes one object and waits until its id is free. A missing object is success. */
  delete(key: ObjectKey<CloudKind>): Promise<void>;

  /** Applies all operations or none; a packet sees all of it or none. Native only (`UNSUPPORTED` otherwise). */
  applyBatch(operations: readonly BatchOperation[]): Promise<void>;

  /** Stages a membership (in pieces of at most 1 MiB) that no packet sees; gives the token for `replaceMembers`. */
  uploadMembers(key: ObjectKey<'addressGroup'>, members: Iterable<string>): Promise<string>;

  /** Releases the connection. */
  close(): Promise<void>;
}
