/** NetworkPolicies and PolicyBindings made ready for packets. Each is prepared when it changes, never per packet. */
import { parseCidr, type Cidr } from '../../base/ip.js';
import type { PolicyRuleSpec } from '../../opi/objects/match.js';
import type {
  Direction,
  FailsafeSpec,
  NetworkPolicySpec,
  PolicyBindingSpec,
  RuleListName,
  StageKind,
  StageSpec,
} from '../../opi/objects/specs.js';
import { PrefixSet } from '../store/prefix-set.js';
import { CounterMap, zeroCount } from './counters.js';
import type { DropReason } from './decision.js';
import { compileRule, prefixSetOf, type CompiledRule } from './rule-match.js';

/** A NetworkPolicy, compiled. */
export interface CompiledPolicy {
  readonly id: string;
  readonly rules: Readonly<Record<RuleListName, readonly CompiledRule[]>>;
}

/** A failsafe with its prefix parsed; no prefix is any address. */
export interface CompiledFailsafe {
  readonly spec: FailsafeSpec;
  readonly prefix: Cidr | undefined;
}

/** A (stage, direction) of a binding, as text. */
export type StageName = `${StageKind} ${Direction}`;

/** Packets that a stage decided without a rule: `allowed` or `dropped` behind the stage's name. */
export type StageCountName = `${StageName} ${'allowed' | 'dropped'}`;

/** A PolicyBinding, compiled. */
export interface CompiledBinding {
  readonly id: string;
  readonly spec: PolicyBindingSpec;
  readonly stages: ReadonlyMap<StageName, StageSpec>;
  readonly failsafes: readonly CompiledFailsafe[];
  readonly allowedSources: PrefixSet;
  readonly drops: CounterMap<DropReason>;
  readonly stageCounts: CounterMap<StageCountName>;
}

/** Prepares a policy. A rule that `previous` had under the same id in the same list keeps its counter. */
export function compilePolicy(
  id: string,
  spec: NetworkPolicySpec,
  previous: CompiledPolicy | undefined,
): CompiledPolicy {
  return {
    id,
    rules: {
      INGRESS: compileRules(spec.ingressRules, previous?.rules.INGRESS),
      EGRESS: compileRules(spec.egressRules, previous?.rules.EGRESS),
    },
  };
}

/** Prepares a binding, which keeps the counters of `previous`. */
export function compileBinding(
  id: string,
  spec: PolicyBindingSpec,
  previous: CompiledBinding | undefined,
): CompiledBinding {
  return {
    id,
    spec,
    stages: new Map(spec.stages.map((stage) => [`${stage.kind} ${stage.direction}`, stage])),
    failsafes: spec.failsafes.map((failsafe) => ({
      spec: failsafe,
      prefix: failsafe.prefix === undefined ? undefined : parseCidr(failsafe.prefix),
    })),
    allowedSources: prefixSetOf(spec.allowedSources) ?? new PrefixSet(),
    drops: previous?.drops ?? new CounterMap(),
    stageCounts: previous?.stageCounts ?? new CounterMap(),
  };
}

function compileRules(
  specs: readonly PolicyRuleSpec[],
  previous: readonly CompiledRule[] | undefined,
): CompiledRule[] {
  const counters = new Map(previous?.map((rule) => [rule.spec.ruleId, rule.counter]));
  return specs.map((spec) => compileRule(spec, counters.get(spec.ruleId) ?? zeroCount()));
}
