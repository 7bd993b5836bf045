/** Stored objects as messages, with what the server tells of their state, and messages as objects. */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { cloud, k8s } from '../../gen/opi/types.js';
import { decodeSpec, encodeObject, type MessageByKind } from '../../opi/codec/codec.js';
import { malformed } from '../../opi/codec/errors.js';
import { opiPackage } from '../../opi/codec/package.js';
import type { ObjectKey, ObjectKind } from '../../opi/objects/key.js';
import type { AnyObject, NetworkPolicySpec, SpecByKind } from '../../opi/objects/specs.js';
import type { StoredObject } from '../store/tables.js';
import type { ServerContext } from './context.js';
import { updatedSpec, type Fields } from './masks.js';

/** A message of a resource before its kind is known. */
export interface ResourceMessage {
  readonly name: string;
  readonly spec?: Fields | null;
}

/** Message of a stored object with its status. `up` false: not yet in force, or going. */
export function resourceOf(stored: StoredObject, context: ServerContext, up = true): object {
  const { object } = stored;
  const message = encodeObject(object, context.nameOf(object.key), context.nameOf);
  const found = statusOf(object, context, up);
  return found === undefined ? message : { ...message, status: found };
}

/** Object of a message, under an id. Throws WireError for a message without a readable spec. */
export function objectOf<K extends ObjectKind>(key: ObjectKey<K>, message: unknown): AnyObject {
  const { spec } = requireMessage(message);
  return { key, spec: decodeSpec(key.kind, spec as MessageByKind[K]['spec']) } as AnyObject;
}

/** Object of an update: the stored one with the fields of the message that the mask names. */
export function mergedObject<K extends ObjectKind>(
  stored: StoredObject,
  message: unknown,
  paths: readonly string[] | undefined,
  codec: ResourceCodec,
  context: ServerContext,
  mergeWithoutMask: boolean,
): AnyObject {
  const key = stored.object.key as ObjectKey<K>;
  const whole = paths?.includes('*') ?? !mergeWithoutMask;
  if (whole && (paths === undefined || paths.length <= 1)) return objectOf(key, message);
  const spec = updatedSpec({
    stored: codec.canonical(resourceOf(stored, context)).spec ?? {},
    given: requireMessage(message).spec ?? {},
    paths,
    fieldNames: codec.specFields,
    mergeWithoutMask,
  });
  return objectOf(key, codec.canonical({ name: '', spec }));
}

/** Reads and writes the messages of one resource as they travel. */
export class ResourceCodec {
  /** Names of the fields of the spec. */
  readonly specFields: readonly string[];
  private readonly method: MethodDefinition<object, object>;

  /** `service` and `get` name the method whose answer is the resource. */
  constructor(service: string, get: string, resource: string) {
    const definition = opiPackage()[service] as ServiceDefinition;
    this.method = definition[get] as MethodDefinition<object, object>;
    const packageName = service.slice(0, service.lastIndexOf('.'));
    const { type } = opiPackage()[`${packageName}.${resource}Spec`] as {
      readonly type: { readonly field?: readonly { readonly name: string }[] };
    };
    this.specFields = (type.field ?? []).map(({ name }) => name);
  }

  /** The message as a peer would read it. */
  canonical(message: object): ResourceMessage {
    const bytes = this.method.responseSerialize(message);
    return this.method.responseDeserialize(bytes) as ResourceMessage;
  }
}

function requireMessage(message: unknown): ResourceMessage {
  if (typeof message === 'object' && message !== null) return message as ResourceMessage;
  throw malformed('resource', 'missing');
}

function statusOf(object: AnyObject, context: ServerContext, up: boolean): object | undefined {
  const { key, spec } = object;
  const referrers = (): number => context.store.referrersOf(key).length;
  switch (key.kind) {
    case 'interface': {
      const inService = up && (spec as SpecByKind['interface']).adminUp;
      return {
        oper_status: inService ? 'IF_STATUS_UP' : 'IF_STATUS_DOWN',
      } satisfies Partial<cloud.InterfaceStatus>;
    }
    case 'securityPolicy': {
      const { rules } = spec as SpecByKind['securityPolicy'];
      return { rule_count: rules.length, vnic_count: referrers() };
    }
    case 'addressGroup': {
      const group = context.store.group(key.id);
      return {
        oper_status: UP,
        member_count: String(group?.members.size ?? 0),
        generation: String(group?.generation ?? 0),
        policy_reference_count: referrers(),
      } satisfies k8s.AddressGroupStatus;
    }
    case 'networkPolicy': {
      const { ingressRules, egressRules } = spec as NetworkPolicySpec;
      return {
        oper_status: UP,
        rule_count: ingressRules.length + egressRules.length,
        binding_reference_count: referrers(),
      } satisfies k8s.NetworkPolicyStatus;
    }
    case 'policyBinding':
      return { oper_status: UP } satisfies k8s.PolicyBindingStatus;
    default:
      return undefined;
  }
}

const UP: k8s.ResourceOperStatus = 'RESOURCE_OPER_STATUS_UP';
