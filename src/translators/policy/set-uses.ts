/** Which IP sets a rule list needs, and what becomes of a list that names one which is missing or cannot be read. */
import type { IpSetId } from '../../model/ids.js';
import type { IpSetType } from '../../model/policy.js';
import { denyEverything, type RuleProblem } from './normalise.js';
import type { NormalRule, NormalSide } from './program.js';

/** One use of a set in a rule. */
export interface SetUse {
  readonly id: IpSetId;
  readonly type: IpSetType;
  readonly negated: boolean;
}

/** What a use must know of a set. */
export interface SetHealth {
  readonly type: IpSetType;
  /** Members that could not be read and are left out. */
  readonly badMembers: number;
}

/** Every use of a set in a rule. */
export function setUses(rule: NormalRule): SetUse[] {
  return [
    ...sideUses(rule.source),
    ...sideUses(rule.destination),
    ...uses(rule.destinationIpPortSets, 'ip-port', false),
  ];
}

function sideUses(side: NormalSide): SetUse[] {
  return [
    ...uses(side.ipSets, 'net', false),
    ...uses(side.notIpSets, 'net', true),
    ...uses(side.namedPorts, 'ip-port', false),
    ...uses(side.notNamedPorts, 'ip-port', true),
  ];
}

function uses(ids: readonly IpSetId[], type: IpSetType, negated: boolean): SetUse[] {
  return ids.map((id) => ({ id, type, negated }));
}

/** A list whose every set is there, and why it is narrower than asked. */
export interface CheckedList {
  readonly rules: readonly NormalRule[];
  readonly problems: readonly RuleProblem[];
}

/**
 * Cuts a list at the first rule that needs a set which is missing, of the wrong type, or not wholly readable where that
 * could let more through: from that place on everything is denied. Rules before it decide as ever. A log rule that
 * cannot be read goes silently, for it decides nothing.
 */
export function checkSets(
  rules: readonly NormalRule[],
  health: (id: IpSetId) => SetHealth | undefined,
): CheckedList {
  const kept: NormalRule[] = [];
  const problems: RuleProblem[] = [];
  for (const rule of rules) {
    const found = setUses(rule).flatMap((use) => useProblem(rule, use, health(use.id)));
    if (rule.action !== 'log') problems.push(...found.map(({ problem }) => problem));
    if (!found.some(({ blocks }) => blocks)) kept.push(rule);
    else if (rule.action !== 'log')
      return { rules: [...kept, denyEverything(rule.origin)], problems };
  }
  return { rules: kept, problems };
}

interface UseProblem {
  readonly blocks: boolean;
  readonly problem: RuleProblem;
}

function useProblem(rule: NormalRule, use: SetUse, health: SetHealth | undefined): UseProblem[] {
  const { origin } = rule;
  if (health === undefined || health.type !== use.type) {
    const state = health === undefined ? 'is not there' : `holds ${health.type} members`;
    const reason = `IP set ${use.id} ${state}; denied from this rule on`;
    return [{ blocks: true, problem: { code: 'missing-referent', rule: origin, reason } }];
  }
  if (health.badMembers === 0) return [];
  const narrows = rule.action === 'allow' && !use.negated;
  const effect = narrows ? 'left out' : 'denied from this rule on';
  const reason = `IP set ${use.id} holds ${health.badMembers} malformed members; ${effect}`;
  return [{ blocks: !narrows, problem: { code: 'invalid', rule: origin, reason } }];
}
