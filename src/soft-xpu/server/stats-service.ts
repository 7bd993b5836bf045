/** Counters of NetworkPolicies and PolicyBindings. */
import type { k8s } from '../../gen/opi/types.js';
import type { Direction, PolicyBindingSpec, StageKind } from '../../opi/objects/specs.js';
import type { CompiledBinding } from '../memory/compiled-policy.js';
import { zeroCount } from '../memory/counters.js';
import { TUNNEL_PORT, UPLINK_PORT, type PortRef } from '../memory/port.js';
import type { ServerContext } from './context.js';
import type { Handlers } from './dispatcher.js';
import { extensionHandlers, requireStored } from './extension-resources.js';
import type { Operations } from './operations.js';
import { countMessage, dropMessages, timestampOf } from './ports-wire.js';

/** Handlers of NetworkPolicyService. */
export function networkPolicyHandlers(context: ServerContext, operations: Operations): Handlers {
  return {
    ...extensionHandlers('networkPolicy', context, operations),
    StatsNetworkPolicy: ({ name }: k8s.StatsNetworkPolicyRequest) => {
      const { key } = requireStored('networkPolicy', name, context).object;
      return {
        rules: ruleStats(key.id, context),
        collect_time: timestampOf(context.clock.now()),
      } satisfies k8s.StatsNetworkPolicyResponse;
    },
  };
}

/** Handlers of PolicyBindingService. */
export function policyBindingHandlers(context: ServerContext, operations: Operations): Handlers {
  return {
    ...extensionHandlers('policyBinding', context, operations),
    StatsPolicyBinding: ({ name }: k8s.StatsPolicyBindingRequest) => {
      const { spec } = requireStored('policyBinding', name, context).object;
      const binding = context.dataPlane.bindingOf(boundPort(spec as PolicyBindingSpec));
      return {
        drops: binding === undefined ? [] : dropMessages(binding.drops),
        stages: binding === undefined ? [] : stageStats(binding),
        collect_time: timestampOf(context.clock.now()),
      } satisfies k8s.StatsPolicyBindingResponse;
    },
  };
}

function ruleStats(id: string, context: ServerContext): k8s.NetworkPolicyRuleStats[] {
  const rules = context.dataPlane.policy(id)?.rules;
  return (['INGRESS', 'EGRESS'] as const).flatMap((list) =>
    (rules?.[list] ?? []).map(({ spec, counter }) => ({
      rule_list: `NETWORK_POLICY_RULE_LIST_${list}` as const,
      rule_id: spec.ruleId,
      ...countMessage(counter),
    })),
  );
}

function stageStats({ stageCounts }: CompiledBinding): k8s.PolicyStageStats[] {
  const counts = new Map(stageCounts.entries());
  const stages = new Set([...counts.keys()].map((name) => name.replace(/ \w+$/, '')));
  return [...stages].map((name) => {
    const [kind, direction] = name.split(' ') as [StageKind, Direction];
    const allowed = counts.get(`${kind} ${direction} allowed`) ?? zeroCount();
    const dropped = counts.get(`${kind} ${direction} dropped`) ?? zeroCount();
    return {
      kind: `POLICY_STAGE_KIND_${kind}`,
      direction: `POLICY_DIRECTION_${direction}`,
      allowed_packet_count: String(allowed.packets),
      dropped_packet_count: String(dropped.packets),
    };
  });
}

function boundPort({ port }: PolicyBindingSpec): PortRef {
  if ('vnic' in port) return { kind: 'vnic', id: port.vnic.id };
  return port.port === 'UPLINK' ? UPLINK_PORT : TUNNEL_PORT;
}
