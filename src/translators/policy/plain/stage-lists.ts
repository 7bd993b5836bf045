/** Stages of a port as decision lists: tiers in order, pass, default actions, profiles, failsafes (felix-protocol: tiers). */
import type { Family } from '../../../base/ip.js';
import { parseCidr } from '../../../base/ip.js';
import type { FailsafeSpec } from '../../../opi/objects/specs.js';
import { ruleId } from '../rule-id.js';
import { setUses } from '../set-uses.js';
import type { NormalRule, RuleList, StageProgram, TierProgram } from '../program.js';
import { everything, narrow, PORTS, protocolSet, type Box } from './box.js';
import type { PlainCapabilities } from './capabilities.js';
import {
  always,
  bind,
  prepend,
  stepsOf,
  type Compiled,
  type Narrowing,
  type Step,
} from './decision-list.js';
import { IdentityNumbers, RecentCache } from './identity.js';
import type { MemberSet, MemberSets } from './member-sets.js';
import { boxesOf, netsOf } from './rule-boxes.js';
import type { IpSetId } from '../../../model/ids.js';

/** Steps of one RuleList for one family, and the sets they were made from. */
interface CompiledRules {
  readonly steps: readonly Step[];
  readonly narrowings: readonly Narrowing[];
  readonly uses: readonly (readonly [IpSetId, MemberSet])[];
  /** Version of the sets at which `uses` were last found to hold. */
  validAt: number;
}

const STAGES_KEPT = 2048;

/**
 * Compiles stages. The same stage over the same rules and memberships gives the same object, so whoever composes stages
 * can tell by identity what is unchanged.
 */
export class StageLists {
  private readonly sets: MemberSets;
  private readonly limits: PlainCapabilities;
  /** By the array of rules: it stays the same while the rules do, whoever asks for the list. */
  private readonly rules = new WeakMap<RuleList['rules'], Map<Family, CompiledRules>>();
  private readonly numbers = new IdentityNumbers();
  private readonly stages = new RecentCache<string, Compiled>(STAGES_KEPT);

  constructor(sets: MemberSets, limits: PlainCapabilities) {
    this.sets = sets;
    this.limits = limits;
  }

  /**
   * A stage of one family. FORWARD, HOST and WORKLOAD end in allow or deny; UNTRACKED and PRE_DNAT leave `pass` where
   * they have no verdict.
   */
  compile(stage: StageProgram, failsafes: readonly FailsafeSpec[], family: Family): Compiled {
    const key = this.keyOf(stage, failsafes, family);
    return this.stages.get(key, () => {
      const verdicts = this.verdicts(stage, family);
      const compiled = stage.kind === 'UNTRACKED' ? withoutUntrackedAllows(verdicts) : verdicts;
      const front = failsafeSteps(stage, failsafes, family);
      const list = prepend(front, compiled.list);
      if (stage.kind !== 'UNTRACKED' || front.length === 0) return { ...compiled, list };
      return { list, narrowings: [...compiled.narrowings, TRACKED_FAILSAFES] };
    });
  }

  /** What stands for a stage that is beyond the budget: its failsafes, and deny. */
  fallback(stage: StageProgram, failsafes: readonly FailsafeSpec[], family: Family): Compiled {
    const key = `fallback ${stage.kind} ${stage.direction} ${failsafeText(failsafes)} ${family}`;
    return this.stages.get(key, () => {
      const front = failsafeSteps(stage, failsafes, family);
      return { list: prepend(front, always('deny', `${stage.kind}|budget`)), narrowings: [] };
    });
  }

  private verdicts(stage: StageProgram, family: Family): Compiled {
    let next = this.end(stage, family);
    for (const tier of [...stage.tiers].reverse()) {
      next = this.tier(tier, next, family);
    }
    return next;
  }

  private end(stage: StageProgram, family: Family): Compiled {
    switch (stage.kind) {
      case 'UNTRACKED':
      case 'PRE_DNAT':
        return plain(always('pass', `${stage.kind}|end`));
      case 'FORWARD':
        return plain(always('allow', `${stage.kind}|end`));
      case 'HOST':
      case 'WORKLOAD':
        return this.profiles(stage.profiles, family);
    }
  }

  private profiles(profiles: readonly RuleList[], family: Family): Compiled {
    let next = plain(always('deny', 'no-profile-matched'));
    for (const profile of [...profiles].reverse()) {
      const tier = { name: profile.name, policies: [profile], defaultAction: 'pass' as const };
      next = this.tier(tier, next, family);
    }
    return next;
  }

  private tier(tier: TierProgram, next: Compiled, family: Family): Compiled {
    const compiled = tier.policies.map((policy) => this.rulesOf(policy, family));
    const list = {
      steps: compiled.flatMap(({ steps }) => steps),
      otherwise: tier.defaultAction,
      name: `tier|${tier.name}|default`,
    };
    const narrowings = compiled.flatMap((rules) => rules.narrowings);
    return bind({ list, narrowings }, 'pass', next, this.limits.productMax);
  }

  private rulesOf(list: RuleList, family: Family): CompiledRules {
    const known = this.rules.get(list.rules)?.get(family);
    if (known !== undefined && this.isValid(known, family)) return known;
    const compiled = this.compileRules(list, family);
    const families = this.rules.get(list.rules) ?? new Map<Family, CompiledRules>();
    this.rules.set(list.rules, families.set(family, compiled));
    return compiled;
  }

  private isValid(compiled: CompiledRules, family: Family): boolean {
    const { version } = this.sets;
    if (compiled.validAt === version) return true;
    if (compiled.uses.some(([id, used]) => this.sets.get(id, family) !== used)) return false;
    compiled.validAt = version;
    return true;
  }

  private compileRules(list: RuleList, family: Family): CompiledRules {
    const steps: Step[] = [];
    const narrowings: Narrowing[] = [];
    const used = new Set<IpSetId>();
    for (const rule of list.rules) {
      if (rule.action === 'log') continue;
      for (const { id } of setUses(rule)) used.add(id);
      const { boxes, problem } = boxesOf(rule, family, this.sets, this.limits.rulesPerRuleMax);
      const name = ruleId(rule.origin);
      if (problem !== undefined) narrowings.push(narrowingOf(rule, name, problem));
      if (problem !== undefined && rule.action === 'allow') continue;
      const outcome = problem === undefined ? rule.action : 'deny';
      for (const box of boxes) steps.push({ box, outcome, name, rule: rule.origin });
    }
    const uses = [...used].map((id) => [id, this.sets.get(id, family)] as const);
    return { steps, narrowings, uses, validAt: this.sets.version };
  }

  private keyOf(stage: StageProgram, failsafes: readonly FailsafeSpec[], family: Family): string {
    const lists = (of: readonly RuleList[]): string =>
      of.map((list) => this.numbers.of(this.rulesOf(list, family))).join(',');
    const tiers = stage.tiers.map(
      (tier) => `${JSON.stringify(tier.name)}:${tier.defaultAction}:${lists(tier.policies)}`,
    );
    const head = `${stage.kind} ${stage.direction} ${family} ${failsafeText(failsafes)}`;
    return `${head} ${tiers.join(';')} ${lists(stage.profiles)}`;
  }
}

function plain(list: Compiled['list']): Compiled {
  return { list, narrowings: [] };
}

function narrowingOf(
  rule: NormalRule,
  name: string,
  problem: { readonly code: 'invalid' | 'budget'; readonly reason: string },
): Narrowing {
  const effect = rule.action === 'allow' ? 'the rule is left out' : 'the rule denies more';
  return { code: problem.code, rule: rule.origin, reason: `${name}: ${problem.reason}; ${effect}` };
}

/**
 * Lists are stateful, so an untracked allow cannot end the path: its packets go on to the stages behind. Denies stay.
 */
function withoutUntrackedAllows({ list, narrowings }: Compiled): Compiled {
  const named = new Set<string>();
  const lost = [...narrowings];
  const steps = list.steps.map((step) => {
    if (step.outcome !== 'allow') return step;
    if (!named.has(step.name)) lost.push(untrackedAllow(step));
    named.add(step.name);
    return { ...step, outcome: 'pass' as const };
  });
  const otherwise = list.otherwise === 'allow' ? 'pass' : list.otherwise;
  return { list: { ...list, steps, otherwise }, narrowings: lost };
}

const TRACKED_FAILSAFES: Narrowing = {
  code: 'not-expressible',
  reason:
    'failsafes of an untracked policy: the lists track their packets, so those without a valid connection state are dropped',
};

function untrackedAllow(step: Step): Narrowing {
  return {
    code: 'not-expressible',
    ...(step.rule === undefined ? {} : { rule: step.rule }),
    reason: `${step.name}: untracked allow; the lists track every flow, so later stages decide too`,
  };
}

function failsafeText(failsafes: readonly FailsafeSpec[]): string {
  return failsafes
    .map((of) => `${of.direction}:${of.protocol}:${of.prefix ?? ''}:${of.port}`)
    .join(',');
}

/**
 * Failsafes in front of a stage. They allow in PRE_DNAT and HOST. In UNTRACKED, where also the reverse direction
 * counts, they end the stage: the later stages hold the same failsafes.
 */
function failsafeSteps(
  stage: StageProgram,
  failsafes: readonly FailsafeSpec[],
  family: Family,
): Step[] {
  if (stage.kind !== 'UNTRACKED' && stage.kind !== 'PRE_DNAT' && stage.kind !== 'HOST') return [];
  const inwards = stage.direction === 'FROM_PORT';
  const outcome = stage.kind === 'UNTRACKED' ? 'pass' : 'allow';
  return failsafes.flatMap((failsafe) => {
    const forward = (failsafe.direction === 'INBOUND') === inwards;
    if (!forward && stage.kind !== 'UNTRACKED') return [];
    const box = failsafeBox(failsafe, inwards, forward, family);
    return stepsOf([box], outcome, `failsafe|${failsafe.protocol}|${failsafe.port}`);
  });
}

function failsafeBox(
  failsafe: FailsafeSpec,
  inwards: boolean,
  forward: boolean,
  family: Family,
): Box | undefined {
  const ports = PORTS.ofRanges([{ low: failsafe.port, high: failsafe.port }]);
  const box = narrow(everything(family), {
    protocols: protocolSet(failsafe.protocol),
    ...(forward ? { destinationPorts: ports } : { sourcePorts: ports }),
  });
  if (failsafe.prefix === undefined || box === undefined) return box;
  const cidr = parseCidr(failsafe.prefix);
  const remote = netsOf(cidr === undefined ? [] : [cidr], family);
  return narrow(box, inwards ? { source: remote } : { destination: remote });
}
