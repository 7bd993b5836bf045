/** Pods, and the namespaces and service accounts whose labels they inherit (felix-protocol: objects). */
import { createHash } from 'node:crypto';
import { formatCidr, parseCidr } from '../../../base/ip.js';
import { placeLabels, workloadLabels } from '../resources/endpoints.js';
import { readMetadata, type Metadata } from '../resources/metadata.js';
import type {
  Labels,
  NamedPort,
  ProfileResource,
  WorkloadResource,
} from '../resources/resource.js';
import { NAMESPACE_PROFILE_PREFIX, SERVICE_ACCOUNT_PROFILE_PREFIX } from '../resources/sets.js';
import { NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from '../selector/scope.js';
import type { Field } from '../yaml/field.js';
import { podAddresses } from './pod-addresses.js';

const NAME_LABEL = 'projectcalico.org/name';
/** The API server puts it on every namespace. */
const METADATA_NAME_LABEL = 'kubernetes.io/metadata.name';
const INTERFACE_PREFIX = 'cali';
const INTERFACE_HASH_LENGTH = 11;
const MULTUS_ANNOTATION = 'k8s.v1.cni.cncf.io/network-status';
const FLOATING_ANNOTATION = 'cni.projectcalico.org/floatingIPs';
const SPOOF_ANNOTATION = 'cni.projectcalico.org/allowedSourcePrefixes';

/** A pod; `undefined` for one that has no endpoint: on the host's network, not scheduled, finished, or without address. */
export function readPod(resource: Field): WorkloadResource | undefined {
  const metadata = readMetadata(resource, true);
  const { namespace, name, annotations } = metadata;
  const spec = resource.at('spec');
  const node = spec.at('nodeName').orAbsent?.text() ?? '';
  if (node === '' || spec.at('hostNetwork').value === true) return undefined;
  const nets = podAddresses(resource, annotations);
  if (nets.length === 0) return undefined;
  const account = spec.at('serviceAccountName').orAbsent?.text() ?? '';
  const note = resource.at('metadata').at('annotations');
  return {
    is: 'workload',
    kind: 'Pod',
    namespace,
    name,
    labels: podLabels(metadata, account),
    profiles: [
      `${NAMESPACE_PROFILE_PREFIX}${namespace}`,
      ...(account === '' ? [] : [accountProfile(namespace, account)]),
    ],
    nets,
    ports: ['containers', 'initContainers'].flatMap((containers) =>
      spec.at(containers).items().flatMap(containerPorts),
    ),
    node,
    orchestrator: 'k8s',
    workload: `${namespace}/${name}`,
    endpoint: 'eth0',
    interfaceName: podInterface(namespace, name),
    mac: '',
    nats: floatingIps(note.at(FLOATING_ANNOTATION), nets.map(formatCidr)),
    spoofedPrefixes: spoofedPrefixes(note.at(SPOOF_ANNOTATION)),
    annotations: pick(annotations, MULTUS_ANNOTATION),
    qos: undefined,
  };
}

/** A namespace: a profile that allows, and whose labels everything in it inherits. */
export function readNamespace(resource: Field): ProfileResource {
  const { name, labels } = readMetadata(resource, false);
  const allow = [{ action: 'allow' }];
  return {
    is: 'profile',
    kind: 'Profile',
    namespace: '',
    name: `${NAMESPACE_PROFILE_PREFIX}${name}`,
    labelsToApply: prefixed(NAMESPACE_PREFIX, {
      [METADATA_NAME_LABEL]: name,
      ...labels,
      [NAME_LABEL]: name,
    }),
    rules: { inbound: allow, outbound: allow, sets: [] },
  };
}

/** A service account: a profile with labels and no rules. */
export function readServiceAccount(resource: Field): ProfileResource {
  const { namespace, name, labels } = readMetadata(resource, true);
  return {
    is: 'profile',
    kind: 'Profile',
    namespace: '',
    name: accountProfile(namespace, name),
    labelsToApply: prefixed(SERVICE_ACCOUNT_PREFIX, { ...labels, [NAME_LABEL]: name }),
    rules: { inbound: [], outbound: [], sets: [] },
  };
}

/** Host side interface of a pod, as Calico's CNI plugin names it. */
export function podInterface(namespace: string, name: string): string {
  const digest = createHash('sha1').update(`${namespace}.${name}`).digest('hex');
  return `${INTERFACE_PREFIX}${digest.slice(0, INTERFACE_HASH_LENGTH)}`;
}

function accountProfile(namespace: string, name: string): string {
  return `${SERVICE_ACCOUNT_PROFILE_PREFIX}${namespace}.${name}`;
}

function podLabels({ namespace, labels }: Metadata, account: string): Labels {
  return workloadLabels({ ...labels, ...placeLabels(namespace, 'k8s') }, account);
}

function containerPorts(container: Field): NamedPort[] {
  return container
    .at('ports')
    .items()
    .flatMap((port): NamedPort[] => {
      const name = port.at('name').orAbsent?.text() ?? '';
      if (name === '') return [];
      const protocol = port.at('protocol').orAbsent?.oneOf('TCP', 'UDP', 'SCTP') ?? 'TCP';
      const number = port.at('containerPort').integer(1, 65535);
      return [{ name, protocol: protocol.toLowerCase(), port: number }];
    });
}

/** Each floating address goes to the pod's own of the same family; one of a family the pod lacks goes nowhere. */
function floatingIps(field: Field, nets: readonly string[]): WorkloadResource['nats'] {
  return jsonTexts(field).flatMap((external) => {
    const isV6 = external.includes(':');
    const own = nets.findLast((net) => net.includes(':') === isV6);
    return own === undefined ? [] : [{ external, internal: own.replace(/\/.*/, '') }];
  });
}

function spoofedPrefixes(field: Field): string[] {
  return jsonTexts(field).map((text) => {
    const cidr = text.includes('/') ? parseCidr(text) : undefined;
    return cidr === undefined ? field.refuse(`${text} is no CIDR`) : formatCidr(cidr);
  });
}

function jsonTexts(field: Field): string[] {
  if (!field.given || field.value === '') return [];
  try {
    const list: unknown = JSON.parse(field.text());
    if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
  } catch {
    // What is no JSON is refused like what is no list of texts.
  }
  return field.refuse('is no JSON list of texts');
}

function pick(labels: Labels, name: string): Labels {
  const value = labels[name];
  return value === undefined ? {} : { [name]: value };
}

function prefixed(prefix: string, labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([label, value]) => [`${prefix}${label}`, value]),
  );
}
