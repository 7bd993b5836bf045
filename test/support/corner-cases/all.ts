/** Every corner case that a first packet can show. */
import { CHANGE_CASES } from './changes.js';
import { HOST_ENDPOINT_CASES } from './host-endpoints.js';
import { OVERLAY_CORNER_CASES } from './overlay-paths.js';
import { RULE_CASES } from './rules.js';
import { TIER_CASES } from './tiers.js';
import { WORKLOAD_CASES } from './workloads.js';

/** Those of one node in the order of their numbers, then those between nodes. */
export const CORNER_CASES = [
  ...TIER_CASES,
  ...RULE_CASES,
  ...WORKLOAD_CASES,
  ...HOST_ENDPOINT_CASES,
  ...CHANGE_CASES,
  ...OVERLAY_CORNER_CASES,
];
