/** One stage of one direction of a port: failsafes, tiers, profiles (k8s-extension: path and stages). */
import type { Direction, StageKind, StageSpec } from '../../opi/objects/specs.js';
import type { CompiledBinding, CompiledPolicy } from './compiled-policy.js';
import type { Decision } from './decision.js';
import { failsafeAllows, failsafeReply } from './failsafe.js';
import type { Packet } from './packet.js';
import type { PortRef } from './port.js';
import { ruleMatches, type CompiledRule, type GroupLookup } from './rule-match.js';

/** What a stage needs beside its spec. */
export interface StageContext {
  readonly packet: Packet;
  readonly port: PortRef;
  readonly binding: CompiledBinding;
  readonly policies: ReadonlyMap<string, CompiledPolicy>;
  readonly groups: GroupLookup;
  /** The packet is tracked and INVALID. */
  readonly invalid: boolean;
  /** Takes every decision in order, the deciding one last. */
  readonly note: (decision: Decision) => void;
}

/** `CONTINUE`: the stage is not there, or ended without a verdict that lets the packet go on. */
export type StageOutcome = 'ALLOW' | 'DENY' | 'CONTINUE';

type Verdict = 'ALLOW' | 'DENY' | 'PASS' | undefined;

/** Stages that are there without any tier. */
const ALWAYS_THERE: readonly StageKind[] = ['HOST', 'WORKLOAD'];
const WITH_FAILSAFES: readonly StageKind[] = ['UNTRACKED', 'PRE_DNAT', 'HOST'];

/** Asks a stage. */
export function askStage(
  kind: StageKind,
  direction: Direction,
  context: StageContext,
): StageOutcome {
  const stage = stageOf(kind, direction, context);
  if (stage === undefined) return 'CONTINUE';
  return new StageWalk(stage, context).run();
}

/** The stage's spec, if it is there. A vNIC port has an owner, so its WORKLOAD is there even if nobody listed it. */
export function stageOf(
  kind: StageKind,
  direction: Direction,
  { binding, port }: Pick<StageContext, 'binding' | 'port'>,
): StageSpec | undefined {
  const stage = binding.stages.get(`${kind} ${direction}`);
  if (stage === undefined) {
    if (kind !== 'WORKLOAD' || port.kind !== 'vnic') return undefined;
    const ruleList = direction === 'FROM_PORT' ? 'EGRESS' : 'INGRESS';
    return { kind, direction, ruleList, tiers: [], profiles: [] };
  }
  if (ALWAYS_THERE.includes(kind)) return stage;
  return stage.tiers.some((tier) => tier.policies.length > 0) ? stage : undefined;
}

class StageWalk {
  private readonly stage: StageSpec;
  private readonly context: StageContext;

  constructor(stage: StageSpec, context: StageContext) {
    this.stage = stage;
    this.context = context;
  }

  run(): StageOutcome {
    const { kind } = this.stage;
    const { invalid, binding } = this.context;
    if (invalid && kind !== 'UNTRACKED' && binding.spec.invalidAction === 'DROP') {
      this.note({ kind: 'BUILT_IN', effect: 'DENY', dropReason: 'INVALID_STATE' });
      return 'DENY';
    }
    const early = WITH_FAILSAFES.includes(kind) ? this.askFailsafes() : undefined;
    return early ?? this.askTiers() ?? this.end();
  }

  private askFailsafes(): StageOutcome | undefined {
    const { packet, binding } = this.context;
    const { kind, direction } = this.stage;
    if (failsafeAllows(binding.failsafes, packet, direction)) {
      this.note({ kind: 'FAILSAFE', effect: 'ALLOW' });
      return 'ALLOW';
    }
    if (kind === 'UNTRACKED' && failsafeReply(binding.failsafes, packet, direction)) {
      this.note({ kind: 'FAILSAFE', effect: 'PASS', note: 'reply of a failsafe, stays tracked' });
      return 'CONTINUE';
    }
    return undefined;
  }

  private askTiers(): StageOutcome | undefined {
    for (const tier of this.stage.tiers) {
      if (tier.policies.length === 0) continue;
      const verdict = this.askPolicies(tier.policies, tier.tierId);
      if (verdict === 'ALLOW' || verdict === 'DENY') return verdict;
      if (verdict === undefined && tier.defaultAction === 'DENY') {
        const { tierId } = tier;
        this.note({ kind: 'TIER_DEFAULT', effect: 'DENY', tierId, dropReason: 'TIER_DEFAULT' });
        return 'DENY';
      }
    }
    return undefined;
  }

  private askPolicies(refs: readonly { id: string }[], tierId: string): Verdict {
    for (const { id } of refs) {
      const verdict = this.askRules(id, tierId);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  private askRules(policyId: string, tierId: string | undefined): Verdict {
    const rules = this.context.policies.get(policyId)?.rules[this.stage.ruleList] ?? [];
    for (const rule of rules) {
      if (!ruleMatches(rule, this.context.packet, this.context.groups)) continue;
      this.noteRule(rule, policyId, tierId);
      if (rule.spec.action !== 'LOG') return rule.spec.action;
    }
    return undefined;
  }

  /** After the tiers: what a stage without a verdict comes to. A profile's PASS is no allow: the next one is asked. */
  private end(): StageOutcome {
    const { kind, profiles } = this.stage;
    if (!ALWAYS_THERE.includes(kind)) return kind === 'FORWARD' ? 'ALLOW' : 'CONTINUE';
    for (const { id } of profiles) {
      const verdict = this.askRules(id, undefined);
      if (verdict === 'ALLOW' || verdict === 'DENY') return verdict;
    }
    this.note({ kind: 'PROFILE_END', effect: 'DENY', dropReason: 'PROFILE_END' });
    return 'DENY';
  }

  private noteRule(rule: CompiledRule, policyId: string, tierId: string | undefined): void {
    const { action, ruleId } = rule.spec;
    this.note({
      kind: tierId === undefined ? 'PROFILE_RULE' : 'RULE',
      effect: action,
      policyId,
      ruleId,
      ruleList: this.stage.ruleList,
      counter: rule.counter,
      ...(tierId === undefined ? {} : { tierId }),
      ...(action === 'DENY' ? { dropReason: 'RULE' } : {}),
    });
  }

  private note(decision: Omit<Decision, 'port' | 'direction' | 'stage'>): void {
    const { kind: stage, direction } = this.stage;
    this.context.note({ port: this.context.port, direction, stage, ...decision });
  }
}
