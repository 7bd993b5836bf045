/** All deliberately wrong compilers. */
import type { Mutation } from './mutation.js';
import { CHANGE_MUTATIONS, LIST_MUTATIONS } from './mutations/lists.js';
import { OVERLAY_MUTATIONS } from './mutations/overlay.js';
import { ACTION_MUTATIONS, CONDITION_MUTATIONS } from './mutations/rules.js';
import { HOST_MUTATIONS, POD_MUTATIONS, TIER_MUTATIONS } from './mutations/stages.js';

/** In the order of the table. */
export const MUTATIONS: readonly Mutation[] = [
  ...CONDITION_MUTATIONS,
  ...ACTION_MUTATIONS,
  ...TIER_MUTATIONS,
  ...POD_MUTATIONS,
  ...HOST_MUTATIONS,
  ...LIST_MUTATIONS,
  ...CHANGE_MUTATIONS,
  ...OVERLAY_MUTATIONS,
];
