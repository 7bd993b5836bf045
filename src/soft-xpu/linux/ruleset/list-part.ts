/**
 * Plain network/cloud: SecurityPolicies as shared chains, and what a port's lists make of them. A terminating match ends
 * the list; of the others a deny wins, and so does a denying default (opi.md section 2).
 */
import {
  cidrRange,
  FAMILIES,
  formatIp,
  maxAddress,
  parseCidr,
  parseIp,
  type Family,
  type IpRange,
} from '../../../base/ip.js';
import type { IpEntrySpec, SecurityRuleSpec } from '../../../opi/objects/match.js';
import type { PolicyListsSpec, SecurityPolicySpec } from '../../../opi/objects/specs.js';
import { PROTOCOL } from '../../memory/packet.js';
import { MARK } from '../names.js';
import { totalDropCounter } from './counters.js';
import {
  address,
  inPorts,
  ofFamily,
  oneOf,
  protocolHasPorts,
  WITH_PORTS,
  type Side,
} from './expression.js';
import { NETDEVS, PORTS } from './layout.js';
import { changeMark, isMarked, setMark } from './mark.js';
import { countOn, PartBuilder, quoted, type Part } from './part.js';
import { DENY } from './stage-part.js';

/** Chain that a list's denial goes to. */
const DENY_BY_LIST = 'deny/list';
/** Chain that asks the host port's lists about what the router itself gets. */
export const ROUTER_LISTS = 'host/router-lists';
/** Verdicts of matches that do not terminate. */
const OPEN = { allow: MARK.pass, deny: MARK.skipEntry } as const;

/** Adds the chain that the denials of all lists go to. */
export function addListDenial(part: PartBuilder): void {
  part.chain(DENY_BY_LIST, [`${countOn(totalDropCounter('SECURITY_POLICY'))} goto ${DENY}`]);
}

/** A SecurityPolicy: a chain of its rules, lower priority first, and one of its default. */
export function securityPolicyPart(id: string, spec: SecurityPolicySpec): Part {
  const ordered = spec.rules
    .map((rule, index) => ({ rule, index }))
    .sort((a, b) => a.rule.priority - b.rule.priority || a.index - b.index);
  return new PartBuilder()
    .chain(
      `list/${id}`,
      ordered.flatMap(({ rule }) => ruleLines(rule, spec.family)),
    )
    .chain(`list/${id}/default`, spec.defaultAction === 'DENY' ? [`goto ${DENY_BY_LIST}`] : []);
}

/** Which packets without a valid connection state are dropped: those of any of the conditions, '' being all. */
export interface InvalidCheck {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** Where a port's lists are hung in. */
export interface ListPlace {
  readonly vnic: string;
  readonly netdev: string;
  readonly invalid: InvalidCheck;
}

/** The lists of a port: Vnic, Subnet, Vpc, asked as one list in that order. */
export function addLists(
  part: PartBuilder,
  { vnic, netdev, invalid }: ListPlace,
  levels: readonly PolicyListsSpec[],
): void {
  for (const side of ['from', 'to'] as const) {
    const chain = listChain(vnic, side);
    const lines = FAMILIES.flatMap((family) => {
      const refs = levels.flatMap(
        (lists) => lists[`${side === 'from' ? 'egress' : 'ingress'}V${family}`],
      );
      if (refs.length === 0) return [];
      const ids = refs.map(({ id }) => id);
      part.chain(`${chain}/${family}`, listLines(ids, invalid[side]));
      return [`${ofFamily(family)} goto ${chain}/${family}`];
    });
    part.chain(chain, lines);
    const map = side === 'from' ? PORTS.workloadFrom : PORTS.workloadTo;
    part.claim(map, quoted(netdev), `goto ${chain}`);
  }
}

/** The node sends to vNICs and into tunnels without a check. */
export function hostInvalid(uplink: string | undefined): InvalidCheck {
  const out = uplink === undefined ? [] : [`oifname ${quoted(uplink)}`];
  return { from: [...out, `oifname @${NETDEVS.host}`], to: [''] };
}

/** A vNIC's owner is checked; so is everybody but the node that sends to it. */
export const VNIC_INVALID: InvalidCheck = {
  from: [''],
  to: [`iifname != @${NETDEVS.host}`],
};

function listChain(vnic: string, side: 'from' | 'to'): string {
  return `vnic/${vnic}/list-${side}`;
}

function listLines(ids: readonly string[], invalid: readonly string[]): string[] {
  const drop = `ct state invalid ${countOn(totalDropCounter('INVALID_STATE'))} goto ${DENY}`;
  return [
    ...invalid.map((condition) => `${condition} ${drop}`.trimStart()),
    changeMark(OPEN.allow | OPEN.deny),
    ...ids.map((id) => `jump list/${id}`),
    `${isMarked(OPEN.deny)} goto ${DENY_BY_LIST}`,
    `${isMarked(OPEN.allow)} accept`,
    ...ids.map((id) => `jump list/${id}/default`),
  ];
}

/** Each line ends the policy's chain, so that the alternatives of one rule may stand below each other. */
function ruleLines(rule: SecurityRuleSpec, family: Family): string[] {
  const { protocol, sourcePorts, destinationPorts, icmp } = rule;
  const words: string[] = [];
  if (protocol !== undefined) words.push(`meta l4proto ${protocol}`);
  for (const [entries, side] of [
    [rule.source, 'saddr'],
    [rule.destination, 'daddr'],
  ] as const) {
    const condition = inEntries(entries, family, side);
    if (condition === undefined) return [];
    words.push(...condition);
  }
  const ported = sourcePorts.length + destinationPorts.length > 0;
  if (ported && protocol !== undefined && !protocolHasPorts(protocol)) return [];
  if (ported && protocol === undefined) words.push(`meta l4proto ${WITH_PORTS}`);
  if (sourcePorts.length > 0) words.push(inPorts('saddr', sourcePorts).holds);
  if (destinationPorts.length > 0) words.push(inPorts('daddr', destinationPorts).holds);
  const alternatives = icmp.length === 0 ? [[]] : icmpWords(icmp, family, protocol);
  return alternatives.map((more) => [...words, ...more, verdictOf(rule)].join(' '));
}

function verdictOf({ action, terminating }: SecurityRuleSpec): string {
  if (terminating) return action === 'ALLOW' ? 'accept' : `goto ${DENY_BY_LIST}`;
  return `${setMark(action === 'ALLOW' ? OPEN.allow : OPEN.deny)} return`;
}

/** Words of the condition; undefined if no address of the family fulfils it. */
function inEntries(
  entries: readonly IpEntrySpec[],
  family: Family,
  side: Side,
): string[] | undefined {
  if (entries.length === 0) return [];
  const ranges = mergedRanges(entries.flatMap((entry) => rangeOf(entry, family) ?? []));
  const [first] = ranges;
  if (first === undefined) return undefined;
  if (first.low === 0n && first.high === maxAddress(family)) return [];
  return [`${address(family, side)} ${oneOf(ranges.map(rangeText))}`];
}

/** Ranges of one family without overlaps, which nft refuses, in order. */
function mergedRanges(ranges: readonly IpRange[]): IpRange[] {
  const merged: { family: Family; low: bigint; high: bigint }[] = [];
  for (const range of [...ranges].sort((a, b) => (a.low < b.low ? -1 : 1))) {
    const last = merged.at(-1);
    if (last === undefined || range.low > last.high + 1n) merged.push({ ...range });
    else if (range.high > last.high) last.high = range.high;
  }
  return merged;
}

function rangeOf(entry: IpEntrySpec, family: Family): IpRange | undefined {
  if ('prefix' in entry) {
    const cidr = parseCidr(entry.prefix);
    return cidr?.family === family ? cidrRange(cidr) : undefined;
  }
  const [low, high] = [parseIp(entry.low), parseIp(entry.high)];
  if (low?.family !== family || high?.family !== family) return undefined;
  return { family, low: low.value, high: high.value };
}

function rangeText({ family, low, high }: IpRange): string {
  const [first, last] = [low, high].map((value) => formatIp({ family, value }));
  return low === high ? `${first}` : `${first}-${last}`;
}

function icmpWords(
  icmp: SecurityRuleSpec['icmp'],
  family: Family,
  protocol: number | undefined,
): string[][] {
  const own = family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6;
  if (protocol !== undefined && protocol !== own) return [];
  const guard = protocol === undefined ? [`meta l4proto ${own}`] : [];
  return icmp.map(({ type, code }) => [
    ...guard,
    code === undefined ? `@th,0,8 ${type}` : `@th,0,16 ${type * 256 + code}`,
  ]);
}

/** What the router itself gets is for the host port, whose lists are asked: those of the first of its Vnics. */
export function routerListsPart(hostVnic: string | undefined): Part {
  const lines = hostVnic === undefined ? [] : [`goto ${listChain(hostVnic, 'to')}`];
  return new PartBuilder().chain(ROUTER_LISTS, lines);
}
