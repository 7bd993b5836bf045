/** Port programs: which stages a vNIC, the uplink and the tunnel have, and what else decides about their packets. */
import { type Cidr, formatCidr } from '../../base/ip.js';
import type { FailsafePort, FelixConfig } from '../../model/config.js';
import type { HostEndpoint, WorkloadEndpoint } from '../../model/endpoint.js';
import { compareText } from '../../model/ids.js';
import type { Tier } from '../../model/policy.js';
import type { Direction, FailsafeSpec, StageKind } from '../../opi/objects/specs.js';
import type { HostPolicy } from './host-endpoints.js';
import type { PortProgram, RuleOrigin, StageProgram } from './program.js';
import { profileLists, type RuleLists, tierPrograms } from './tiers.js';

/** Subjects of the ports that are no vNIC. */
export const UPLINK = 'uplink';
/** Subject of the tunnel port. */
export const TUNNEL = 'tunnel';

/** What every program is made from. */
export interface CompileContext {
  readonly lists: RuleLists;
  readonly config: FelixConfig;
  readonly host: HostPolicy;
}

/** A vNIC's owner and what it may send from. */
export interface VnicOwner {
  readonly endpoint: WorkloadEndpoint;
  readonly allowedSources: readonly Cidr[];
}

/** State of an endpoint that passes packets; any other denies everything. */
const ACTIVE = 'active';

/** Program of a pod's vNIC: its own policy, and what a `*` host endpoint puts in front of every vNIC. */
export function vnicProgram(owner: VnicOwner, context: CompileContext): PortProgram {
  const { endpoint } = owner;
  const { config } = context;
  const common = { subject: endpoint.key, port: 'vnic', ...portSettings(config) } as const;
  if (endpoint.state !== ACTIVE) {
    const stages = [...workloadStages({ ...endpoint, tiers: [], profiles: [] }, context.lists)];
    return { ...common, stages, failsafes: [], allowedSources: [], disabled: true };
  }
  const star = starStages(context);
  const [egress, ingress] = workloadStages(endpoint, context.lists);
  const stages = [...star.from, egress, ...star.to, ingress];
  return {
    ...common,
    stages,
    failsafes: failsafesFor(stages, config),
    allowedSources: owner.allowedSources,
    toHostAction: config.endpointToHostAction,
    fromHostBypass: true,
    deniedEncapsulation: {
      ...(config.vxlanFromWorkloadsAllowed ? {} : { vxlanPort: config.vxlanPort }),
      ipip: !config.ipipFromWorkloadsAllowed,
    },
    disabled: false,
  };
}

/** Program of the uplink: the specific host endpoint's stages, or those of `*`; `undefined` = nothing is asked. */
export function uplinkProgram(context: CompileContext): PortProgram | undefined {
  const { lists, config, host } = context;
  const main = host.specific ?? host.star;
  if (main === undefined) return undefined;
  const preDnat = preDnatOwner(host)?.preDnatTiers ?? [];
  const untracked = host.specific?.untrackedTiers ?? [];
  const stages = [
    ...tierStage('UNTRACKED', 'FROM_PORT', untracked, lists),
    ...tierStage('PRE_DNAT', 'FROM_PORT', preDnat, lists),
    ...tierStage('FORWARD', 'FROM_PORT', main.forwardTiers, lists),
    hostStage(main, 'FROM_PORT', lists),
    ...tierStage('UNTRACKED', 'TO_PORT', untracked, lists),
    ...tierStage('FORWARD', 'TO_PORT', main.forwardTiers, lists),
    hostStage(main, 'TO_PORT', lists),
  ];
  return hostProgram(UPLINK, stages, config);
}

/** Program of the tunnel: what `*` asks of the inner packets; `undefined` = nothing. */
export function tunnelProgram(context: CompileContext): PortProgram | undefined {
  const { from, to } = starStages(context);
  const stages = [...from, ...to];
  return stages.length === 0 ? undefined : hostProgram(TUNNEL, stages, context.config);
}

/** Host endpoint whose preDNAT tiers the uplink asks: a specific one without such tiers does not hide those of `*`. */
export function preDnatOwner({ specific, star }: HostPolicy): HostEndpoint | undefined {
  return [specific, star].find((endpoint) => (endpoint?.preDnatTiers.length ?? 0) > 0);
}

function hostProgram(
  subject: typeof UPLINK | typeof TUNNEL,
  stages: readonly StageProgram[],
  config: FelixConfig,
): PortProgram {
  return {
    subject,
    port: subject,
    ...portSettings(config),
    stages,
    failsafes: failsafesFor(stages, config),
    allowedSources: [],
    disabled: false,
  };
}

/** Settings of a port that passes nothing it need not. */
function portSettings(config: FelixConfig) {
  return {
    toHostAction: 'DROP',
    fromHostBypass: false,
    invalidAction: config.conntrackInvalidCheckDisabled ? 'CONTINUE' : 'DROP',
    deniedEncapsulation: { ipip: false },
  } as const;
}

/** Stages that `*` puts on every vNIC and the tunnel. Its untracked tiers are not supported and ignored. */
function starStages({ host, lists }: CompileContext) {
  const { preDnatTiers = [], forwardTiers = [] } = host.star ?? {};
  return {
    from: [
      ...tierStage('PRE_DNAT', 'FROM_PORT', preDnatTiers, lists),
      ...tierStage('FORWARD', 'FROM_PORT', forwardTiers, lists),
    ],
    to: tierStage('FORWARD', 'TO_PORT', forwardTiers, lists),
  };
}

/**
 * Host stages: what comes in from the port is ingress. No tier in the direction = no stage. Untracked and preDNAT tiers
 * end in "continue", even where a Felix before v3.29 leaves their default action empty.
 */
function tierStage(
  kind: Exclude<StageKind, 'HOST' | 'WORKLOAD'>,
  direction: Direction,
  tiers: readonly Tier[],
  lists: RuleLists,
): StageProgram[] {
  const ending = kind === 'FORWARD' ? {} : ({ defaultAction: 'pass' } as const);
  const programs = tierPrograms(tiers, hostDirection(direction), lists).map((tier) => ({
    ...tier,
    ...ending,
  }));
  return programs.length === 0 ? [] : [{ kind, direction, tiers: programs, profiles: [] }];
}

function hostStage(endpoint: HostEndpoint, direction: Direction, lists: RuleLists): StageProgram {
  return mainStage('HOST', direction, hostDirection(direction), endpoint, lists);
}

/** A pod's stages, what it sends first: what comes in from a vNIC is the pod's egress. */
function workloadStages(
  endpoint: Pick<WorkloadEndpoint, 'tiers' | 'profiles'>,
  lists: RuleLists,
): readonly [StageProgram, StageProgram] {
  return [
    mainStage('WORKLOAD', 'FROM_PORT', 'egress', endpoint, lists),
    mainStage('WORKLOAD', 'TO_PORT', 'ingress', endpoint, lists),
  ];
}

/** A stage that is there whatever it holds: tiers, profiles, then deny. */
function mainStage(
  kind: StageKind,
  direction: Direction,
  list: RuleOrigin['direction'],
  { tiers, profiles }: Pick<WorkloadEndpoint, 'tiers' | 'profiles'>,
  lists: RuleLists,
): StageProgram {
  return {
    kind,
    direction,
    tiers: tierPrograms(tiers, list, lists),
    profiles: profileLists(profiles, list, lists),
  };
}

/** Direction of a host endpoint's rules for a direction of its port. */
function hostDirection(direction: Direction): RuleOrigin['direction'] {
  return direction === 'FROM_PORT' ? 'ingress' : 'egress';
}

const FAILSAFE_STAGES: ReadonlySet<StageKind> = new Set(['UNTRACKED', 'PRE_DNAT', 'HOST']);

/** Failsafes, where some stage asks them; sorted and without repeats. */
function failsafesFor(stages: readonly StageProgram[], config: FelixConfig): FailsafeSpec[] {
  if (!stages.some(({ kind }) => FAILSAFE_STAGES.has(kind))) return [];
  const specs = [...config.failsafeInbound, ...config.failsafeOutbound].map(failsafeSpec);
  const unique = new Map(specs.map((spec) => [failsafeText(spec), spec]));
  return [...unique].sort(([a], [b]) => compareText(a, b)).map(([, spec]) => spec);
}

function failsafeSpec({ direction, protocol, port, prefix }: FailsafePort): FailsafeSpec {
  return {
    direction: direction === 'inbound' ? 'INBOUND' : 'OUTBOUND',
    protocol,
    port,
    ...(prefix === undefined ? {} : { prefix: formatCidr(prefix) }),
  };
}

function failsafeText({ direction, protocol, port, prefix = '' }: FailsafeSpec): string {
  return [direction, String(protocol).padStart(3), String(port).padStart(5), prefix].join(' ');
}
