/** Counters of NetworkPolicies and PolicyBindings. */
import type { k8s } from '../../gen/opi/types.js';
import type { Direction, PolicyBindingSpec, StageKind } from '../../opi/objects/specs.js';
import type { BindingCounts } from '../data-plane.js';
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
    StatsNetworkPolicy: async ({ name }: k8s.StatsNetworkPolicyRequest) => {
      const { key } = requireStored('networkPolicy', name, context).object;
      return {
        rules: await ruleStats(key.id, context),
        collect_time: timestampOf(context.clock.now()),
      } satisfies k8s.StatsNetworkPolicyResponse;
    },
  };
}

/** Handlers of PolicyBindingService. */
export function policyBindingHandlers(context: ServerContext, operations: Operations): Handlers {
  return {
    ...extensionHandlers('policyBinding', context, operations),
    StatsPolicyBinding: async ({ name }: k8s.StatsPolicyBindingRequest) => {
      const { spec } = requireStored('policyBinding', name, context).object;
      const port = boundPort(spec as PolicyBindingSpec);
      const counts = await context.dataPlane.bindingCounts(port);
      return {
        drops: counts === undefined ? [] : dropMessages(counts.drops),
        stages: counts === undefined ? [] : stageStats(counts),
        collect_time: timestampOf(context.clock.now()),
      } satisfies k8s.StatsPolicyBindingResponse;
    },
  };
}

async function ruleStats(
  id: string,
  { dataPlane }: ServerContext,
): Promise<k8s.NetworkPolicyRuleStats[]> {
  const counts = await dataPlane.ruleCounts(id);
  return counts.map(({ list, ruleId, count }) => ({
    rule_list: `NETWORK_POLICY_RULE_LIST_${list}`,
    rule_id: ruleId,
    ...countMessage(count),
  }));
}

function stageStats({ stages: counts }: BindingCounts): k8s.PolicyStageStats[] {
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
