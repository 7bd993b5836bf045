/**
 * The Plan: every object that should exist on the XPU, by key. Translators make it, the reconciler makes it true.
 * It depends on the wanted state alone: the same state by any route gives the same plan, byte for byte.
 */
import { canonicalJson } from '../../base/json.js';
import { keyText, type KeyText, type ObjectKey } from './key.js';
import type { AnyObject, OpiObject } from './specs.js';

/**
 * Who an object is for, as an opaque text of the translator's (an endpoint key, a policy key); the reconciler reports
 * readiness and failures by it.
 */
export type Origin = string;

/** One planned object. */
export interface PlanEntry {
  readonly object: AnyObject;
  readonly origins: readonly Origin[];
  /**
   * AddressGroups only: a live, read-only view of the whole wanted membership (canonical member texts). It may change
   * between two flushes; every change is also told as a MemberDelta. A membership that is replaced as a whole comes as
   * an upsert with another Set object: an upsert with the same Set says nothing about members.
   */
  readonly members?: ReadonlySet<string>;
  /**
   * Policy bindings, and vNICs of plain targets: an object of the same key that denies at least all that `object` denies
   * and refers only to things that are always there. Written in place of `object` while something `object` depends on
   * is refused by the XPU. Without it a vNIC's binding is deleted instead (which denies); other objects keep their old
   * spec.
   */
  readonly closed?: AnyObject;
}

/** Change of one group's membership since the last PlanDelta. Members of a group that is new or replaced are not listed. */
export interface MemberDelta {
  readonly key: ObjectKey<'addressGroup'>;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** What changed in the plan since the last PlanDelta. */
export interface PlanDelta {
  /** New or changed objects. A repeated, equal object is allowed and means nothing. */
  readonly upserts: readonly PlanEntry[];
  readonly removals: readonly ObjectKey[];
  readonly members: readonly MemberDelta[];
}

/** A whole plan. */
export type Plan = ReadonlyMap<KeyText, PlanEntry>;

/** Canonical text of an object's spec. Specs are plain values; equal text means equal spec. */
export function specText(object: OpiObject): string {
  return canonicalJson(object.spec);
}

/** Text of a whole plan or dump for comparison: one line per object, sorted, members included. */
export function dumpPlan(plan: Iterable<PlanEntry>): string {
  const lines = [...plan].map(({ object, members }) => {
    const text = `${keyText(object.key)} ${specText(object)}`;
    return members === undefined ? text : `${text} ${JSON.stringify([...members].sort())}`;
  });
  return `${lines.sort().join('\n')}\n`;
}
