/**
 * One stage of one direction of a port: failsafes, tiers, profiles. It is a run of chains, a new one behind every tier,
 * for a PASS goes on there. A rule's allow ends the base chain, so that nothing after the stage is asked in it.
 */
import { hashText } from '../../../base/hash.js';
import { formatCidr, parseCidr } from '../../../base/ip.js';
import { canonicalJson } from '../../../base/json.js';
import type {
  Direction,
  FailsafeSpec,
  PolicyBindingSpec,
  StageKind,
  StageSpec,
  TierSpec,
} from '../../../opi/objects/specs.js';
import { MARK } from '../names.js';
import type { PortRef } from '../../memory/port.js';
import { portDropCounter, stageText, totalDropCounter, type CountedReason } from './counters.js';
import { address, inPorts, is, ofFamily, port, protocolHasPorts, type Side } from './expression.js';
import { dropMap, stageMap, STAGES, type SharedReason } from './layout.js';
import { changeMark, isMarked, setMark } from './mark.js';
import { countOn, type PartBuilder } from './part.js';
import { policyChain } from './policy-part.js';

/** Chain that ends every denial of a stage. */
export const DENY = 'deny/flow';

/** The port and its binding that a stage belongs to. */
export interface StageOwner {
  readonly port: PortRef;
  readonly binding: PolicyBindingSpec;
}

/** Stages that are there without any tier. */
const ALWAYS_THERE: readonly StageKind[] = ['HOST', 'WORKLOAD'];
const WITH_FAILSAFES: readonly StageKind[] = ['UNTRACKED', 'PRE_DNAT', 'HOST'];

/** The stage of a binding, if it is there. A vNIC has an owner, so its WORKLOAD is there even if nobody listed it. */
export function stageOf(
  { port, binding }: StageOwner,
  kind: StageKind,
  direction: Direction,
): StageSpec | undefined {
  const stage = binding.stages.find((one) => one.kind === kind && one.direction === direction);
  if (stage === undefined) {
    if (kind !== 'WORKLOAD' || port.kind !== 'vnic') return undefined;
    const ruleList = direction === 'FROM_PORT' ? 'EGRESS' : 'INGRESS';
    return { kind, direction, ruleList, tiers: [], profiles: [] };
  }
  if (ALWAYS_THERE.includes(kind)) return stage;
  return stage.tiers.some((tier) => tier.policies.length > 0) ? stage : undefined;
}

/** What counts a drop at a port and for all. */
export function countDrop(part: PartBuilder, port: PortRef, reason: CountedReason): string {
  const own = part.counter(portDropCounter(port, reason));
  return `${own} ${countOn(totalDropCounter(reason))}`;
}

/**
 * Adds the chains of a stage and gives the name of the first. They are named by what they say, and ports whose stages say
 * the same share them. `first`: what stands before the stage proper.
 */
export function addStage(
  part: PartBuilder,
  binding: PolicyBindingSpec,
  stage: StageSpec,
  first: readonly string[] = [],
): string {
  return new StageText(part, binding, stage).write(first);
}

/** The stage asks failsafes first. */
export function asksFailsafes({ kind }: StageSpec): boolean {
  return WITH_FAILSAFES.includes(kind);
}

/** The stage asks profiles last. */
export function asksProfiles({ kind }: StageSpec): boolean {
  return ALWAYS_THERE.includes(kind);
}

/** Chains that the ends of all stages go to, and what they count on. */
export function addStageEnds(part: PartBuilder): void {
  for (const [kind, direction] of STAGES) {
    const decided = countAt(kind, direction, stageMap(kind, direction, 'dropped'));
    for (const reason of ['TIER_DEFAULT', 'PROFILE_END'] as const) {
      part.chain(endChain(kind, direction, reason), [decided, ...denial(kind, direction, reason)]);
    }
    const invalid = denial(kind, direction, 'INVALID_STATE');
    part.chain(endChain(kind, direction, 'INVALID_STATE'), invalid);
    const allowed = countAt(kind, direction, stageMap(kind, direction, 'allowed'));
    part.chain(endChain(kind, direction, 'ALLOWED'), [allowed, 'accept']);
  }
  part.chain(ENCAPSULATED, denial('WORKLOAD', 'FROM_PORT', 'ENCAPSULATION'));
  part.chain(DENY_TO_HOST, denial('WORKLOAD', 'FROM_PORT', 'TO_HOST'));
}

/** Chain that denies encapsulated packets of a vNIC. */
export const ENCAPSULATED = 'deny/encapsulation';
/** Chain that denies a vNIC's packets to the host port. */
export const DENY_TO_HOST = 'deny/to-host';

function denial(kind: StageKind, direction: Direction, reason: SharedReason): string[] {
  return [
    countAt(kind, direction, dropMap(reason)),
    `${countOn(totalDropCounter(reason))} goto ${DENY}`,
  ];
}

/**
 * Counts at the port that is asked. A netdev without a counter ends the line, so that nothing may follow in it. UNTRACKED
 * towards the uplink is asked before routing: the host's netdev stands for it.
 */
function countAt(kind: StageKind, direction: Direction, map: string): string {
  const exit = direction === 'TO_PORT' && kind !== 'UNTRACKED';
  return `counter name ${exit ? 'oifname' : 'iifname'} map @${map}`;
}

function endChain(kind: StageKind, direction: Direction, end: SharedReason | 'ALLOWED'): string {
  return `end/${stageText(kind, direction)}/${end.toLowerCase().replace('_', '-')}`;
}

const HASH_CHARS = 20;

class StageText {
  private readonly part: PartBuilder;
  private readonly binding: PolicyBindingSpec;
  private readonly stage: StageSpec;
  private chain = '';

  constructor(part: PartBuilder, binding: PolicyBindingSpec, stage: StageSpec) {
    this.part = part;
    this.binding = binding;
    this.stage = stage;
  }

  write(first: readonly string[]): string {
    this.chain = this.nameOf(first);
    const lines = [...first, ...this.invalid()];
    const skip = this.skipBit();
    if (skip !== undefined) lines.push(setMark(skip));
    if (asksFailsafes(this.stage)) lines.push(...this.failsafes());
    const asked = this.stage.tiers.filter((tier) => tier.policies.length > 0);
    asked.forEach((tier, index) => {
      this.part.chain(this.segment(index), [
        ...(index === 0 ? lines : [changeMark(MARK.pass)]),
        ...this.tier(tier, this.segment(index + 1)),
      ]);
    });
    const isFirst = asked.length === 0;
    this.part.chain(this.segment(asked.length), [...(isFirst ? lines : []), ...this.end(skip)]);
    return this.chain;
  }

  /** Everything that the chains are made of is in the name. */
  private nameOf(first: readonly string[]): string {
    const { stage } = this;
    const { invalidAction, failsafes } = this.binding;
    const asked = asksFailsafes(stage) ? failsafes : [];
    const content = canonicalJson({ stage, first, invalidAction, failsafes: asked });
    const name = stageText(stage.kind, stage.direction);
    return `stage/${name}/${hashText(content, HASH_CHARS)}`;
  }

  private segment(index: number): string {
    return index === 0 ? this.chain : `${this.chain}/${index}`;
  }

  private invalid(): string[] {
    const { kind } = this.stage;
    if (kind === 'UNTRACKED' || this.binding.invalidAction !== 'DROP') return [];
    return [`ct state invalid ${this.goto('INVALID_STATE')}`];
  }

  /** Stages whose allow skips others say so before they are asked, and take it back when nobody allowed. */
  private skipBit(): number | undefined {
    const { kind, direction } = this.stage;
    if (kind === 'PRE_DNAT') return MARK.skipEntry;
    if (kind !== 'UNTRACKED') return undefined;
    return direction === 'FROM_PORT' ? MARK.skipEntry : MARK.skipExit;
  }

  private failsafes(): string[] {
    const { kind, direction } = this.stage;
    const { failsafes } = this.binding;
    const from = direction === 'FROM_PORT';
    const remote = from ? 'saddr' : 'daddr';
    const of = (wanted: FailsafeSpec['direction']): FailsafeSpec[] =>
      failsafes.filter((failsafe) => failsafe.direction === wanted);
    const inOrder = of(from ? 'INBOUND' : 'OUTBOUND');
    const lines = failsafeLines(inOrder, 'daddr', remote, this.goto('ALLOWED'));
    if (kind !== 'UNTRACKED') return lines;
    const end = `${this.chain}/tracked`;
    const replies = of(from ? 'OUTBOUND' : 'INBOUND');
    const ended = failsafeLines(replies, 'saddr', remote, `goto ${end}`);
    const counted = countAt(kind, direction, stageMap(kind, direction, 'allowed'));
    if (ended.length > 0) this.part.chain(end, [counted, ...this.end(this.skipBit())]);
    return [...lines, ...ended];
  }

  private tier({ policies, defaultAction }: TierSpec, next: string): string[] {
    const { ruleList } = this.stage;
    const lines = policies.flatMap((policy) => [
      `jump ${policyChain(policy, ruleList)}`,
      `${isMarked(MARK.pass)} goto ${next}`,
    ]);
    return [...lines, defaultAction === 'PASS' ? `goto ${next}` : this.goto('TIER_DEFAULT')];
  }

  /** Behind the last tier. A profile's PASS is no allow: the next one is asked, and no policy begins with PASS set. */
  private end(skip: number | undefined): string[] {
    const { profiles, ruleList } = this.stage;
    if (!asksProfiles(this.stage)) return skip === undefined ? [] : [changeMark(MARK.pass | skip)];
    return [
      ...profiles.flatMap((profile) => [
        changeMark(MARK.pass),
        `jump ${policyChain(profile, ruleList)}`,
      ]),
      this.goto('PROFILE_END'),
    ];
  }

  private goto(end: SharedReason | 'ALLOWED'): string {
    return `goto ${endChain(this.stage.kind, this.stage.direction, end)}`;
  }
}

/** Those without a prefix are one rule. */
function failsafeLines(
  failsafes: readonly FailsafeSpec[],
  side: Side,
  remote: Side,
  verdict: string,
): string[] {
  const open = failsafes.filter(({ prefix, protocol }) => {
    return prefix === undefined && protocolHasPorts(protocol);
  });
  const pairs = [...new Set(open.map((one) => `${one.protocol} . ${one.port}`))];
  const key = port(side);
  const together =
    pairs.length === 0 ? [] : [`meta l4proto . ${key} { ${pairs.join(', ')} } ${verdict}`];
  const others = failsafes.filter((failsafe) => !open.includes(failsafe));
  return [...together, ...others.flatMap((one) => failsafeLine(one, side, remote, verdict))];
}

/** Packets of protocols without ports have port 0. */
function failsafeLine(
  { protocol, port: number, prefix }: FailsafeSpec,
  side: Side,
  remote: Side,
  verdict: string,
): string[] {
  const words = [is('meta l4proto', `${protocol}`).holds];
  if (protocolHasPorts(protocol)) words.push(inPorts(side, [{ low: number, high: number }]).holds);
  else if (number !== 0) return [];
  const cidr = prefix === undefined ? undefined : parseCidr(prefix);
  if (prefix !== undefined && cidr === undefined) return [];
  if (cidr !== undefined) {
    words.unshift(ofFamily(cidr.family));
    if (cidr.length > 0) words.push(`${address(cidr.family, remote)} ${formatCidr(cidr)}`);
  }
  return [[...words, verdict].join(' ')];
}
