/** A whole XPU in process: an object store with a memory data plane that follows it. No sockets. */
import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../base/clock.js';
import { MemoryDataPlane } from './memory/data-plane.js';
import type { Limits } from './store/limits.js';
import { ObjectStore } from './store/object-store.js';
import type { Xpu } from './xpu.js';

/** How an XPU behaves. Every field has a default. */
export interface MemoryXpuOptions {
  /** Table sizes; default unlimited. */
  readonly limits?: Limits;
  /** Offers the network/k8s extension; default true. Without it SecurityPolicy lists rule (plain network/cloud). */
  readonly extension?: boolean;
  /** SecurityPolicies may use COMPACT rules; default true. */
  readonly compactRules?: boolean;
  /** Default the real clock. */
  readonly clock?: Clock;
  /** Tracked flows at most; default 262,144 as Linux has it. */
  readonly flowsMax?: number;
  /** Gives boot ids and upload tokens: texts nobody can guess. Default 16 random bytes in hex. */
  readonly newToken?: () => string;
}

/** An XPU whose data plane is in memory; a new one has a new boot id. */
export interface MemoryXpu extends Xpu {
  readonly dataPlane: MemoryDataPlane;
}

/** Unused upload tokens are forgotten after five minutes. */
const UPLOAD_LIFETIME_MS = 300_000;
/** Members of all open uploads: room for two memberships of two million. */
const UPLOAD_MEMBERS_MAX = 4_000_000;

/** Makes an empty XPU. */
export function createMemoryXpu(options: MemoryXpuOptions = {}): MemoryXpu {
  const clock = options.clock ?? systemClock;
  const newToken = options.newToken ?? (() => randomBytes(16).toString('hex'));
  const store = new ObjectStore({
    clock,
    newToken,
    limits: options.limits ?? {},
    compactRules: options.compactRules ?? true,
    uploadLifetimeMs: UPLOAD_LIFETIME_MS,
    uploadMembersMax: UPLOAD_MEMBERS_MAX,
  });
  const dataPlane = new MemoryDataPlane({
    store,
    clock,
    extension: options.extension ?? true,
    bootId: newToken(),
    flowsMax: options.flowsMax ?? 262_144,
  });
  return { store, dataPlane, clock, newToken };
}
