/** What Calico says about a packet, straight from the rules: no sets of packets, no lists, one packet at a time. */
import { cidrContains, parseCidr, type Cidr } from '../../../src/base/ip.js';
import type { IpSetId } from '../../../src/model/ids.js';
import type { FailsafeSpec } from '../../../src/opi/objects/specs.js';
import type {
  NormalRule,
  NormalSide,
  PortProgram,
  RuleList,
  StageProgram,
} from '../../../src/translators/policy/program.js';
import { isIcmp, type Packet } from './packet.js';

/** Members of each set, as texts. */
export type SetTexts = ReadonlyMap<IpSetId, ReadonlySet<string>>;

type Verdict = 'allow' | 'deny' | 'none';

/** Whether a rule matches (felix-protocol: rule match). */
export function matches(rule: NormalRule, packet: Packet, sets: SetTexts): boolean {
  const { family, protocol } = packet;
  if (!rule.families.includes(family)) return false;
  if (rule.protocol !== undefined && rule.protocol !== protocol) return false;
  if (rule.notProtocol !== undefined && rule.notProtocol === protocol) return false;
  if (!icmpMatches(rule, packet)) return false;
  const source = { value: packet.source, port: packet.sourcePort };
  const destination = { value: packet.destination, port: packet.destinationPort };
  return (
    sideMatches(rule.source, source, packet, sets) &&
    sideMatches(rule.destination, destination, packet, sets) &&
    rule.destinationIpPortSets.every((id) => holdsPort(id, destination, packet, sets))
  );
}

function icmpMatches(rule: NormalRule, packet: Packet): boolean {
  if (rule.icmp === undefined && rule.notIcmp === undefined) return true;
  if (!isIcmp(packet.protocol, packet.family)) return false;
  const is = (of: { type: number; code?: number }): boolean =>
    packet.icmpType === of.type && (of.code === undefined || packet.icmpCode === of.code);
  return (
    (rule.icmp === undefined || is(rule.icmp)) && (rule.notIcmp === undefined || !is(rule.notIcmp))
  );
}

interface End {
  readonly value: bigint;
  readonly port: number | undefined;
}

function sideMatches(side: NormalSide, end: End, packet: Packet, sets: SetTexts): boolean {
  const ip = { family: packet.family, value: end.value };
  const within = (nets: readonly Cidr[]): boolean => nets.some((net) => cidrContains(net, ip));
  const member = (id: IpSetId): boolean =>
    [...(sets.get(id) ?? [])].some((text) => cidrContains(parseCidr(text) as Cidr, ip));
  const inRanges = (ranges: NormalSide['ports']): boolean =>
    ranges.some(
      ({ first, last }) => end.port !== undefined && end.port >= first && end.port <= last,
    );
  const named = (ids: readonly IpSetId[]): boolean =>
    ids.some((id) => holdsPort(id, end, packet, sets));
  if (side.nets.length > 0 && !within(side.nets)) return false;
  if (within(side.notNets)) return false;
  if (!side.ipSets.every(member) || side.notIpSets.some(member)) return false;
  const wantsPort = side.ports.length + side.namedPorts.length > 0;
  if (wantsPort && !inRanges(side.ports) && !named(side.namedPorts)) return false;
  return !inRanges(side.notPorts) && !named(side.notNamedPorts);
}

function holdsPort(id: IpSetId, end: End, packet: Packet, sets: SetTexts): boolean {
  if (end.port === undefined) return false;
  const ip = { family: packet.family, value: end.value };
  return [...(sets.get(id) ?? [])].some((text) => {
    const comma = text.indexOf(',');
    const [protocol, port] = text.slice(comma + 1).split(':');
    return (
      Number(protocol) === packet.protocol &&
      Number(port) === end.port &&
      cidrContains(parseCidr(text.slice(0, comma)) as Cidr, ip)
    );
  });
}

/** First match of a list: `none` if nothing matched, `pass` as it stands. */
function firstMatch(
  list: RuleList,
  packet: Packet,
  sets: SetTexts,
): 'allow' | 'deny' | 'pass' | 'none' {
  for (const rule of list.rules) {
    if (rule.action === 'log' || !matches(rule, packet, sets)) continue;
    return rule.action;
  }
  return 'none';
}

function tiersVerdict(stage: StageProgram, packet: Packet, sets: SetTexts): Verdict {
  for (const tier of stage.tiers) {
    let verdict: 'allow' | 'deny' | 'pass' | 'none' = 'none';
    for (const policy of tier.policies) {
      verdict = firstMatch(policy, packet, sets);
      if (verdict !== 'none') break;
    }
    if (verdict === 'none') verdict = tier.defaultAction;
    if (verdict !== 'pass') return verdict;
  }
  return 'none';
}

/** Verdict of a stage, its failsafes included; `none` = it has none and the path goes on. */
export function stageVerdict(
  program: PortProgram,
  kind: StageProgram['kind'],
  direction: StageProgram['direction'],
  packet: Packet,
  sets: SetTexts,
): Verdict {
  const stage = program.stages.find((of) => of.kind === kind && of.direction === direction);
  if (stage === undefined) return 'none';
  const inwards = direction === 'FROM_PORT';
  if (kind === 'UNTRACKED' || kind === 'PRE_DNAT' || kind === 'HOST') {
    const own = inwards ? 'INBOUND' : 'OUTBOUND';
    if (program.failsafes.some((of) => of.direction === own && forward(of, packet, inwards))) {
      return 'allow';
    }
    const reversed = program.failsafes.some(
      (of) => of.direction !== own && backward(of, packet, inwards),
    );
    if (kind === 'UNTRACKED' && reversed) return 'none';
  }
  const verdict = tiersVerdict(stage, packet, sets);
  if (verdict !== 'none') return verdict;
  if (kind === 'FORWARD') return 'allow';
  if (kind === 'UNTRACKED' || kind === 'PRE_DNAT') return 'none';
  for (const profile of stage.profiles) {
    const found = firstMatch(profile, packet, sets);
    if (found === 'allow' || found === 'deny') return found;
  }
  return 'deny';
}

function forward(failsafe: FailsafeSpec, packet: Packet, inwards: boolean): boolean {
  return (
    failsafe.protocol === packet.protocol &&
    failsafe.port === packet.destinationPort &&
    remoteMatches(failsafe, packet, inwards)
  );
}

function backward(failsafe: FailsafeSpec, packet: Packet, inwards: boolean): boolean {
  return (
    failsafe.protocol === packet.protocol &&
    failsafe.port === packet.sourcePort &&
    remoteMatches(failsafe, packet, inwards)
  );
}

function remoteMatches({ prefix }: FailsafeSpec, packet: Packet, inwards: boolean): boolean {
  if (prefix === undefined) return true;
  const value = inwards ? packet.source : packet.destination;
  return cidrContains(parseCidr(prefix) as Cidr, { family: packet.family, value });
}

/** Whether stages in path order let a packet pass: an early allow skips all of them. */
export function pathAllows(
  program: PortProgram | undefined,
  kinds: readonly StageProgram['kind'][],
  direction: StageProgram['direction'],
  packet: Packet,
  sets: SetTexts,
): boolean {
  if (program === undefined) return true;
  for (const kind of kinds) {
    const verdict = stageVerdict(program, kind, direction, packet, sets);
    if (verdict === 'deny') return false;
    if (verdict === 'allow') return true;
  }
  return true;
}
