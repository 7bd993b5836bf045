/** Why something is narrower than Calico asked for. Nothing is narrowed without one of these. */
import type { RuleOrigin } from './policy/program.js';

/**
 * - `missing-referent`: a policy, profile or set that Felix named is not there; denied instead.
 * - `unknown-action`, `unknown-protocol`: the rule cannot be read; it denies what it might match.
 * - `not-expressible`: the target has no such match or stage.
 * - `budget`: the expansion would exceed the rule budget.
 * - `table-full`: the XPU's table has no room.
 * - `unsupported-encap`: a tunnel type or an encryption that the XPU does not offer; its traffic is not sent.
 * - `unresolved`: where the destination's node is, or its tunnel endpoint, is not known (yet); its traffic is not sent.
 * - `address-conflict`: another port holds the address.
 * - `invalid`: a value Felix sent is malformed; names field and value.
 */
export type DegradationCode =
  | 'missing-referent'
  | 'unknown-action'
  | 'unknown-protocol'
  | 'not-expressible'
  | 'budget'
  | 'table-full'
  | 'unsupported-encap'
  | 'unresolved'
  | 'address-conflict'
  | 'invalid';

/** One narrowing. */
export interface Degradation {
  readonly code: DegradationCode;
  /** Endpoint key, `uplink`, `tunnel`, or a route's destination: whose traffic is narrower. */
  readonly subject: string;
  /** Absent = both directions (or not about a direction). */
  readonly direction?: 'ingress' | 'egress';
  readonly rule?: RuleOrigin;
  /** One sentence for people, naming field and value. */
  readonly reason: string;
}

/** Sorted for people and comparison: by subject, direction, rule, code, reason; without repeats. */
export function sortDegradations(degradations: readonly Degradation[]): readonly Degradation[] {
  const byText = new Map(degradations.map((entry) => [sortText(entry), entry]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

function sortText({ subject, direction, rule, code, reason }: Degradation): string {
  const index = String(rule?.index ?? 0).padStart(8, '0');
  return JSON.stringify([subject, direction ?? '', rule?.source ?? '', index, code, reason]);
}
