/** Checks that SecurityPolicy and NetworkPolicy rules share. */
import type { IcmpSpec } from '../../opi/objects/match.js';
import type { Checker } from './checker.js';
import { StoreError } from './errors.js';
import type { Limits } from './limits.js';

/** What validity depends on beside the object. */
export interface ValidationContext {
  /** SecurityPolicies may use COMPACT rules (DeviceCapabilities.compact_rules). */
  readonly compactRules: boolean;
  readonly limits: Limits;
}

/** ICMP type, and code if one is given. */
export function checkIcmp(icmp: IcmpSpec | undefined, field: string, checker: Checker): void {
  if (icmp === undefined) return;
  checker.integer(icmp.type, 0, 255, `${field}.type`);
  if (icmp.code !== undefined) checker.integer(icmp.code, 0, 255, `${field}.code`);
}

/** Rule and tier ids: 1 to 128 printable ASCII characters. */
export function checkPrintable(id: string, field: string, checker: Checker): void {
  const sound = /^[\x20-\x7e]{1,128}$/.test(id);
  checker.require(sound, field, `"${id}" is not 1 to 128 printable ASCII characters`);
}

/** Throws RESOURCE_EXHAUSTED if a policy has more rules than the table holds. */
export function requireRuleRoom(ruleCount: number, limits: Limits): void {
  const limit = limits.rulesPerPolicy;
  if (limit === undefined || ruleCount <= limit) return;
  throw new StoreError({
    code: 'RESOURCE_EXHAUSTED',
    op: 'store rules',
    message: `${ruleCount} rules in one policy, the table holds ${limit}`,
    reason: 'RULE_TABLE_FULL',
  });
}
