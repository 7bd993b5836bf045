/** What a plain target can hold: data, so that a new target is a new description. */

/** Limits of one target for one SecurityPolicy list. */
export interface PlainCapabilities {
  /** Lists in one rule (DeviceCapabilities.compact_rules); otherwise one entry per field (FLATTENED). */
  readonly compactRules: boolean;
  /** Rules of one list, at most 65,535: priorities are 0..65534 and unique. */
  readonly rulesPerListMax: number;
  /** Address entries of one list, over all its rules. */
  readonly entriesPerListMax: number;
  /** Rules that one Calico rule may become through port sets or, FLATTENED, through the product of its fields. */
  readonly rulesPerRuleMax: number;
  /** Steps of a list while passes and stages are multiplied out; beyond it a passing step denies. */
  readonly productMax: number;
}

/** Number of distinct priorities. */
export const PRIORITY_COUNT = 65535;

/** A target that says nothing but whether it takes COMPACT rules. */
export function plainCapabilities(
  compactRules: boolean,
  rulesPerListMax = PRIORITY_COUNT,
): PlainCapabilities {
  const rules = Math.min(rulesPerListMax, PRIORITY_COUNT);
  return {
    compactRules,
    rulesPerListMax: rules,
    entriesPerListMax: 1_000_000,
    rulesPerRuleMax: rules,
    productMax: Math.min(rules, 16_384),
  };
}
