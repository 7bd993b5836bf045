/** How many rules each port has a packet walk through at most, by direction and family. */
import { FAMILIES, type Family } from '../../base/ip.js';
import type { DesiredState } from '../../desired/state.js';
import { compareText } from '../../model/ids.js';
import type { PlanEntry } from '../../opi/objects/plan.js';
import type {
  NetworkPolicySpec,
  PolicyBindingSpec,
  SecurityPolicySpec,
  StageSpec,
  VnicSpec,
} from '../../opi/objects/specs.js';
import type { ObjectNames } from '../../translators/names.js';

/** Rules for each family. */
export type RulesByFamily = Readonly<Record<'v4' | 'v6', number>>;

/** Rules of one port: of the policies that its stages name, or of its lists. */
export interface PortRules {
  /** `namespace/pod`, `host`, `uplink` or `tunnel`. */
  readonly port: string;
  /** For what the port's owner sends; of the uplink: what arrives by it. */
  readonly sends: RulesByFamily;
  /** For what it receives; of the uplink: what leaves by it. */
  readonly receives: RulesByFamily;
}

type Specs = ReadonlyMap<string, PlanEntry['object']['spec']>;

/** Every port that policy decides about, sorted by name. */
export function portRules(
  plan: readonly PlanEntry[],
  state: DesiredState,
  names: ObjectNames,
): PortRules[] {
  const pods = new Map(
    [...state.workloads.values()].map(({ id, interfaceName }) => [
      names.vnic(interfaceName).id,
      id.workload,
    ]),
  );
  const specs: Specs = new Map(plan.map(({ object }) => [object.key.id, object.spec]));
  const nameOf = (vnic: string): string => pods.get(vnic) ?? 'host';
  const ports = plan.flatMap(({ object: { key, spec } }): PortRules[] => {
    if (key.kind === 'policyBinding') return [boundRules(spec as PolicyBindingSpec, specs, nameOf)];
    if (key.kind !== 'vnic') return [];
    const lists = listRules(nameOf(key.id), spec as VnicSpec, specs);
    return lists === undefined ? [] : [lists];
  });
  return ports.sort((a, b) => compareText(a.port, b.port));
}

function boundRules(
  { port, stages }: PolicyBindingSpec,
  specs: Specs,
  nameOf: (vnic: string) => string,
): PortRules {
  const count = (direction: StageSpec['direction']): RulesByFamily =>
    byFamily((family) =>
      stages
        .filter((stage) => stage.direction === direction)
        .reduce((sum, stage) => sum + stageRules(stage, family, specs), 0),
    );
  return {
    port: 'vnic' in port ? nameOf(port.vnic.id) : port.port.toLowerCase(),
    sends: count('FROM_PORT'),
    receives: count('TO_PORT'),
  };
}

function stageRules(
  { tiers, profiles, ruleList }: StageSpec,
  family: Family,
  specs: Specs,
): number {
  const list = ruleList === 'INGRESS' ? 'ingressRules' : 'egressRules';
  return [...tiers.flatMap(({ policies }) => policies), ...profiles]
    .map(({ id }) => (specs.get(id) as NetworkPolicySpec | undefined)?.[list] ?? [])
    .flatMap((rules) => rules.filter(({ match }) => (match.family ?? family) === family)).length;
}

/** Of a plain target's vNIC; `undefined` where its lists are those without a rule, or there are none. */
function listRules(port: string, vnic: VnicSpec, specs: Specs): PortRules | undefined {
  const count = (side: 'ingress' | 'egress'): RulesByFamily =>
    byFamily((family) =>
      vnic[`${side}V${family}`].reduce(
        (sum, { id }) =>
          sum + ((specs.get(id) as SecurityPolicySpec | undefined)?.rules.length ?? 0),
        0,
      ),
    );
  const rules = { port, sends: count('egress'), receives: count('ingress') };
  const { sends, receives } = rules;
  return sends.v4 + sends.v6 + receives.v4 + receives.v6 === 0 ? undefined : rules;
}

function byFamily(count: (family: Family) => number): RulesByFamily {
  const [v4, v6] = FAMILIES.map(count);
  return { v4: v4 ?? 0, v6: v6 ?? 0 };
}
