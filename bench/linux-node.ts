/** Objects of a full node, as a Calico node has them: policies shared by many vNICs, one large group. */
import type { AnyObject } from '../src/opi/objects/specs.js';
import type { StoreOperation } from '../src/soft-xpu/store/object-store.js';
import { binding, key, object, rule, side, stage, tier } from '../test/soft-xpu/node-words.js';

/** Id of the large group, which one rule asks for. */
export const BIG_GROUP = 'big-group';
const BIG_GROUP_MEMBERS = 100_000;
const POLICIES = 50;
const RULES_PER_POLICY = 10;
const POLICIES_PER_VNIC = 5;

/** A node of so many vNICs. Each has 5 of 50 policies, of 10 rules each. */
export function fullNode(vnics: number): StoreOperation[] {
  const members = { members: range(BIG_GROUP_MEMBERS).map(member) };
  return [
    put(object('vpc', 'cluster', {})),
    put(object('subnet', 'pool', { vpc: key('vpc', 'cluster'), v4RouterIp: '169.254.1.1' })),
    { op: 'create', object: object('addressGroup', BIG_GROUP, { memberType: 'PREFIX' }), members },
    put(
      object('networkPolicy', 'allow-all', {
        ingressRules: [rule('ALLOW')],
        egressRules: [rule('ALLOW')],
      }),
    ),
    ...range(POLICIES).map((index) => policyOf(index)),
    ...range(vnics).flatMap((index) => vnicOf(index)),
  ];
}

/** A policy; the first rule's port may be another one. */
export function policyOf(index: number, port = 1_000 + index): StoreOperation {
  const rules = range(RULES_PER_POLICY).map((at) => {
    const ports = [
      { low: at === 0 ? port : 2_000 + at * 7, high: at === 0 ? port : 2_003 + at * 7 },
    ];
    const groups = index === 0 && at === 0 ? [key('addressGroup', BIG_GROUP)] : [];
    return rule(
      at % 5 === 4 ? 'DENY' : 'ALLOW',
      { protocol: 6, source: side({ groups }), destination: side({ ports }) },
      `r-${index}-${at}`,
    );
  });
  return put(object('networkPolicy', `policy-${index}`, { ingressRules: rules, egressRules: [] }));
}

/** The binding of a vNIC, with the policies that begin at `first`, and others behind them. */
export function bindingOf(
  index: number,
  first = index,
  more: readonly number[] = [],
): StoreOperation {
  const policies = [...range(POLICIES_PER_VNIC).map((at) => (first + at * 10) % POLICIES), ...more];
  const stages = [
    stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
    stage('WORKLOAD', 'TO_PORT', [
      tier(
        'default',
        policies.map((at) => `policy-${at}`),
      ),
    ]),
  ];
  const port = { vnic: key('vnic', `vnic-${index}`) };
  const spec = binding(port, stages, { allowedSources: [`${addressOf(index)}/32`] });
  return put(object('policyBinding', `bind-${index}`, spec));
}

/** A vNIC with all that belongs to it, in order of reference. */
export function vnicOf(index: number, bound = bindingOf(index)): StoreOperation[] {
  const lists = { ingressV4: [], ingressV6: [], egressV4: [], egressV6: [] };
  return [
    put(object('interface', `if-${index}`, { ifname: `cali${index}`, vf: true, adminUp: true })),
    put(
      object('vnic', `vnic-${index}`, {
        subnet: key('subnet', 'pool'),
        hostInterface: key('interface', `if-${index}`),
        sourceGuard: true,
        mac: `02:00:00:00:${hex(index >> 8)}:${hex(index & 255)}`,
        ...lists,
      }),
    ),
    bound,
    put(
      object('mapping', `map-${index}`, {
        vpc: key('vpc', 'cluster'),
        subnet: key('subnet', 'pool'),
        ip: addressOf(index),
        destination: key('vnic', `vnic-${index}`),
      }),
    ),
  ];
}

/** Address of a vNIC. */
export function addressOf(index: number): string {
  return `10.240.${index >> 8}.${index & 255}`;
}

/** A member of the large group; no two touch. */
export function member(index: number): string {
  const value = index * 2;
  return `11.${(value >> 16) & 255}.${(value >> 8) & 255}.${value & 255}/32`;
}

/** Creates or replaces an object. */
export function put(made: AnyObject): StoreOperation {
  return { op: 'update', object: made, allowMissing: true };
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
