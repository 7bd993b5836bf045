/** Rules of Calico's v3 API: fields to a checked rule. What Calico's own validation refuses is refused here. */
import { formatCidr } from '../../../base/ip.js';
import type { Field } from '../yaml/field.js';
import { readPort, readProtocol } from './read-match.js';
import type { EntitySpec, HttpPathSpec, IcmpSpec, RuleSpec } from './rule-spec.js';

const ACTIONS = { Allow: 'allow', Deny: 'deny', Log: 'log', Pass: 'next-tier' } as const;

const RULE_FIELDS = [
  'action',
  'ipVersion',
  'protocol',
  'notProtocol',
  'icmp',
  'notICMP',
  'source',
  'destination',
  'http',
  'metadata',
];

const ENTITY_FIELDS = [
  'nets',
  'notNets',
  'selector',
  'notSelector',
  'namespaceSelector',
  'serviceAccounts',
  'services',
  'ports',
  'notPorts',
];

const PORT_PROTOCOLS: ReadonlySet<unknown> = new Set(['tcp', 'udp', 'sctp', 6, 17, 132]);
const ICMP_PROTOCOLS: ReadonlySet<unknown> = new Set(['icmp', 'icmpv6', 1, 58]);
const ICMP_TYPE_MAX = 254;

/** One rule of a policy in `namespace`, empty for cluster-wide ones and profiles. */
export function readRule(field: Field, namespace: string): RuleSpec {
  field.only(...RULE_FIELDS);
  const protocol = field.at('protocol').orAbsent;
  const notProtocol = field.at('notProtocol').orAbsent;
  const rule: RuleSpec = {
    action: ACTIONS[field.at('action').oneOf('Allow', 'Deny', 'Log', 'Pass')],
    ipVersion: readIpVersion(field.at('ipVersion')),
    protocol: protocol === undefined ? undefined : readProtocol(protocol),
    notProtocol: notProtocol === undefined ? undefined : readProtocol(notProtocol),
    icmp: readIcmp(field.at('icmp')),
    notIcmp: readIcmp(field.at('notICMP')),
    source: readEntity(field.at('source'), namespace),
    destination: readEntity(field.at('destination'), namespace),
    http: readHttp(field.at('http')),
    annotations: field.at('metadata').only('annotations').at('annotations').orAbsent?.texts(),
  };
  checkRule(field, rule);
  return rule;
}

function readIpVersion(field: Field): 4 | 6 | undefined {
  if (!field.given) return undefined;
  const version = field.number();
  return version === 4 || version === 6 ? version : field.refuse('is neither 4 nor 6');
}

function readIcmp(field: Field): IcmpSpec | undefined {
  if (!field.given) return undefined;
  field.only('type', 'code');
  const type = field.at('type').orAbsent?.integer(0, ICMP_TYPE_MAX);
  const code = field.at('code').orAbsent?.integer(0, 255);
  if (code !== undefined && type === undefined) field.refuse('has a code without a type');
  return { type, code };
}

function readEntity(field: Field, namespace: string): EntitySpec {
  field.only(...ENTITY_FIELDS);
  const accounts = field.at('serviceAccounts').orAbsent?.only('names', 'selector');
  const services = field.at('services').orAbsent?.only('name', 'namespace');
  const serviceNamespace = services?.at('namespace').orAbsent?.name() ?? namespace;
  if (services !== undefined && serviceNamespace === '') services.at('namespace').name();
  const nets = (name: string): string[] =>
    field
      .at(name)
      .items()
      .map((net) => formatCidr(net.cidr()));
  return {
    nets: nets('nets'),
    notNets: nets('notNets'),
    selector: field.at('selector').selector(),
    notSelector: field.at('notSelector').selector(),
    namespaceSelector: field.at('namespaceSelector').selector(),
    serviceAccounts: accounts && {
      names: accounts
        .at('names')
        .items()
        .map((name) => name.name()),
      selector: accounts.at('selector').selector(),
    },
    service: services && { namespace: serviceNamespace, name: services.at('name').name() },
    ports: field.at('ports').items().map(readPort),
    notPorts: field.at('notPorts').items().map(readPort),
  };
}

function readHttp(field: Field): RuleSpec['http'] {
  if (!field.given) return undefined;
  field.only('methods', 'paths');
  return {
    methods: field
      .at('methods')
      .items()
      .map((method) => method.name()),
    paths: field.at('paths').items().map(readHttpPath),
  };
}

function readHttpPath(field: Field): HttpPathSpec {
  field.only('exact', 'prefix');
  const exact = field.at('exact').orAbsent;
  const prefix = field.at('prefix').orAbsent;
  if ((exact === undefined) === (prefix === undefined)) field.refuse('needs exact or prefix');
  return exact === undefined ? { prefix: field.at('prefix').name() } : { exact: exact.name() };
}

/** Conditions that need others beside them. */
function checkRule(field: Field, rule: RuleSpec): void {
  const { protocol, source, destination } = rule;
  const ports = [source, destination].some(
    (entity) => entity.ports.length > 0 || entity.notPorts.length > 0,
  );
  if (ports && !PORT_PROTOCOLS.has(protocol)) {
    field.at('protocol').refuse('ports need the protocol TCP, UDP or SCTP');
  }
  if (rule.icmp !== undefined && !ICMP_PROTOCOLS.has(protocol)) {
    field.at('protocol').refuse('icmp needs the protocol ICMP or ICMPv6');
  }
  checkService(field.at('source'), source, false);
  checkService(field.at('destination'), destination, true);
}

/** A service says addresses, as a destination ports too: no other condition on the same may stand beside it. */
function checkService(field: Field, entity: EntitySpec, portsToo: boolean): void {
  if (entity.service === undefined) return;
  const addresses =
    entity.nets.length > 0 ||
    entity.notNets.length > 0 ||
    [entity.selector, entity.notSelector, entity.namespaceSelector, entity.serviceAccounts].some(
      (condition) => condition !== undefined,
    );
  const ports = entity.ports.length > 0 || entity.notPorts.length > 0;
  if (addresses || (portsToo && ports)) {
    field.at('services').refuse('goes with no other condition on addresses or ports');
  }
}
