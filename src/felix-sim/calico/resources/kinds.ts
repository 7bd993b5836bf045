/** Which kinds are understood, and which are known and say nothing that a driver hears of. */
import { readKubernetesPolicy, readStagedKubernetesPolicy } from '../kubernetes/policy.js';
import { readEndpointSlice, readKubernetesNode, readService } from '../kubernetes/services.js';
import { readNamespace, readPod, readServiceAccount } from '../kubernetes/workloads.js';
import type { Field } from '../yaml/field.js';
import { readFelixConfiguration, readNode, readPool } from './cluster.js';
import { readHostEndpoint, readWorkloadEndpoint } from './endpoints.js';
import { readGlobalPolicy, readNamespacedPolicy } from './policy.js';
import type { Resource, ResourceId } from './resource.js';
import { readGlobalNetworkSet, readNetworkSet, readProfile, readTier } from './sets.js';

/** How a kind is read. */
export interface KindReader {
  readonly namespaced: boolean;
  /** The resource; `undefined` for one that counts as absent. */
  readonly read: (resource: Field) => Resource | undefined;
  /** Identity of a resource of which name and namespace alone are known. */
  readonly id: (name: string, namespace: string) => ResourceId;
}

/** The reader of a resource, or `ignored`. Refuses kinds and API versions that are neither. */
export function kindReader(resource: Field): KindReader | 'ignored' {
  const apiVersion = resource.at('apiVersion').name();
  const kind = resource.at('kind').name();
  const group = ownMember(GROUPS, apiVersion);
  if (group === undefined) return resource.at('apiVersion').refuse('is no API that is understood');
  return (
    ownMember(group, kind) ??
    resource.at('kind').refuse(`is no kind of ${apiVersion} that is understood`)
  );
}

function ownMember<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function reader(
  is: Resource['is'],
  kind: string,
  namespaced: boolean,
  read: KindReader['read'],
): KindReader {
  return { namespaced, read, id: (name, namespace) => ({ is, kind, namespace, name }) };
}

function policy(kind: string): KindReader {
  return reader('policy', kind, true, (resource) => readNamespacedPolicy(resource, kind));
}

function globalPolicy(kind: string): KindReader {
  return reader('policy', kind, false, (resource) => readGlobalPolicy(resource, kind));
}

type Group = Readonly<Record<string, KindReader | 'ignored'>>;

const CALICO: Group = {
  NetworkPolicy: policy('NetworkPolicy'),
  StagedNetworkPolicy: policy('StagedNetworkPolicy'),
  GlobalNetworkPolicy: globalPolicy('GlobalNetworkPolicy'),
  StagedGlobalNetworkPolicy: globalPolicy('StagedGlobalNetworkPolicy'),
  StagedKubernetesNetworkPolicy: reader(
    'policy',
    'StagedKubernetesNetworkPolicy',
    true,
    readStagedKubernetesPolicy,
  ),
  Tier: reader('tier', 'Tier', false, readTier),
  Profile: reader('profile', 'Profile', false, readProfile),
  NetworkSet: reader('network-set', 'NetworkSet', true, readNetworkSet),
  GlobalNetworkSet: reader('network-set', 'GlobalNetworkSet', false, readGlobalNetworkSet),
  WorkloadEndpoint: reader('workload', 'WorkloadEndpoint', true, readWorkloadEndpoint),
  HostEndpoint: reader('host-endpoint', 'HostEndpoint', false, readHostEndpoint),
  Node: reader('node', 'Node', false, readNode),
  IPPool: reader('pool', 'IPPool', false, readPool),
  FelixConfiguration: reader(
    'felix-configuration',
    'FelixConfiguration',
    false,
    readFelixConfiguration,
  ),
  BGPConfiguration: 'ignored',
  BGPPeer: 'ignored',
  BGPFilter: 'ignored',
  BlockAffinity: 'ignored',
  CalicoNodeStatus: 'ignored',
  ClusterInformation: 'ignored',
  IPAMConfiguration: 'ignored',
  IPReservation: 'ignored',
  KubeControllersConfiguration: 'ignored',
};

const CORE: Group = {
  Pod: reader('workload', 'Pod', true, readPod),
  Namespace: {
    namespaced: false,
    read: readNamespace,
    id: (name) => ({ is: 'profile', kind: 'Profile', namespace: '', name: `kns.${name}` }),
  },
  ServiceAccount: {
    namespaced: true,
    read: readServiceAccount,
    id: (name, namespace) => ({
      is: 'profile',
      kind: 'Profile',
      namespace: '',
      name: `ksa.${namespace}.${name}`,
    }),
  },
  Service: reader('service', 'Service', true, readService),
  Node: reader('node', 'Node', false, readKubernetesNode),
  ConfigMap: 'ignored',
  Endpoints: 'ignored',
  Secret: 'ignored',
};

const GROUPS: Readonly<Record<string, Group>> = {
  'projectcalico.org/v3': CALICO,
  'crd.projectcalico.org/v1': CALICO,
  v1: CORE,
  'networking.k8s.io/v1': {
    NetworkPolicy: reader('policy', 'KubernetesNetworkPolicy', true, readKubernetesPolicy),
  },
  'discovery.k8s.io/v1': {
    EndpointSlice: reader('endpoint-slice', 'EndpointSlice', true, readEndpointSlice),
  },
};
