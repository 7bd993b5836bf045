/** The objects of an XPU with the doors of every port open, except one port's. */
import { keyText, type ObjectKey } from '../../../src/opi/objects/key.js';
import { MATCH_ALL } from '../../../src/opi/objects/match.js';
import type { PlanEntry } from '../../../src/opi/objects/plan.js';
import type {
  AnyObject,
  InterfaceSpec,
  PolicyBindingSpec,
  PortRefSpec,
  VnicSpec,
} from '../../../src/opi/objects/specs.js';
import { portText } from '../../../src/soft-xpu/memory/port.js';

const OPEN_POLICY: ObjectKey<'networkPolicy'> = { kind: 'networkPolicy', id: 'open' };
const OPEN_LISTS = {
  ingressV4: [openList(4)],
  ingressV6: [openList(6)],
  egressV4: [openList(4)],
  egressV6: [openList(6)],
};
const NO_LISTS = { ingressV4: [], ingressV6: [], egressV4: [], egressV6: [] };

/** What open doors refer to. */
export const OPEN_OBJECTS: readonly AnyObject[] = [
  {
    key: OPEN_POLICY,
    spec: {
      ingressRules: [{ ruleId: 'open', action: 'ALLOW', match: MATCH_ALL }],
      egressRules: [{ ruleId: 'open', action: 'ALLOW', match: MATCH_ALL }],
    },
  },
  ...([4, 6] as const).map((family): AnyObject => ({
    key: openList(family),
    spec: { family, defaultAction: 'ALLOW', format: 'FLATTENED', rules: [] },
  })),
];

/** `entries` in which only `decider` (`uplink`, `tunnel` or `vnic/ID`) decides. `bindings`: whether ports have them. */
export function opened(
  decider: string,
  entries: readonly PlanEntry[],
  bindings: boolean,
): PlanEntry[] {
  const host = new Set(entries.flatMap(hostInterface));
  const others = entries.filter(
    ({ object: { key } }) => key.kind === 'vnic' && keyText(key) !== decider,
  );
  const isHost = ({ object }: PlanEntry): boolean =>
    host.has((object.spec as VnicSpec).hostInterface.id);
  const rest = entries.filter(
    (entry) => !others.includes(entry) && (portOf(entry) ?? decider) === decider,
  );
  const bound = bindings ? others.filter((entry) => !isHost(entry)) : [];
  return [
    ...rest,
    ...others.map(({ object }) => ({
      object: openVnic(object, isHost({ object, origins: [] })),
      origins: [],
    })),
    ...bound.map(({ object }) => ({ object: openBinding(object.key.id), origins: [] })),
  ];
}

/** The port of a binding: `uplink`, `tunnel` or `vnic/ID`. */
export function boundPort(port: PortRefSpec): string {
  if ('vnic' in port) return portText({ kind: 'vnic', id: port.vnic.id });
  return port.port === 'UPLINK' ? 'uplink' : 'tunnel';
}

function portOf({ object: { key, spec } }: PlanEntry): string | undefined {
  return key.kind === 'policyBinding' ? boundPort((spec as PolicyBindingSpec).port) : undefined;
}

function hostInterface({ object: { key, spec } }: PlanEntry): string[] {
  return key.kind === 'interface' && !(spec as InterfaceSpec).vf ? [key.id] : [];
}

const vnics = new WeakMap<AnyObject, AnyObject>();
const boundVnics = new Map<string, AnyObject>();

function openVnic(object: AnyObject, host: boolean): AnyObject {
  let open = vnics.get(object);
  if (open === undefined) {
    const lists = host ? NO_LISTS : OPEN_LISTS;
    const spec = { ...(object.spec as VnicSpec), sourceGuard: false, ...lists };
    open = { key: object.key as ObjectKey<'vnic'>, spec };
    vnics.set(object, open);
  }
  return open;
}

function openBinding(id: string): AnyObject {
  let open = boundVnics.get(id);
  if (open === undefined) {
    const key = { kind: 'policyBinding', id: `open-${id}` } as const;
    open = { key, spec: { ...OPEN_BINDING, port: { vnic: { kind: 'vnic', id } } } };
    boundVnics.set(id, open);
  }
  return open;
}

function openList(family: 4 | 6): ObjectKey<'securityPolicy'> {
  return { kind: 'securityPolicy', id: `open-v${family}` };
}

const OPEN_STAGE = { kind: 'WORKLOAD', tiers: [], profiles: [OPEN_POLICY] } as const;
const OPEN_BINDING: Omit<PolicyBindingSpec, 'port'> = {
  stages: [
    { ...OPEN_STAGE, direction: 'FROM_PORT', ruleList: 'EGRESS' },
    { ...OPEN_STAGE, direction: 'TO_PORT', ruleList: 'INGRESS' },
  ],
  failsafes: [],
  allowedSources: ['0.0.0.0/0', '::/0'],
  toHostAction: 'ACCEPT',
  fromHostBypass: true,
  invalidAction: 'CONTINUE',
  establishedPolicy: 'KEEP',
  disabled: false,
  deniedEncapsulation: { ipip: false },
};
