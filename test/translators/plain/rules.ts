/** Builders of programs for the hand-written cases. */
import { ipSetId, profileName } from '../../../src/model/ids.js';
import type { StageKind } from '../../../src/opi/objects/specs.js';
import type {
  NormalRule,
  NormalSide,
  PortProgram,
  RuleList,
  StageProgram,
  TierProgram,
} from '../../../src/translators/policy/program.js';
import type { World } from './world.js';

const ANY_SIDE: NormalSide = {
  nets: [],
  notNets: [],
  ipSets: [],
  notIpSets: [],
  ports: [],
  namedPorts: [],
  notPorts: [],
  notNamedPorts: [],
};

/** A rule's conditions; what is left out is no condition. */
export interface RuleFields extends Partial<Omit<NormalRule, 'source' | 'destination' | 'action'>> {
  readonly source?: Partial<NormalSide>;
  readonly destination?: Partial<NormalSide>;
}

/** A rule before it has a place. */
export type Draft = Omit<NormalRule, 'origin'>;

/** A rule. */
export function rule(action: NormalRule['action'], fields: RuleFields = {}): Draft {
  const { source = {}, destination = {}, ...rest } = fields;
  return {
    families: [4, 6],
    destinationIpPortSets: [],
    ...rest,
    action,
    source: { ...ANY_SIDE, ...source },
    destination: { ...ANY_SIDE, ...destination },
  };
}

/** A policy of a tier. */
export function policy(name: string, direction: 'ingress' | 'egress', ...rules: Draft[]): RuleList {
  const id = { kind: 'GlobalNetworkPolicy', namespace: '', name, tier: '' };
  return {
    kind: 'policy',
    name,
    missing: false,
    rules: rules.map((of, index) => ({
      ...of,
      origin: { source: { kind: 'policy', id, tier: 'default' }, direction, index },
    })),
  };
}

/** A profile. */
export function profile(
  name: string,
  direction: 'ingress' | 'egress',
  ...rules: Draft[]
): RuleList {
  return {
    kind: 'profile',
    name,
    missing: false,
    rules: rules.map((of, index) => ({
      ...of,
      origin: { source: { kind: 'profile', name: profileName(name) }, direction, index },
    })),
  };
}

/** A tier. */
export function tier(defaultAction: 'deny' | 'pass', ...policies: RuleList[]): TierProgram {
  return { name: 'default', defaultAction, policies };
}

/** A stage. */
export function stage(
  kind: StageKind,
  direction: StageProgram['direction'],
  tiers: readonly TierProgram[],
  profiles: readonly RuleList[] = [],
): StageProgram {
  return { kind, direction, tiers, profiles };
}

/** Stages of a pod that lets everything pass in the directions not given. */
export function podStages(stages: {
  readonly ingress?: readonly TierProgram[];
  readonly egress?: readonly TierProgram[];
}): StageProgram[] {
  const open = (direction: 'ingress' | 'egress'): RuleList =>
    profile('kns.open', direction, rule('allow'));
  return [
    stage('WORKLOAD', 'FROM_PORT', stages.egress ?? [], [open('egress')]),
    stage('WORKLOAD', 'TO_PORT', stages.ingress ?? [], [open('ingress')]),
  ];
}

/** A program. */
export function program(
  subject: string,
  stages: readonly StageProgram[],
  fields: Partial<PortProgram> = {},
): PortProgram {
  return {
    subject,
    port: subject === 'uplink' || subject === 'tunnel' ? subject : 'vnic',
    stages,
    failsafes: [],
    allowedSources: [],
    toHostAction: 'DROP',
    fromHostBypass: true,
    invalidAction: 'DROP',
    disabled: false,
    deniedEncapsulation: { vxlanPort: 4789, ipip: true },
    ...fields,
  };
}

/** A node with one pod at 10.1.0.1 and fd01::1. */
export function world(pod: PortProgram, fields: Partial<World> = {}): World {
  return {
    pods: [{ program: pod, addresses: ['10.1.0.1', 'fd01::1'] }],
    hostAddresses: ['10.0.0.1', 'fd00::1'],
    tunnelDestinations: [],
    sets: new Map(),
    ...fields,
  };
}

/** Sets by id. */
export function sets(members: Readonly<Record<string, readonly string[]>>): World['sets'] {
  return new Map(Object.entries(members).map(([id, list]) => [ipSetId(id), new Set(list)]));
}
