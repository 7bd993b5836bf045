/** Rules of the API to rules of the protocol: selectors, named ports and services become references to IP sets. */
import type {
  Draft,
  IcmpTypeAndCode,
  PortRange,
  Protocol,
  Rule,
  ServiceAccountMatch,
} from '../../../gen/felix/types.js';
import { given } from '../given.js';
import { ALL, type Selector } from '../selector/ast.js';
import type {
  EntitySpec,
  HttpSpec,
  IcmpSpec,
  PortSpec,
  ProtocolSpec,
  RuleSpec,
  ServiceAccountsSpec,
} from './rule-spec.js';
import { entityScope } from './scope.js';
import {
  namedPortSet,
  selectorSet,
  serviceSet,
  type PortProtocol,
  type SetDefinition,
} from './set-definition.js';

/** Rules of a policy or profile, without ids, and the sets they refer to. */
export interface CompiledRules {
  readonly inbound: readonly Draft<Rule>[];
  readonly outbound: readonly Draft<Rule>[];
  /** May repeat a set. */
  readonly sets: readonly SetDefinition[];
}

/** Compiles the rules of a policy in `namespace`; empty for cluster-wide policies and profiles. */
export function compileRules(
  inbound: readonly RuleSpec[],
  outbound: readonly RuleSpec[],
  namespace: string,
): CompiledRules {
  const sets: SetDefinition[] = [];
  const compile = (spec: RuleSpec): Draft<Rule> => compileRule(spec, namespace, sets);
  return { inbound: inbound.map(compile), outbound: outbound.map(compile), sets };
}

function compileRule(spec: RuleSpec, namespace: string, sets: SetDefinition[]): Draft<Rule> {
  const portProtocol = portProtocolOf(spec.protocol);
  const source = compileEntity(spec.source, namespace, portProtocol);
  const destination = compileEntity(spec.destination, namespace, portProtocol);
  const service = spec.source.service && [serviceSet(spec.source.service, false)];
  const servicePorts = spec.destination.service && [serviceSet(spec.destination.service, true)];
  const sourceSets = [...source.sets, ...(service ?? [])];
  for (const used of [source, destination]) {
    sets.push(...used.sets, ...used.notSets, ...used.portSets, ...used.notPortSets);
  }
  sets.push(...(service ?? []), ...(servicePorts ?? []));
  return given({
    action: spec.action,
    ip_version: spec.ipVersion ?? ipVersionOf(spec.protocol),
    protocol: protocolMatch(spec.protocol),
    not_protocol: protocolMatch(spec.notProtocol),
    src_net: spec.source.nets,
    not_src_net: spec.source.notNets,
    dst_net: spec.destination.nets,
    not_dst_net: spec.destination.notNets,
    src_ports: source.ports,
    not_src_ports: source.notPorts,
    dst_ports: destination.ports,
    not_dst_ports: destination.notPorts,
    src_ip_set_ids: idsOf(sourceSets),
    not_src_ip_set_ids: idsOf(source.notSets),
    dst_ip_set_ids: idsOf(destination.sets),
    not_dst_ip_set_ids: idsOf(destination.notSets),
    src_named_port_ip_set_ids: idsOf(source.portSets),
    not_src_named_port_ip_set_ids: idsOf(source.notPortSets),
    dst_named_port_ip_set_ids: idsOf(destination.portSets),
    not_dst_named_port_ip_set_ids: idsOf(destination.notPortSets),
    dst_ip_port_set_ids: idsOf(servicePorts ?? []),
    ...icmpMatches(spec.icmp, spec.notIcmp),
    ...writtenConditions(spec),
    http_match: spec.http && httpMatch(spec.http),
    metadata: spec.annotations && { annotations: spec.annotations },
  });
}

interface CompiledEntity {
  readonly sets: readonly SetDefinition[];
  readonly notSets: readonly SetDefinition[];
  readonly portSets: readonly SetDefinition[];
  readonly notPortSets: readonly SetDefinition[];
  readonly ports: readonly PortRange[];
  readonly notPorts: readonly PortRange[];
}

/**
 * Named ports are looked up among what the positive selector selects, for negated ports too: the rule matches nothing
 * else anyway. A selector that only named ports go with is covered by their sets and needs none of its own.
 */
function compileEntity(
  entity: EntitySpec,
  namespace: string,
  protocol: PortProtocol,
): CompiledEntity {
  const { positive, negative } = entityScope(entity, namespace);
  const ports = splitPorts(entity.ports, positive, protocol);
  const notPorts = splitPorts(entity.notPorts, positive, protocol);
  const covered = ports.sets.length > 0 && ports.ranges.length === 0;
  return {
    sets: positive === undefined || covered ? [] : [selectorSet(positive)],
    notSets: negative === undefined ? [] : [selectorSet(negative)],
    portSets: ports.sets,
    notPortSets: notPorts.sets,
    ports: ports.ranges,
    notPorts: notPorts.ranges,
  };
}

function splitPorts(
  ports: readonly PortSpec[],
  among: Selector | undefined,
  protocol: PortProtocol,
): { readonly ranges: PortRange[]; readonly sets: SetDefinition[] } {
  return {
    ranges: ports.filter((port) => typeof port !== 'string'),
    sets: ports
      .filter((port) => typeof port === 'string')
      .map((name) => namedPortSet(among ?? ALL, protocol, name)),
  };
}

/** What the user wrote, for layer 7 proxies and for people. */
function writtenConditions({ source, destination }: RuleSpec): Draft<Rule> {
  return {
    original_src_selector: source.selector?.text,
    original_src_namespace_selector: source.namespaceSelector?.text,
    original_not_src_selector: source.notSelector?.text,
    original_dst_selector: destination.selector?.text,
    original_dst_namespace_selector: destination.namespaceSelector?.text,
    original_not_dst_selector: destination.notSelector?.text,
    src_service_account_match: accountMatch(source.serviceAccounts),
    dst_service_account_match: accountMatch(destination.serviceAccounts),
    original_src_service: source.service?.name,
    original_src_service_namespace: source.service?.namespace,
    original_dst_service: destination.service?.name,
    original_dst_service_namespace: destination.service?.namespace,
  };
}

function accountMatch(
  accounts: ServiceAccountsSpec | undefined,
): Draft<ServiceAccountMatch> | undefined {
  if (accounts === undefined) return undefined;
  const { names, selector } = accounts;
  if (names.length === 0 && selector === undefined) return undefined;
  return given({ names, selector: selector?.text });
}

function httpMatch({ methods, paths }: HttpSpec): Draft<Rule>['http_match'] {
  return given({ methods, paths });
}

function icmpMatches(icmp: IcmpSpec | undefined, notIcmp: IcmpSpec | undefined): Draft<Rule> {
  return {
    ...(icmp?.code === undefined
      ? { icmp_type: icmp?.type }
      : { icmp_type_code: typeAndCode(icmp) }),
    ...(notIcmp?.code === undefined
      ? { not_icmp_type: notIcmp?.type }
      : { not_icmp_type_code: typeAndCode(notIcmp) }),
  };
}

/** Here zero is what an absent member says. */
function typeAndCode({ type, code }: IcmpSpec): Draft<IcmpTypeAndCode> {
  return { ...(type === 0 ? {} : { type }), ...(code === 0 ? {} : { code }) };
}

function protocolMatch(protocol: ProtocolSpec | undefined): Draft<Protocol> | undefined {
  if (protocol === undefined) return undefined;
  return typeof protocol === 'number' ? { number: protocol } : { name: protocol };
}

/** Named protocols of ICMP belong to a family; their numbers do not say it (felix-protocol: rule match). */
function ipVersionOf(protocol: ProtocolSpec | undefined): 4 | 6 | undefined {
  if (protocol === 'icmp') return 4;
  return protocol === 'icmpv6' ? 6 : undefined;
}

function portProtocolOf(protocol: ProtocolSpec | undefined): PortProtocol {
  if (protocol === 'udp' || protocol === 17) return 'udp';
  return protocol === 'sctp' || protocol === 132 ? 'sctp' : 'tcp';
}

function idsOf(sets: readonly SetDefinition[]): string[] {
  return sets.map(({ id }) => id);
}
