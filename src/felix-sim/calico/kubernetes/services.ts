/** Services and EndpointSlices. */
import { parseCidr } from '../../../base/ip.js';
import { readMetadata } from '../resources/metadata.js';
import type {
  EndpointSliceResource,
  NodeResource,
  ServiceResource,
} from '../resources/resource.js';
import { addressText } from '../resources/cluster.js';
import type { Field } from '../yaml/field.js';

const SERVICE_LABEL = 'kubernetes.io/service-name';
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
const PORT_MAX = 65535;

/** An EndpointSlice. Like Felix, it does not look at conditions: an address that is not ready counts too. */
export function readEndpointSlice(resource: Field): EndpointSliceResource {
  const { namespace, name, labels } = readMetadata(resource, true);
  return {
    is: 'endpoint-slice',
    kind: 'EndpointSlice',
    namespace,
    name,
    service: labels[SERVICE_LABEL] ?? '',
    addresses: resource
      .at('endpoints')
      .items()
      .flatMap((endpoint) => endpoint.at('addresses').items())
      .map((address) => parseCidr(address.text()))
      .filter((address) => address !== undefined),
    ports: resource
      .at('ports')
      .items()
      .filter((port) => port.at('port').given)
      .map((port) => ({
        protocol: (port.at('protocol').orAbsent?.oneOf(...PROTOCOLS) ?? 'TCP').toLowerCase(),
        port: port.at('port').integer(1, PORT_MAX),
      })),
  };
}

/** A Service. */
export function readService(resource: Field): ServiceResource {
  const { namespace, name } = readMetadata(resource, true);
  const spec = resource.at('spec');
  const texts = (field: Field): string[] => field.items().map((item) => item.text());
  const single = spec.at('clusterIP').orAbsent?.text() ?? '';
  const several = texts(spec.at('clusterIPs'));
  return {
    is: 'service',
    kind: 'Service',
    namespace,
    name,
    type: spec.at('type').orAbsent?.text() ?? 'ClusterIP',
    clusterIps: several.length > 0 || single === '' ? several : [single],
    loadBalancerIp: spec.at('loadBalancerIP').orAbsent?.text() ?? '',
    externalIps: texts(spec.at('externalIPs')),
    ports: spec
      .at('ports')
      .items()
      .map((port) => ({
        protocol: port.at('protocol').orAbsent?.oneOf(...PROTOCOLS) ?? 'TCP',
        port: port.at('port').integer(1, PORT_MAX),
        nodePort: port.at('nodePort').orAbsent?.integer(0, PORT_MAX) ?? 0,
      })),
  };
}

/** A node of Kubernetes, whose Calico part is in annotations. */
export function readKubernetesNode(resource: Field): NodeResource {
  const { name, labels } = readMetadata(resource, false);
  const notes = resource.at('metadata').at('annotations');
  return {
    is: 'node',
    kind: 'Node',
    namespace: '',
    name,
    ipv4: addressText(notes.at('projectcalico.org/IPv4Address')),
    ipv6: addressText(notes.at('projectcalico.org/IPv6Address')),
    asNumber: notes.at('projectcalico.org/ASNumber').orAbsent?.text() ?? '',
    labels,
  };
}
