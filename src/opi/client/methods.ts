/** The methods this client calls, with the types of their messages. */
import type { cloud, k8s, protobuf } from '../../gen/opi/types.js';
import type { MessageByKind } from '../codec/codec.js';
import type { CloudKind, ExtensionKind } from '../objects/key.js';

/** One method. `Req` and `Res` are the messages as they are read; requests are written as drafts of them. */
export interface Method<Req, Res> {
  /** Full name of the service. */
  readonly service: string;
  readonly name: string;
  /** Never set: carries the types. */
  readonly types?: (request: Req) => Res;
}

const CLOUD = 'opi_api.network.cloud.v1alpha1.CloudInfraService';
const K8S = 'opi_api.network.k8s.v1alpha1';

/** DeviceCapabilities of network/cloud. */
export const GET_DEVICE_CAPABILITIES: Method<
  cloud.GetDeviceCapabilitiesRequest,
  cloud.DeviceCapabilities
> = { service: CLOUD, name: 'GetDeviceCapabilities' };

/** K8sCapabilities of the extension. */
export const GET_K8S_CAPABILITIES: Method<k8s.GetK8sCapabilitiesRequest, k8s.K8sCapabilities> = {
  service: `${K8S}.DatapathService`,
  name: 'GetK8sCapabilities',
};

/** Atomic batch of the extension. */
export const APPLY_BATCH: Method<k8s.ApplyBatchRequest, k8s.ApplyBatchResponse> = {
  service: `${K8S}.DatapathService`,
  name: 'ApplyBatch',
};

/** Membership of a group, in pages. */
export const FETCH_MEMBERS: Method<
  k8s.FetchAddressGroupMembersRequest,
  k8s.FetchAddressGroupMembersResponse
> = { service: `${K8S}.AddressGroupService`, name: 'FetchAddressGroupMembers' };

/** One piece of a staged membership. */
export const UPLOAD_MEMBERS: Method<
  k8s.UploadAddressGroupMembersRequest,
  k8s.UploadAddressGroupMembersResponse
> = { service: `${K8S}.AddressGroupService`, name: 'UploadAddressGroupMembers' };

/** Request of any list method. */
export interface ListRequest {
  readonly parent?: string;
  readonly page_size: number;
  readonly page_token: string;
}

/** Answer of any list method: objects under the kind's list field, and the next token. */
export type ListResponse = Readonly<Record<string, unknown>> & { readonly next_page_token: string };

/** The five methods of a kind of network/cloud. */
export interface CloudMethods<K extends CloudKind> {
  /** Name of the object's field in requests and lists; the id's is this and `_id`. */
  readonly field: string;
  readonly create: Method<Readonly<Record<string, unknown>>, MessageByKind[K]>;
  readonly update: Method<Readonly<Record<string, unknown>>, MessageByKind[K]>;
  readonly get: Method<{ readonly name: string }, MessageByKind[K]>;
  readonly delete: Method<
    { readonly name: string; readonly allow_missing: boolean },
    protobuf.Empty
  >;
  readonly list: Method<ListRequest, ListResponse>;
}

/** Methods of each kind of network/cloud, with the irregular names the protos have. */
export const CLOUD_METHODS: { readonly [K in CloudKind]: CloudMethods<K> } = {
  interface: methods('Interface', 'interface'),
  vpc: methods('Vpc', 'vpc'),
  subnet: methods('Subnet', 'subnet'),
  routeTable: methods('RouteTable', 'routetable'),
  route: methods('Route', 'route'),
  vnic: methods('Vnic', 'vnic'),
  mapping: methods('Mapping', 'mapping'),
  nextHop: methods('NextHop', 'nexthop', 'ListNextHop'),
  tunnel: methods('Tunnel', 'tunnel'),
  securityPolicy: methods('SecurityPolicy', 'securitypolicy'),
};

function methods<K extends CloudKind>(
  resource: string,
  field: string,
  list = `List${resource}s`,
): CloudMethods<K> {
  return {
    field,
    create: { service: CLOUD, name: `Create${resource}` },
    update: { service: CLOUD, name: `Update${resource}` },
    get: { service: CLOUD, name: `Get${resource}` },
    delete: { service: CLOUD, name: `Delete${resource}` },
    list: { service: CLOUD, name: list },
  };
}

/** List method of each kind of the extension, and the field that holds the objects. */
export const EXTENSION_LISTS: {
  readonly [K in ExtensionKind]: {
    readonly field: string;
    readonly list: Method<ListRequest, ListResponse>;
  };
} = {
  addressGroup: extensionList('AddressGroupService', 'ListAddressGroups', 'address_groups'),
  networkPolicy: extensionList('NetworkPolicyService', 'ListNetworkPolicies', 'network_policies'),
  policyBinding: extensionList('PolicyBindingService', 'ListPolicyBindings', 'policy_bindings'),
};

function extensionList(
  service: string,
  name: string,
  field: string,
): { field: string; list: Method<ListRequest, ListResponse> } {
  return { field, list: { service: `${K8S}.${service}`, name } };
}
