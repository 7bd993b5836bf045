/** Kubernetes NetworkPolicies: each rule becomes one Calico rule for each protocol and peer. */
import { formatCidr } from '../../../base/ip.js';
import { DEFAULT_TIER } from '../resources/policy.js';
import { readMetadata } from '../resources/metadata.js';
import type { PolicyResource } from '../resources/resource.js';
import { compileRules } from '../rules/compile.js';
import { readPort } from '../rules/read-match.js';
import { ANY_ENTITY, type EntitySpec, type PortSpec, type RuleSpec } from '../rules/rule-spec.js';
import { both, labelIs } from '../selector/ast.js';
import { NAMESPACE_LABEL } from '../selector/scope.js';
import type { Field } from '../yaml/field.js';
import { namespaceSelector, ownPodSelector, podSelector } from './label-selector.js';
import { simplifyPorts } from './ports.js';

/** Where Calico puts them among its own policies of the default tier (felix-protocol: objects). */
const ORDER = 1000;

/** A NetworkPolicy of Kubernetes. */
export function readKubernetesPolicy(resource: Field): PolicyResource {
  resource.at('spec').only(...POLICY_FIELDS);
  return toPolicy(resource, 'KubernetesNetworkPolicy');
}

/** A StagedKubernetesNetworkPolicy of Calico; `undefined` for one that stages a deletion. */
export function readStagedKubernetesPolicy(resource: Field): PolicyResource | undefined {
  const spec = resource.at('spec').only(...POLICY_FIELDS, 'stagedAction');
  const action = spec.at('stagedAction').orAbsent?.oneOf('Set', 'Delete', 'Learn', 'Ignore');
  return action === 'Delete' ? undefined : toPolicy(resource, 'StagedKubernetesNetworkPolicy');
}

const POLICY_FIELDS = ['podSelector', 'ingress', 'egress', 'policyTypes'];

function toPolicy(resource: Field, kind: string): PolicyResource {
  const { namespace, name } = readMetadata(resource, true);
  const spec = resource.at('spec');
  const ingress = spec
    .at('ingress')
    .items()
    .flatMap((rule) => readRules(rule, 'ingress'));
  const egress = spec
    .at('egress')
    .items()
    .flatMap((rule) => readRules(rule, 'egress'));
  return {
    is: 'policy',
    kind,
    namespace,
    name,
    tier: DEFAULT_TIER,
    order: ORDER,
    selector: both(ownPodSelector(spec.at('podSelector')), labelIs(NAMESPACE_LABEL, namespace)),
    ...readTypes(spec),
    doNotTrack: false,
    preDnat: false,
    applyOnForward: true,
    perfHints: [],
    rules: compileRules(ingress, egress, namespace),
  };
}

/** Without policyTypes the API server sets Ingress, and Egress too where there are egress rules. */
function readTypes(spec: Field): { readonly ingress: boolean; readonly egress: boolean } {
  const types = spec
    .at('policyTypes')
    .items()
    .map((type) => type.oneOf('Ingress', 'Egress'));
  if (types.length === 0) return { ingress: true, egress: spec.at('egress').items().length > 0 };
  return { ingress: types.includes('Ingress'), egress: types.includes('Egress') };
}

function readRules(field: Field, direction: 'ingress' | 'egress'): RuleSpec[] {
  const side = direction === 'ingress' ? 'from' : 'to';
  field.only(side, 'ports');
  const peers = field.at(side).items().map(readPeer);
  return portsByProtocol(field.at('ports').items()).flatMap(({ protocol, ports }) =>
    (peers.length === 0 ? [ANY_ENTITY] : peers).map((peer): RuleSpec => {
      const source = direction === 'ingress' ? peer : ANY_ENTITY;
      const destination = direction === 'ingress' ? ANY_ENTITY : peer;
      return { action: 'allow', protocol, source, destination: { ...destination, ports } };
    }),
  );
}

function readPeer(field: Field): EntitySpec {
  field.only('ipBlock', 'podSelector', 'namespaceSelector');
  const block = field.at('ipBlock').orAbsent?.only('cidr', 'except');
  const pods = field.at('podSelector');
  const spaces = field.at('namespaceSelector');
  if (block === undefined) {
    if (!pods.given && !spaces.given)
      field.refuse('needs ipBlock, podSelector or namespaceSelector');
    return {
      ...ANY_ENTITY,
      selector: podSelector(pods),
      namespaceSelector: namespaceSelector(spaces),
    };
  }
  if (pods.given || spaces.given) field.refuse('has ipBlock beside a selector');
  return {
    ...ANY_ENTITY,
    nets: [formatCidr(block.at('cidr').cidr())],
    notNets: block
      .at('except')
      .items()
      .map((net) => formatCidr(net.cidr())),
  };
}

interface ProtocolPorts {
  readonly protocol: string | undefined;
  readonly ports: readonly PortSpec[];
}

/** Ports of one protocol go together; one entry without a port stands for all ports of its protocol. */
function portsByProtocol(fields: readonly Field[]): ProtocolPorts[] {
  if (fields.length === 0) return [{ protocol: undefined, ports: [] }];
  const portsOf = new Map<string, PortSpec[] | 'all'>();
  for (const field of fields) {
    field.only('protocol', 'port', 'endPort');
    const protocol = field.at('protocol').orAbsent?.oneOf('TCP', 'UDP', 'SCTP') ?? 'TCP';
    const port = readPolicyPort(field);
    const known = portsOf.get(protocol) ?? [];
    if (port === undefined) portsOf.set(protocol, 'all');
    else if (known !== 'all') portsOf.set(protocol, [...known, port]);
  }
  return [...portsOf.keys()].sort().map((protocol) => {
    const ports = portsOf.get(protocol);
    return {
      protocol: protocol.toLowerCase(),
      ports: ports === undefined || ports === 'all' ? [] : simplifyPorts(ports),
    };
  });
}

function readPolicyPort(field: Field): PortSpec | undefined {
  const end = field.at('endPort').orAbsent;
  if (!field.at('port').given) return end?.refuse('needs a port');
  const port = readPort(field.at('port'));
  if (end === undefined) return port;
  if (typeof port === 'string') return end.refuse('goes not with the name of a port');
  return { first: port.first, last: end.integer(port.first, 65535) };
}
