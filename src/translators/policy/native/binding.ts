/** A port's program as a PolicyBinding. */
import { formatCidr } from '../../../base/ip.js';
import type { PlanEntry } from '../../../opi/objects/plan.js';
import type { ObjectKey } from '../../../opi/objects/key.js';
import type { PolicyBindingSpec, PortRefSpec, StageSpec } from '../../../opi/objects/specs.js';
import type { ObjectNames } from '../../names.js';
import { type PolicyPort, sourceKey } from '../lowering.js';
import { stageLists } from '../ports.js';
import type { RuleList, StageProgram } from '../program.js';

/**
 * The binding of one port. Policies are shared objects, so a rule that changes does not touch it. The uplink and the
 * tunnel would be open without one, so theirs have a closed form.
 */
export function bindingEntry(port: PolicyPort, names: ObjectNames): PlanEntry {
  const { program, origins } = port;
  const { failsafes, toHostAction, fromHostBypass, invalidAction, disabled } = program;
  const spec: PolicyBindingSpec = {
    port: portRef(port),
    stages: program.stages.map((stage) => stageSpec(stage, names)),
    failsafes,
    allowedSources: program.allowedSources.map(formatCidr),
    toHostAction,
    fromHostBypass,
    invalidAction,
    establishedPolicy: 'KEEP',
    disabled,
    deniedEncapsulation: program.deniedEncapsulation,
  };
  const object = { key: bindingKey(port, names), spec };
  if (port.vnic !== undefined) return { object, origins };
  return { object, origins, closed: { key: object.key, spec: closedSpec(spec, names) } };
}

/**
 * The stages of a binding with nothing but failsafes in them: each denies what it does not let through as a failsafe. It
 * names the shared deny-all policy alone, for a stage of tiers without a policy would not be there.
 */
function closedSpec(spec: PolicyBindingSpec, names: ObjectNames): PolicyBindingSpec {
  const policies = [names.denyAllPolicy];
  const tiers = [{ tierId: 'closed', policies, defaultAction: 'DENY' }] as const;
  return { ...spec, stages: spec.stages.map((stage) => ({ ...stage, tiers, profiles: [] })) };
}

function portRef({ program, vnic }: PolicyPort): PortRefSpec {
  if (vnic !== undefined) return { vnic };
  return { port: program.port === 'tunnel' ? 'TUNNEL' : 'UPLINK' };
}

function bindingKey({ program, vnic }: PolicyPort, names: ObjectNames): ObjectKey<'policyBinding'> {
  if (vnic !== undefined) return names.vnicBinding(vnic);
  return names.portBinding(program.port === 'tunnel' ? 'tunnel' : 'uplink');
}

function stageSpec(stage: StageProgram, names: ObjectNames): StageSpec {
  const { kind, direction } = stage;
  const policy = (list: RuleList) =>
    list.missing ? names.denyAllPolicy : names.policy(sourceKey(list));
  return {
    kind,
    direction,
    ruleList: stageLists(stage) === 'egress' ? 'EGRESS' : 'INGRESS',
    tiers: stage.tiers.map((tier) => ({
      tierId: tier.name,
      policies: tier.policies.map(policy),
      defaultAction: tier.defaultAction === 'pass' ? 'PASS' : 'DENY',
    })),
    profiles: stage.profiles.map(policy),
  };
}
