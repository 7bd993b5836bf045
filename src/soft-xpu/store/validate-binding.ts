/** Shape of a PolicyBinding: which stages may stand at which port (k8s-extension: path and stages). */
import type { PolicyBindingSpec, StageKind, StageSpec } from '../../opi/objects/specs.js';
import type { Checker } from './checker.js';
import { checkPrintable } from './validate-rules.js';

type PortKind = 'vnic' | 'UPLINK' | 'TUNNEL';

const STAGES_AT: Record<PortKind, readonly StageKind[]> = {
  vnic: ['PRE_DNAT', 'FORWARD', 'WORKLOAD'],
  UPLINK: ['UNTRACKED', 'PRE_DNAT', 'FORWARD', 'HOST'],
  TUNNEL: ['PRE_DNAT', 'FORWARD'],
};

/** Stages whose tiers are followed by profiles. */
const WITH_PROFILES: readonly StageKind[] = ['HOST', 'WORKLOAD'];

/** Checks one binding. */
export function checkPolicyBinding(spec: PolicyBindingSpec, checker: Checker): void {
  const port = 'vnic' in spec.port ? 'vnic' : spec.port.port;
  checker.unique(
    spec.stages.map((stage) => `${stage.kind} ${stage.direction}`),
    'spec.stages',
  );
  spec.stages.forEach((stage, index) => {
    checkStage(stage, port, `spec.stages[${index}]`, checker);
  });
  spec.failsafes.forEach((failsafe, index) => {
    const field = `spec.failsafes[${index}]`;
    checker.integer(failsafe.protocol, 0, 255, `${field}.protocol`);
    checker.integer(failsafe.port, 0, 65535, `${field}.port`);
    checker.prefix(failsafe.prefix, `${field}.prefix`);
  });
  spec.allowedSources.forEach((prefix, index) => {
    checker.prefix(prefix, `spec.allowedSources[${index}]`);
  });
  const vxlanPort = spec.deniedEncapsulation.vxlanPort;
  if (vxlanPort !== undefined) {
    checker.integer(vxlanPort, 1, 65535, 'spec.deniedEncapsulation.vxlanPort');
  }
}

function checkStage(stage: StageSpec, port: PortKind, field: string, checker: Checker): void {
  checker.require(
    STAGES_AT[port].includes(stage.kind),
    `${field}.kind`,
    `${stage.kind} is no stage of a ${port} port`,
  );
  checker.require(
    stage.kind !== 'PRE_DNAT' || stage.direction === 'FROM_PORT',
    `${field}.direction`,
    'PRE_DNAT is FROM_PORT only',
  );
  checker.require(
    stage.profiles.length === 0 || WITH_PROFILES.includes(stage.kind),
    `${field}.profiles`,
    `${stage.kind} has no profiles`,
  );
  const tierIds = stage.tiers.map((tier) => tier.tierId);
  checker.unique(tierIds, `${field}.tiers.tierId`);
  tierIds.forEach((id, index) => checkPrintable(id, `${field}.tiers[${index}].tierId`, checker));
}
