/** RuleMatch of network/cloud. The protocol is always given; an unset WildcardMatch is NONE and matches nothing. */
import type { Draft } from './draft.js';
import type { opinetcommon } from '../../gen/opi/types.js';
import type { IcmpSpec, IpEntrySpec, PortRangeSpec, SecurityRuleSpec } from '../objects/match.js';
import type { SecurityPolicySpec } from '../objects/specs.js';
import {
  bounded,
  decodeIpEntry,
  decodePortList,
  decodePorts,
  decodePrefix,
  decodeRange,
  encodePorts,
  encodePrefix,
  encodeRange,
  isSet,
  type Maybe,
} from './address.js';
import { malformed, unexpressed } from './errors.js';

type Format = SecurityPolicySpec['format'];
type MatchSpec = Pick<
  SecurityRuleSpec,
  'protocol' | 'source' | 'destination' | 'sourcePorts' | 'destinationPorts' | 'icmp'
>;

/** Message of a rule's conditions. Throws if FLATTENED would need a list, or ports and ICMP are both asked for. */
export function encodeRuleMatch(
  rule: MatchSpec,
  format: Format,
  field: string,
): Draft<opinetcommon.RuleMatch> {
  const l3 = {
    ...(rule.protocol === undefined
      ? { proto_wild_card: 'WILDCARD_MATCH_ANY' }
      : { proto_num: rule.protocol }),
    ...encodeSide('src', rule.source, format, `${field}.l3_match`),
    ...encodeSide('dst', rule.destination, format, `${field}.l3_match`),
  };
  return {
    // Three oneofs at once: the union of their combinations is beyond what the compiler follows.
    l3_match: l3 as Draft<opinetcommon.RuleL3Match>,
    l4_match: encodeL4(rule, format, `${field}.l4_match`),
  };
}

function encodeSide(
  side: 'src' | 'dst',
  entries: readonly IpEntrySpec[],
  format: Format,
  field: string,
): Draft<opinetcommon.RuleL3Match> {
  const [first] = entries;
  if (first === undefined) return {};
  if (format === 'COMPACT') {
    const listField = `${field}.${side}_ip_list`;
    return {
      [`${side}_ip_list`]: { ip_entries: entries.map((entry) => encodeEntry(entry, listField)) },
    };
  }
  single(entries, `${field}.${side}_prefix`);
  if ('prefix' in first) {
    return { [`${side}_prefix`]: encodePrefix(first.prefix, `${field}.${side}_prefix`) };
  }
  return { [`${side}_range`]: encodeRange(first, `${field}.${side}_range`) };
}

function encodeEntry(entry: IpEntrySpec, field: string): Draft<opinetcommon.IPEntry> {
  return 'prefix' in entry
    ? { prefix: encodePrefix(entry.prefix, field) }
    : { range: encodeRange(entry, field) };
}

function encodeL4(
  rule: MatchSpec,
  format: Format,
  field: string,
): Draft<opinetcommon.RuleL4Match> | undefined {
  const ports = rule.sourcePorts.length + rule.destinationPorts.length > 0;
  if (ports && rule.icmp.length > 0) throw malformed(field, 'ports and ICMP in one rule');
  if (ports) return encodeRulePorts(rule, format, field);
  if (rule.icmp.length === 0) return undefined;
  if (format === 'COMPACT') {
    return { icmp_match_list: { icmp_match_list: rule.icmp.map(encodeIcmp) } };
  }
  return { type_code: encodeIcmp(single(rule.icmp, `${field}.type_code`)) };
}

function encodeRulePorts(
  rule: MatchSpec,
  format: Format,
  field: string,
): Draft<opinetcommon.RuleL4Match> {
  if (format === 'COMPACT') {
    return {
      port_list: {
        src_port_range: rule.sourcePorts.map(encodePorts),
        dst_port_range: rule.destinationPorts.map(encodePorts),
      },
    };
  }
  return {
    ports: {
      src_port_range: onlyPorts(rule.sourcePorts, `${field}.ports.src_port_range`),
      dst_port_range: onlyPorts(rule.destinationPorts, `${field}.ports.dst_port_range`),
    },
  };
}

function onlyPorts(
  ranges: readonly PortRangeSpec[],
  field: string,
): Draft<opinetcommon.PortRange> | undefined {
  return ranges.length === 0 ? undefined : encodePorts(single(ranges, field));
}

function single<T>(list: readonly T[], field: string): T {
  const [first] = list;
  if (first === undefined || list.length > 1) {
    throw malformed(field, `${list.length} entries, a FLATTENED rule holds one`);
  }
  return first;
}

function encodeIcmp(icmp: IcmpSpec): Draft<opinetcommon.ICMPMatch> {
  return {
    type: icmp.type,
    ...(icmp.code === undefined ? { code_wildcard: 'WILDCARD_MATCH_ANY' } : { code: icmp.code }),
  };
}

/** Conditions of a rule's message. A form that the policy's format rules out is malformed. */
export function decodeRuleMatch(
  match: Maybe<opinetcommon.RuleMatch>,
  format: Format,
  field: string,
): MatchSpec {
  const l3 = match?.l3_match;
  if (!isSet(l3)) throw malformed(`${field}.l3_match`, 'missing');
  const protocol = decodeProtocol(l3, `${field}.l3_match`);
  return {
    ...(protocol === undefined ? {} : { protocol }),
    source: decodeSource(l3, format, `${field}.l3_match`),
    destination: decodeTarget(l3, format, `${field}.l3_match`),
    ...decodeL4(match?.l4_match, format, `${field}.l4_match`),
  };
}

function decodeProtocol(l3: opinetcommon.RuleL3Match, field: string): number | undefined {
  if (l3.protomatch === 'proto_num') return bounded(l3.proto_num, 255, `${field}.proto_num`);
  if (l3.protomatch === undefined) throw malformed(`${field}.proto_num`, 'no protocol is given');
  requireAny(l3.proto_wild_card, `${field}.proto_wild_card`);
  return undefined;
}

function requireAny(wildcard: opinetcommon.WildcardMatch, field: string): void {
  if (wildcard === 'WILDCARD_MATCH_ANY') return;
  if (wildcard === 'WILDCARD_MATCH_NONE') throw unexpressed(field, 'matches nothing');
  throw malformed(field, `unknown wildcard ${String(wildcard)}`);
}

function decodeSource(
  l3: opinetcommon.RuleL3Match,
  format: Format,
  field: string,
): readonly IpEntrySpec[] {
  switch (l3.srcmatch) {
    case undefined:
      return [];
    case 'src_prefix':
      flattened(format, `${field}.src_prefix`);
      return [{ prefix: decodePrefix(l3.src_prefix, `${field}.src_prefix`) }];
    case 'src_range':
      flattened(format, `${field}.src_range`);
      return [decodeRange(l3.src_range, `${field}.src_range`)];
    case 'src_tag':
      throw unexpressed(`${field}.src_tag`, `tag ${l3.src_tag}`);
    case 'src_ip_list':
      return decodeList(l3.src_ip_list, format, `${field}.src_ip_list`);
  }
}

function decodeTarget(
  l3: opinetcommon.RuleL3Match,
  format: Format,
  field: string,
): readonly IpEntrySpec[] {
  switch (l3.dstmatch) {
    case undefined:
      return [];
    case 'dst_prefix':
      flattened(format, `${field}.dst_prefix`);
      return [{ prefix: decodePrefix(l3.dst_prefix, `${field}.dst_prefix`) }];
    case 'dst_range':
      flattened(format, `${field}.dst_range`);
      return [decodeRange(l3.dst_range, `${field}.dst_range`)];
    case 'dst_tag':
      throw unexpressed(`${field}.dst_tag`, `tag ${l3.dst_tag}`);
    case 'dst_ip_list':
      return decodeList(l3.dst_ip_list, format, `${field}.dst_ip_list`);
  }
}

/** An empty list would match nothing, where a spec's empty list matches everything. */
function decodeList(
  list: opinetcommon.IPList,
  format: Format,
  field: string,
): readonly IpEntrySpec[] {
  compact(format, field);
  if (list.ip_entries.length === 0) throw malformed(field, 'an empty list');
  return list.ip_entries.map((entry, index) =>
    decodeIpEntry(entry, `${field}.ip_entries[${index}]`),
  );
}

function flattened(format: Format, field: string): void {
  if (format !== 'FLATTENED') throw malformed(field, 'set in a rule of a COMPACT policy');
}

function compact(format: Format, field: string): void {
  if (format !== 'COMPACT') throw malformed(field, 'a list in a rule of a FLATTENED policy');
}

type L4Spec = Pick<MatchSpec, 'sourcePorts' | 'destinationPorts' | 'icmp'>;

function decodeL4(l4: Maybe<opinetcommon.RuleL4Match>, format: Format, field: string): L4Spec {
  const none: L4Spec = { sourcePorts: [], destinationPorts: [], icmp: [] };
  switch (l4?.l4info) {
    case undefined:
      return none;
    case 'ports':
      flattened(format, `${field}.ports`);
      return {
        ...none,
        sourcePorts: optionalPorts(l4.ports.src_port_range, `${field}.ports.src_port_range`),
        destinationPorts: optionalPorts(l4.ports.dst_port_range, `${field}.ports.dst_port_range`),
      };
    case 'type_code':
      flattened(format, `${field}.type_code`);
      return { ...none, icmp: [decodeIcmp(l4.type_code, `${field}.type_code`)] };
    case 'port_list':
      compact(format, `${field}.port_list`);
      return {
        ...none,
        sourcePorts: decodePortList(l4.port_list.src_port_range, `${field}.src_port_range`),
        destinationPorts: decodePortList(l4.port_list.dst_port_range, `${field}.dst_port_range`),
      };
    case 'icmp_match_list':
      compact(format, `${field}.icmp_match_list`);
      return { ...none, icmp: decodeIcmpList(l4.icmp_match_list, `${field}.icmp_match_list`) };
  }
}

function decodeIcmpList(list: opinetcommon.ICMPMatchList, field: string): IcmpSpec[] {
  if (list.icmp_match_list.length === 0) throw malformed(field, 'an empty list');
  return list.icmp_match_list.map((icmp, index) => decodeIcmp(icmp, `${field}[${index}]`));
}

function optionalPorts(range: Maybe<opinetcommon.PortRange>, field: string): PortRangeSpec[] {
  return !isSet(range) ? [] : [decodePorts(range, field)];
}

function decodeIcmp(icmp: opinetcommon.ICMPMatch, field: string): IcmpSpec {
  if (icmp.typematch === undefined) throw malformed(`${field}.type`, 'missing');
  if (icmp.typematch === 'type_wildcard') {
    throw unexpressed(`${field}.type_wildcard`, icmp.type_wildcard);
  }
  const type = bounded(icmp.type, 255, `${field}.type`);
  if (icmp.codematch === 'code') return { type, code: bounded(icmp.code, 255, `${field}.code`) };
  if (icmp.codematch === undefined) throw malformed(`${field}.code`, 'missing');
  requireAny(icmp.code_wildcard, `${field}.code_wildcard`);
  return { type };
}
