/** Every corner case that a first packet can show. */
import { CHANGE_CASES } from './changes.js';
import { HOST_ENDPOINT_CASES } from './host-endpoints.js';
import { RULE_CASES } from './rules.js';
import { TIER_CASES } from './tiers.js';
import { WORKLOAD_CASES } from './workloads.js';

/** In the order of their numbers. */
export const CORNER_CASES = [
  ...TIER_CASES,
  ...RULE_CASES,
  ...WORKLOAD_CASES,
  ...HOST_ENDPOINT_CASES,
  ...CHANGE_CASES,
];
