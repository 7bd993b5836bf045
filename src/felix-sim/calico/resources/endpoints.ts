/** WorkloadEndpoints and HostEndpoints. */
import { formatCidr, formatIp, hostCidr } from '../../../base/ip.js';
import type { Draft, QoSControls } from '../../../gen/felix/types.js';
import { readProtocol } from '../rules/read-match.js';
import {
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  ORCHESTRATOR_LABEL,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from '../selector/scope.js';
import type { Field } from '../yaml/field.js';
import { readMetadata } from './metadata.js';
import type { HostEndpointResource, Labels, NamedPort, WorkloadResource } from './resource.js';

const PORT_MAX = 65535;
const HOST_ENDPOINT_FIELDS = ['node', 'interfaceName', 'expectedIPs', 'profiles', 'ports'];

/** Members of `qosControls`, which the protocol has under the same names with a capital. */
const QOS_FIELDS = [
  'ingressBandwidth',
  'egressBandwidth',
  'ingressBurst',
  'egressBurst',
  'ingressPeakrate',
  'egressPeakrate',
  'ingressMinburst',
  'egressMinburst',
  'ingressPacketRate',
  'egressPacketRate',
  'ingressPacketBurst',
  'egressPacketBurst',
  'ingressMaxConnections',
  'egressMaxConnections',
];

/** A WorkloadEndpoint. One without addresses is none to Felix: `undefined`. */
export function readWorkloadEndpoint(resource: Field): WorkloadResource | undefined {
  const { namespace, name, labels, annotations } = readMetadata(resource, true);
  const spec = resource.at('spec');
  const nets = spec.at('ipNetworks').items();
  if (nets.length === 0) return undefined;
  const account = spec.at('serviceAccountName').orAbsent?.text() ?? '';
  const orchestrator = spec.at('orchestrator').name();
  return {
    is: 'workload',
    kind: 'WorkloadEndpoint',
    namespace,
    name,
    labels: workloadLabels({ ...labels, ...placeLabels(namespace, orchestrator) }, account),
    profiles: texts(spec.at('profiles')),
    nets: nets.map((net) => net.cidr()),
    ports: spec.at('ports').items().flatMap(readNamedPort),
    node: spec.at('node').name(),
    orchestrator,
    workload: workloadOf(spec, namespace),
    endpoint: spec.at('endpoint').name(),
    interfaceName: spec.at('interfaceName').name(),
    mac: spec.at('mac').orAbsent?.text().toLowerCase() ?? '',
    nats: spec
      .at('ipNATs')
      .items()
      .map((nat) => ({
        external: formatIp(nat.at('externalIP').ip()),
        internal: formatIp(nat.at('internalIP').ip()),
      })),
    spoofedPrefixes: spec
      .at('allowSpoofedSourcePrefixes')
      .items()
      .map((prefix) => formatCidr(prefix.cidr())),
    annotations,
    qos: readQos(spec.at('qosControls')),
  };
}

/** Labels that Calico itself puts on every workload endpoint, whatever was written. */
export function placeLabels(namespace: string, orchestrator: string): Labels {
  return { [NAMESPACE_LABEL]: namespace, [ORCHESTRATOR_LABEL]: orchestrator };
}

/**
 * Labels as Felix takes them: none that would look inherited, so that no workload can claim another namespace; and the
 * service account's name, which may be too long for a label of its own.
 */
export function workloadLabels(labels: Labels, serviceAccount: string): Labels {
  const own = Object.entries(labels).filter(
    ([label]) => !label.startsWith(NAMESPACE_PREFIX) && !label.startsWith(SERVICE_ACCOUNT_PREFIX),
  );
  const account = serviceAccount === '' ? {} : { [SERVICE_ACCOUNT_LABEL]: serviceAccount };
  return { ...Object.fromEntries(own), ...account };
}

/** A HostEndpoint. */
export function readHostEndpoint(resource: Field): HostEndpointResource {
  const { name, labels } = readMetadata(resource, false);
  const spec = resource.at('spec').only(...HOST_ENDPOINT_FIELDS);
  const expected = spec.at('expectedIPs').items();
  const interfaceName = spec.at('interfaceName').orAbsent?.text() ?? '';
  if (interfaceName === '' && expected.length === 0) {
    spec.at('interfaceName').refuse('needed where there are no expectedIPs');
  }
  return {
    is: 'host-endpoint',
    kind: 'HostEndpoint',
    namespace: '',
    name,
    labels,
    profiles: texts(spec.at('profiles')),
    nets: expected.map((address) => hostCidr(address.ip())),
    ports: spec.at('ports').items().flatMap(readNamedPort),
    node: spec.at('node').name(),
    interfaceName,
  };
}

function workloadOf(spec: Field, namespace: string): string {
  const workload = spec.at('workload').orAbsent ?? spec.at('containerID').orAbsent;
  const pod = spec.at('pod').orAbsent;
  if (pod !== undefined || workload === undefined) {
    return `${namespace}/${spec.at('pod').name()}`;
  }
  return `${namespace}/${workload.name()}`;
}

/** Ports without a name are of no use to policy. */
function readNamedPort(field: Field): NamedPort[] {
  const name = field.at('name').orAbsent?.text() ?? '';
  if (name === '') return [];
  const protocol = readProtocol(field.at('protocol'));
  return [{ name, protocol, port: field.at('port').integer(1, PORT_MAX) }];
}

function readQos(field: Field): Draft<QoSControls> | undefined {
  if (!field.given) return undefined;
  field.only(...QOS_FIELDS);
  const limits = QOS_FIELDS.flatMap((name) => {
    const value = field.at(name).orAbsent?.integer(0, Number.MAX_SAFE_INTEGER) ?? 0;
    return value === 0 ? [] : [[`${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]];
  });
  return Object.fromEntries(limits) as Draft<QoSControls>;
}

function texts(field: Field): string[] {
  return field.items().map((item) => item.name());
}
