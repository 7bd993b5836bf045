/** One stage of a packet's way in full: every tier, policy and profile that was asked, and on request those behind. */
import { InternalError } from '../../base/errors.js';
import type { StageKind } from '../../opi/objects/specs.js';
import type { Decision } from '../../soft-xpu/memory/decision.js';
import { failsafeAllows } from '../../soft-xpu/memory/failsafe.js';
import type { CompiledPolicy } from '../../soft-xpu/memory/compiled-policy.js';
import type { Packet } from '../../soft-xpu/memory/packet.js';
import { ruleMatches, type GroupLookup } from '../../soft-xpu/memory/rule-match.js';
import type { AskedStage } from '../../soft-xpu/memory/walk.js';
import type { LaterStage } from './later-stages.js';
import { parseRulePlace } from '../../translators/policy/rule-id.js';
import type { RuleSourceName, RuleSources } from './rule-sources.js';

/** What one thing that a stage asks said. `no-match` goes on; `pass` ends the tier; `continue` ends the stage. */
export type StepResult = 'allow' | 'deny' | 'pass' | 'no-match' | 'continue';

/** A rule that matched. */
export interface MatchedRule {
  /** 0-based place in the list that Felix sent. */
  readonly index: number;
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
}

/** One thing that a stage asks. */
export interface StageStep {
  readonly kind: 'state' | 'failsafe' | 'policy' | 'tier-default' | 'profile' | 'end';
  readonly tier?: string;
  readonly source?: RuleSourceName;
  /** Of policies and profiles: which of their lists. */
  readonly direction?: 'ingress' | 'egress';
  /** Rules that matched, up to the one that decided. */
  readonly rules: readonly MatchedRule[];
  readonly result: StepResult;
  /** False: it stands behind what decided; this is what it would have said. */
  readonly asked: boolean;
  /** This step ended the stage. */
  readonly decides: boolean;
}

/** What a report is made with. */
export interface ReportContext {
  readonly packet: Packet;
  readonly policy: (id: string) => CompiledPolicy | undefined;
  readonly groups: GroupLookup;
  readonly sources: RuleSources;
  /** Also report what stands behind the step that decided. */
  readonly all: boolean;
}

type Draft = Omit<StageStep, 'asked' | 'decides'>;

const PROFILE_STAGES: readonly StageKind[] = ['HOST', 'WORKLOAD'];

/** Reports a stage that was asked. `decisions` are those of the walk's path that the stage made. */
export function reportStage(
  asked: AskedStage,
  decisions: readonly Decision[],
  context: ReportContext,
): StageStep[] {
  const report = new StageReport(asked, decisions, context).run();
  const result = RESULTS[asked.outcome];
  const told = resultOf(report);
  if (told === result) return report;
  throw new InternalError(`stage ${asked.stage.kind} came to ${result}, told as ${told}`);
}

/** What a stage that was not asked would have said. */
export function reportLater(later: LaterStage, context: ReportContext): StageStep[] {
  const report = new StageReport(later, [], context).run();
  return report.map((step) => ({ ...step, asked: false }));
}

/** What a report comes to. */
export function resultOf(report: readonly StageStep[]): 'allow' | 'deny' | 'continue' {
  const result = report.find(({ decides }) => decides)?.result;
  return result === 'allow' || result === 'deny' ? result : 'continue';
}

const RESULTS = { ALLOW: 'allow', DENY: 'deny', CONTINUE: 'continue' } as const;

class StageReport {
  private readonly asked: LaterStage;
  private readonly decisions: readonly Decision[];
  private readonly context: ReportContext;
  private readonly steps: StageStep[] = [];
  private isDecided = false;
  /** A pass has ended the tier at hand. */
  private isTierOver = false;

  constructor(asked: LaterStage, decisions: readonly Decision[], context: ReportContext) {
    this.asked = asked;
    this.decisions = decisions;
    this.context = context;
  }

  run(): StageStep[] {
    const [first] = this.decisions;
    if (first?.kind === 'BUILT_IN') this.decide({ kind: 'state', rules: [], result: 'deny' });
    this.failsafes();
    for (const tier of this.asked.stage.tiers) {
      if (tier.policies.length > 0) this.tier(tier);
    }
    this.end();
    return this.steps;
  }

  private failsafes(): void {
    const { stage, binding } = this.asked;
    if (!FAILSAFE_STAGES.includes(stage.kind) || binding.failsafes.length === 0) return;
    const isReply = this.decisions.some(
      ({ kind, effect }) => kind === 'FAILSAFE' && effect === 'PASS',
    );
    if (isReply) return this.decide({ kind: 'failsafe', rules: [], result: 'continue' });
    if (failsafeAllows(binding.failsafes, this.context.packet, stage.direction)) {
      return this.decide({ kind: 'failsafe', rules: [], result: 'allow' });
    }
    this.go({ kind: 'failsafe', rules: [], result: 'no-match' });
  }

  private tier({ tierId, policies, defaultAction }: AskedStage['stage']['tiers'][number]): void {
    this.isTierOver = false;
    for (const { id } of policies) this.rules(id, { kind: 'policy', tier: tierId });
    const result = defaultAction === 'DENY' ? 'deny' : 'pass';
    const step: Draft = { kind: 'tier-default', tier: tierId, rules: [], result };
    if (this.isTierOver) this.behind(step);
    else if (result === 'deny') this.decide(step);
    else this.go(step);
    this.isTierOver = false;
  }

  private rules(policyId: string, what: Pick<Draft, 'kind' | 'tier'>): void {
    const { packet, groups, policy, sources } = this.context;
    const { ruleList } = this.asked.stage;
    const rules: MatchedRule[] = [];
    let result: StepResult = 'no-match';
    for (const rule of policy(policyId)?.rules[ruleList] ?? []) {
      if (!ruleMatches(rule, packet, groups)) continue;
      const action = ACTIONS[rule.spec.action];
      rules.push({ index: parseRulePlace(rule.spec.ruleId)?.index ?? 0, action });
      if (action === 'log') continue;
      result = action;
      break;
    }
    const direction = ruleList === 'INGRESS' ? 'ingress' : 'egress';
    const step: Draft = { ...what, source: sources.nameOf(policyId), direction, rules, result };
    if (this.isTierOver) return this.behind(step);
    if (result === 'allow' || result === 'deny') return this.decide(step);
    this.go(step);
    // A profile's pass is no allow: the next one is asked.
    if (result === 'pass' && what.kind === 'policy') this.isTierOver = true;
  }

  private end(): void {
    const { kind, profiles } = this.asked.stage;
    if (!PROFILE_STAGES.includes(kind) && !this.isDecided) {
      return this.decide({
        kind: 'end',
        rules: [],
        result: kind === 'FORWARD' ? 'allow' : 'continue',
      });
    }
    for (const { id } of profiles) this.rules(id, { kind: 'profile' });
    if (!this.isDecided) this.decide({ kind: 'end', rules: [], result: 'deny' });
  }

  private decide(step: Draft): void {
    if (this.isDecided) return this.behind(step);
    this.isDecided = true;
    this.steps.push({ ...step, asked: true, decides: true });
  }

  private go(step: Draft): void {
    if (this.isDecided) this.behind(step);
    else this.steps.push({ ...step, asked: true, decides: false });
  }

  /** What is not asked is told on request. */
  private behind(step: Draft): void {
    if (this.context.all) this.steps.push({ ...step, asked: false, decides: false });
  }
}

const FAILSAFE_STAGES: readonly StageKind[] = ['UNTRACKED', 'PRE_DNAT', 'HOST'];
const ACTIONS = { ALLOW: 'allow', DENY: 'deny', PASS: 'pass', LOG: 'log' } as const;
