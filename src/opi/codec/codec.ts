/** One door to the codecs of all kinds: specs to messages and back. */
import type { cloud, k8s } from '../../gen/opi/types.js';
import type { ObjectKind } from '../objects/key.js';
import type { AnyObject, OpiObject, SpecByKind } from '../objects/specs.js';
import { decodeAddressGroup, encodeAddressGroup } from './address-group.js';
import { isSet, type Maybe } from './address.js';
import type { Draft } from './draft.js';
import { malformed } from './errors.js';
import { decodeInterface, encodeInterface } from './interface.js';
import { refKey, type NameOf } from './names.js';
import { decodeNetworkPolicy, encodeNetworkPolicy } from './network-policy.js';
import { decodePolicyBinding, encodePolicyBinding } from './policy-binding.js';
import {
  decodeNextHop,
  decodeRoute,
  decodeRouteTable,
  decodeTunnel,
  encodeNextHop,
  encodeRoute,
  encodeRouteTable,
  encodeTunnel,
} from './route.js';
import { decodeSecurityPolicy, encodeSecurityPolicy } from './security-policy.js';
import { decodeMapping, decodeVnic, encodeMapping, encodeVnic } from './vnic.js';
import { decodeSubnet, decodeVpc, encodeSubnet, encodeVpc } from './vpc.js';

/** Message of each kind. */
export interface MessageByKind {
  interface: cloud.Interface;
  vpc: cloud.Vpc;
  subnet: cloud.Subnet;
  routeTable: cloud.RouteTable;
  route: cloud.Route;
  vnic: cloud.Vnic;
  mapping: cloud.Mapping;
  nextHop: cloud.NextHop;
  tunnel: cloud.Tunnel;
  securityPolicy: cloud.SecurityPolicy;
  addressGroup: k8s.AddressGroup;
  networkPolicy: k8s.NetworkPolicy;
  policyBinding: k8s.PolicyBinding;
}

type SpecMessage<K extends ObjectKind> = NonNullable<MessageByKind[K]['spec']>;

interface Codec<K extends ObjectKind> {
  readonly encode: (spec: SpecByKind[K], nameOf: NameOf) => Draft<SpecMessage<K>>;
  readonly decode: (message: SpecMessage<K>) => SpecByKind[K];
}

const CODECS: { readonly [K in ObjectKind]: Codec<K> } = {
  interface: { encode: encodeInterface, decode: decodeInterface },
  vpc: { encode: encodeVpc, decode: decodeVpc },
  subnet: { encode: encodeSubnet, decode: decodeSubnet },
  routeTable: { encode: encodeRouteTable, decode: decodeRouteTable },
  route: { encode: encodeRoute, decode: decodeRoute },
  vnic: { encode: encodeVnic, decode: decodeVnic },
  mapping: { encode: encodeMapping, decode: decodeMapping },
  nextHop: { encode: encodeNextHop, decode: decodeNextHop },
  tunnel: { encode: encodeTunnel, decode: decodeTunnel },
  securityPolicy: { encode: encodeSecurityPolicy, decode: decodeSecurityPolicy },
  addressGroup: { encode: encodeAddressGroup, decode: decodeAddressGroup },
  networkPolicy: { encode: encodeNetworkPolicy, decode: decodeNetworkPolicy },
  policyBinding: { encode: encodePolicyBinding, decode: decodePolicyBinding },
};

/**
 * Message of an object, with the given resource name. References are written as `nameOf` gives them. Throws
 * `WireError` (`MALFORMED`) if the spec holds text that is no address or prefix, or a rule that its format rules out.
 */
export function encodeObject<K extends ObjectKind>(
  object: OpiObject<K>,
  name: string,
  nameOf: NameOf,
): Draft<MessageByKind[K]> {
  const codec: Codec<K> = CODECS[object.key.kind];
  return { name, spec: codec.encode(object.spec, nameOf) } as Draft<MessageByKind[K]>;
}

/**
 * Object of a message. The key's id, and those of all references, are the last segments of their names. Throws
 * `WireError`: `MALFORMED`, or `UNEXPRESSED` where the message means something that a spec cannot say.
 */
export function decodeObject<K extends ObjectKind>(
  kind: K,
  message: MessageByKind[K],
): OpiObject<K> {
  return { key: refKey(kind, message.name, 'name'), spec: decodeSpec(kind, message.spec) };
}

/** Spec of a message's spec. Throws as `decodeObject`. */
export function decodeSpec<K extends ObjectKind>(
  kind: K,
  spec: Maybe<SpecMessage<K>>,
): SpecByKind[K] {
  if (!isSet(spec)) throw malformed('spec', 'missing');
  const codec: Codec<K> = CODECS[kind];
  return codec.decode(spec);
}

/**
 * A spec that equals none of ours: what a client shows for an object of its own that it cannot read, so that it is
 * found different and written again.
 */
export function unreadableObject<K extends ObjectKind>(kind: K, id: string): OpiObject<K> {
  const object = { key: { kind, id }, spec: BLANK_SPECS[kind] };
  return object as OpiObject as OpiObject<K>;
}

const NO_KEY = { id: '' };

const BLANK_SPECS: { readonly [K in ObjectKind]: Extract<AnyObject, OpiObject<K>>['spec'] } = {
  interface: { ifname: '', vf: false, adminUp: false },
  vpc: { vni: 0 },
  subnet: { vpc: { kind: 'vpc', ...NO_KEY } },
  routeTable: { family: 4, unreadable: true } as SpecByKind['routeTable'],
  route: { table: { kind: 'routeTable', ...NO_KEY }, prefix: '', via: { evalMapping: true } },
  vnic: {
    subnet: { kind: 'subnet', ...NO_KEY },
    hostInterface: { kind: 'interface', ...NO_KEY },
    sourceGuard: false,
    ingressV4: [],
    ingressV6: [],
    egressV4: [],
    egressV6: [],
  },
  mapping: {
    vpc: { kind: 'vpc', ...NO_KEY },
    ip: '',
    subnet: { kind: 'subnet', ...NO_KEY },
    destination: { kind: 'vnic', ...NO_KEY },
  },
  nextHop: { ip: '' },
  tunnel: { vpc: { kind: 'vpc', ...NO_KEY }, localIp: '', remoteIp: '', vni: 0 },
  securityPolicy: {
    family: 4,
    defaultAction: 'DENY',
    format: 'FLATTENED',
    rules: [],
    unreadable: true,
  } as SpecByKind['securityPolicy'],
  addressGroup: { memberType: 'PREFIX', unreadable: true } as SpecByKind['addressGroup'],
  networkPolicy: {
    ingressRules: [],
    egressRules: [],
    unreadable: true,
  } as NetworkPolicyBlank,
  policyBinding: {
    port: { vnic: { kind: 'vnic', ...NO_KEY } },
    stages: [],
    failsafes: [],
    allowedSources: [],
    toHostAction: 'DROP',
    fromHostBypass: false,
    invalidAction: 'DROP',
    establishedPolicy: 'KEEP',
    disabled: true,
    deniedEncapsulation: { ipip: true },
  },
};

type NetworkPolicyBlank = SpecByKind['networkPolicy'] & { readonly unreadable: true };
