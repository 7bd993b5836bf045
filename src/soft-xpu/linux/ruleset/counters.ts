/** Names of the named counters, and the way back from `nft -j list counters` to the figures of a data plane. */
import { hashText } from '../../../base/hash.js';
import type {
  NetworkPolicySpec,
  RuleListName,
  StageKind,
  Direction,
} from '../../../opi/objects/specs.js';
import type { BindingCounts, RuleCount, TotalCounts } from '../../data-plane.js';
import type { StageCountName } from '../../memory/compiled-policy.js';
import { zeroCount, type Count } from '../../memory/counters.js';
import type { DropReason } from '../../memory/decision.js';
import { portText, type PortRef } from '../../memory/port.js';

/** Why this data plane drops packets, in the words of the packet model. */
export const DROP_REASONS = [
  'RULE',
  'TIER_DEFAULT',
  'PROFILE_END',
  'NO_BINDING',
  'BINDING_DISABLED',
  'SOURCE',
  'ENCAPSULATION',
  'INVALID_STATE',
  'TO_HOST',
  'NO_MAPPING',
  'UNKNOWN_PEER',
  'SECURITY_POLICY',
  'ADMIN_DOWN',
] as const satisfies readonly DropReason[];

/** A reason that this data plane counts. */
export type CountedReason = (typeof DROP_REASONS)[number];

/** Counter of packets that left by a port, or that the router took. */
export const FORWARDED = 'total/forwarded';
/** Counter of those that the router itself took, which the packet model gives to the host port. */
export const TAKEN_BY_ROUTER = 'total/router';

/** The kernel takes 255 characters for a name; what is longer is named by its hash. */
const RULE_TEXT_MAX = 120;
const HASH_CHARS = 26;

/** Counter of one rule of a NetworkPolicy's list. */
export function ruleCounter(policyId: string, list: RuleListName, ruleId: string): string {
  return `policy/${policyId}/${list.toLowerCase()}/${nameText(ruleId)}`;
}

/** Counter of what a port's binding dropped for a reason. */
export function portDropCounter(port: PortRef, reason: CountedReason): string {
  return `${portText(port)}/drop/${reason}`;
}

/** Counter of what a stage decided without a rule. */
export function stageCounter(
  port: PortRef,
  kind: StageKind,
  direction: Direction,
  outcome: 'allowed' | 'dropped',
): string {
  return `${portText(port)}/${stageText(kind, direction)}/${outcome}`;
}

/** Counter of all packets that were dropped for a reason. */
export function totalDropCounter(reason: CountedReason): string {
  return `total/drop/${reason}`;
}

/** A (stage, direction) in names: `workload-from`. */
export function stageText(kind: StageKind, direction: Direction): string {
  const side = direction === 'FROM_PORT' ? 'from' : 'to';
  return `${kind.toLowerCase().replace('_', '-')}-${side}`;
}

/** Counters by name, as the kernel holds them. */
export type CounterValues = ReadonlyMap<string, Readonly<Count>>;

/**
 * Reads the output of `nft -j list counters`. Counters of other tables are left out.
 * @throws SyntaxError if the text is no JSON.
 */
export function parseCounters(json: string, table: string): Map<string, Count> {
  const { nftables } = JSON.parse(json) as { nftables?: readonly { counter?: JsonCounter }[] };
  const values = new Map<string, Count>();
  for (const { counter } of nftables ?? []) {
    if (counter?.table !== table || counter.family !== 'inet') continue;
    values.set(counter.name, { packets: counter.packets, bytes: counter.bytes });
  }
  return values;
}

interface JsonCounter {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
}

/** Figures of a policy's rules, in the order of its lists. */
export function ruleCountsOf(
  policyId: string,
  spec: NetworkPolicySpec,
  values: CounterValues,
): RuleCount[] {
  const lists = [
    ['INGRESS', spec.ingressRules],
    ['EGRESS', spec.egressRules],
  ] as const;
  return lists.flatMap(([list, rules]) =>
    rules.map(({ ruleId }) => ({
      list,
      ruleId,
      count: values.get(ruleCounter(policyId, list, ruleId)) ?? zeroCount(),
    })),
  );
}

/** Figures of a port's binding; what never counted is left out. Stages that it no longer names are told, too. */
export function bindingCountsOf(port: PortRef, values: CounterValues): BindingCounts {
  const stages = new Map<StageCountName, Readonly<Count>>();
  for (const kind of STAGE_KINDS) {
    for (const direction of ['FROM_PORT', 'TO_PORT'] as const) {
      for (const outcome of ['allowed', 'dropped'] as const) {
        const count = values.get(stageCounter(port, kind, direction, outcome));
        if (count !== undefined && count.packets > 0) {
          stages.set(`${kind} ${direction} ${outcome}`, count);
        }
      }
    }
  }
  return { drops: dropsBy((reason) => portDropCounter(port, reason), values), stages };
}

/** Figures of the whole data plane. */
export function totalCountsOf(values: CounterValues): TotalCounts {
  return {
    drops: dropsBy(totalDropCounter, values),
    forwarded: values.get(FORWARDED) ?? zeroCount(),
  };
}

const STAGE_KINDS: readonly StageKind[] = ['UNTRACKED', 'PRE_DNAT', 'FORWARD', 'HOST', 'WORKLOAD'];

function dropsBy(
  nameOf: (reason: CountedReason) => string,
  values: CounterValues,
): Map<DropReason, Readonly<Count>> {
  const drops = new Map<DropReason, Readonly<Count>>();
  for (const reason of DROP_REASONS) {
    const count = values.get(nameOf(reason));
    if (count !== undefined && count.packets > 0) drops.set(reason, count);
  }
  return drops;
}

/** Letters, digits, `.` and `-` stand for themselves, every other character is `_` and its code in hex. */
function nameText(ruleId: string): string {
  const text = ruleId.replace(/[^A-Za-z0-9.-]/g, (char) => {
    return `_${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return text.length <= RULE_TEXT_MAX ? text : `_x${hashText(ruleId, HASH_CHARS)}`;
}
