/**
 * One stage of one direction of a port: failsafes, tiers, profiles. It is a run of chains, a new one behind every tier,
 * for a PASS goes on there. A rule's allow ends the base chain, so that nothing after the stage is asked in it.
 */
import { formatCidr, parseCidr } from '../../../base/ip.js';
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
import { portText } from '../../memory/port.js';
import {
  portDropCounter,
  stageCounter,
  stageText,
  totalDropCounter,
  type CountedReason,
} from './counters.js';
import { address, inPorts, is, ofFamily, port, protocolHasPorts, type Side } from './expression.js';
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

/** Name of a stage's first chain. */
export function stageChain(port: PortRef, kind: StageKind, direction: Direction): string {
  return `${portText(port)}/${stageText(kind, direction)}`;
}

/** What counts a drop at a port and for all. */
export function countDrop(part: PartBuilder, port: PortRef, reason: CountedReason): string {
  const own = part.counter(portDropCounter(port, reason));
  return `${own} ${countOn(totalDropCounter(reason))}`;
}

/** Adds the chains of a stage. `first`: what stands before the stage proper. */
export function addStage(
  part: PartBuilder,
  owner: StageOwner,
  stage: StageSpec,
  first: readonly string[] = [],
): void {
  new StageText(part, owner, stage).write(first);
}

class StageText {
  private readonly part: PartBuilder;
  private readonly owner: StageOwner;
  private readonly stage: StageSpec;
  private readonly chain: string;

  constructor(part: PartBuilder, owner: StageOwner, stage: StageSpec) {
    this.part = part;
    this.owner = owner;
    this.stage = stage;
    this.chain = stageChain(owner.port, stage.kind, stage.direction);
  }

  write(first: readonly string[]): void {
    const { kind, tiers } = this.stage;
    const lines = [...first, ...this.invalid()];
    const skip = this.skipBit();
    if (skip !== undefined) lines.push(setMark(skip));
    if (WITH_FAILSAFES.includes(kind)) lines.push(...this.failsafes());
    const asked = tiers.filter((tier) => tier.policies.length > 0);
    asked.forEach((tier, index) => {
      this.part.chain(this.segment(index), [
        ...(index === 0 ? lines : [changeMark(MARK.pass)]),
        ...this.tier(tier, this.segment(index + 1)),
      ]);
    });
    const isFirst = asked.length === 0;
    this.part.chain(this.segment(asked.length), [...(isFirst ? lines : []), ...this.end(skip)]);
  }

  private segment(index: number): string {
    return index === 0 ? this.chain : `${this.chain}/${index}`;
  }

  private invalid(): string[] {
    const { kind } = this.stage;
    if (kind === 'UNTRACKED' || this.owner.binding.invalidAction !== 'DROP') return [];
    return [`ct state invalid ${this.drop('INVALID_STATE')}`];
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
    const { failsafes } = this.owner.binding;
    const from = direction === 'FROM_PORT';
    const remote = from ? 'saddr' : 'daddr';
    const of = (wanted: FailsafeSpec['direction']): FailsafeSpec[] =>
      failsafes.filter((failsafe) => failsafe.direction === wanted);
    const allowed = `${this.count('allowed')} accept`;
    const lines = failsafeLines(of(from ? 'INBOUND' : 'OUTBOUND'), 'daddr', remote, allowed);
    if (kind !== 'UNTRACKED') return lines;
    const end = `${this.chain}/tracked`;
    const replies = of(from ? 'OUTBOUND' : 'INBOUND');
    const ended = failsafeLines(replies, 'saddr', remote, `${this.count('allowed')} goto ${end}`);
    if (ended.length > 0) this.part.chain(end, this.end(this.skipBit()));
    return [...lines, ...ended];
  }

  private tier({ policies, defaultAction }: TierSpec, next: string): string[] {
    const { ruleList } = this.stage;
    const lines = policies.flatMap((policy) => [
      `jump ${policyChain(policy, ruleList)}`,
      `${isMarked(MARK.pass)} goto ${next}`,
    ]);
    const end =
      defaultAction === 'PASS'
        ? `goto ${next}`
        : `${this.count('dropped')} ${this.drop('TIER_DEFAULT')}`;
    return [...lines, end];
  }

  /** Behind the last tier. A profile's PASS is no allow: the next one is asked, and no policy begins with PASS set. */
  private end(skip: number | undefined): string[] {
    const { kind, profiles, ruleList } = this.stage;
    if (!ALWAYS_THERE.includes(kind))
      return skip === undefined ? [] : [changeMark(MARK.pass | skip)];
    return [
      ...profiles.flatMap((profile) => [
        changeMark(MARK.pass),
        `jump ${policyChain(profile, ruleList)}`,
      ]),
      `${this.count('dropped')} ${this.drop('PROFILE_END')}`,
    ];
  }

  private drop(reason: CountedReason): string {
    return `${countDrop(this.part, this.owner.port, reason)} goto ${DENY}`;
  }

  private count(outcome: 'allowed' | 'dropped'): string {
    const { kind, direction } = this.stage;
    return this.part.counter(stageCounter(this.owner.port, kind, direction, outcome));
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
