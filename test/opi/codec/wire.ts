/** Messages as bytes, through the same package definition as client and server. */
import type { MessageTypeDefinition } from '@grpc/proto-loader';
import { opiPackage } from '../../../src/opi/codec/package.js';

const CLOUD = 'opi_api.network.cloud.v1alpha1';
const K8S = 'opi_api.network.k8s.v1alpha1';

/** Full message name of each kind. */
export const MESSAGES = {
  interface: `${CLOUD}.Interface`,
  vpc: `${CLOUD}.Vpc`,
  subnet: `${CLOUD}.Subnet`,
  routeTable: `${CLOUD}.RouteTable`,
  route: `${CLOUD}.Route`,
  vnic: `${CLOUD}.Vnic`,
  mapping: `${CLOUD}.Mapping`,
  nextHop: `${CLOUD}.NextHop`,
  tunnel: `${CLOUD}.Tunnel`,
  securityPolicy: `${CLOUD}.SecurityPolicy`,
  addressGroup: `${K8S}.AddressGroup`,
  networkPolicy: `${K8S}.NetworkPolicy`,
  policyBinding: `${K8S}.PolicyBinding`,
  member: `${K8S}.AddressGroupMember`,
  packet: `${K8S}.PacketTuple`,
  port: `${K8S}.PortRef`,
  capabilities: `${K8S}.K8sCapabilities`,
  deviceCapabilities: `${CLOUD}.DeviceCapabilities`,
} as const;

/** Bytes of a message. */
export function encode(name: keyof typeof MESSAGES, message: object): Buffer {
  return definition(name).serialize(message);
}

/** Message of bytes, as a peer would read it. The caller names its type. */
export function decode(name: keyof typeof MESSAGES, bytes: Uint8Array): never {
  return definition(name).deserialize(Buffer.from(bytes)) as never;
}

/** Bytes of hex text; white space is for reading only. */
export function hex(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join('').replaceAll(/\s/g, ''), 'hex');
}

function definition(name: keyof typeof MESSAGES): MessageTypeDefinition<object, object> {
  return opiPackage()[MESSAGES[name]] as MessageTypeDefinition<object, object>;
}
