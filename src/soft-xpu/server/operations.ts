/** Requests of the extension's resources as operations of the store: the same for a single call and inside a batch. */
import type { k8s } from '../../gen/opi/types.js';
import { decodeMember } from '../../opi/codec/members.js';
import type { ExtensionKind } from '../../opi/objects/key.js';
import type { GivenMembers } from '../store/group-changes.js';
import type { StoreOperation } from '../store/object-store.js';
import type { ServerContext } from './context.js';
import { idForCreate, keyOfName } from './naming.js';
import { mergedObject, objectOf, ResourceCodec, type ResourceMessage } from './wire.js';

/** Package of the extension. */
export const K8S_PACKAGE = 'opi_api.network.k8s.v1alpha1';

/** How each kind is called in services and messages. */
export interface ExtensionWords {
  readonly kind: ExtensionKind;
  readonly service: string;
  readonly resource: string;
  readonly field: string;
  /** Plural in the name of the list method. */
  readonly plural: string;
  readonly listField: string;
}

/** The three kinds. */
export const EXTENSION_WORDS: Readonly<Record<ExtensionKind, ExtensionWords>> = {
  addressGroup: {
    kind: 'addressGroup',
    service: `${K8S_PACKAGE}.AddressGroupService`,
    resource: 'AddressGroup',
    field: 'address_group',
    plural: 'AddressGroups',
    listField: 'address_groups',
  },
  networkPolicy: {
    kind: 'networkPolicy',
    service: `${K8S_PACKAGE}.NetworkPolicyService`,
    resource: 'NetworkPolicy',
    field: 'network_policy',
    plural: 'NetworkPolicies',
    listField: 'network_policies',
  },
  policyBinding: {
    kind: 'policyBinding',
    service: `${K8S_PACKAGE}.PolicyBindingService`,
    resource: 'PolicyBinding',
    field: 'policy_binding',
    plural: 'PolicyBindings',
    listField: 'policy_bindings',
  },
};

/** A request of any of the create methods. */
export type CreateRequest = Readonly<Record<string, unknown>>;
/** A request of any of the update methods. */
export type UpdateRequest = Readonly<Record<string, unknown>> & {
  readonly update_mask?: { readonly paths: readonly string[] } | null;
  readonly allow_missing: boolean;
};
/** A request of any of the delete methods. */
export interface DeleteRequest {
  readonly name: string;
  readonly allow_missing: boolean;
}

/** Turns requests into operations. Every method throws WireError or StoreError for what cannot be read. */
export class Operations {
  private readonly context: ServerContext;
  private readonly codecs = new Map<ExtensionKind, ResourceCodec>();

  constructor(context: ServerContext) {
    this.context = context;
  }

  create(words: ExtensionWords, request: CreateRequest): StoreOperation {
    const { kind, field } = words;
    const wanted = request[`${field}_id`];
    const id = idForCreate(kind, typeof wanted === 'string' ? wanted : '', this.context.newToken);
    const object = objectOf({ kind, id }, request[field]);
    if (kind !== 'addressGroup') return { op: 'create', object };
    const group = request as unknown as k8s.CreateAddressGroupRequest;
    return { op: 'create', object, members: given(group.members, group.upload_token, 'members') };
  }

  update(words: ExtensionWords, request: UpdateRequest): StoreOperation {
    const message = request[words.field] as ResourceMessage | null | undefined;
    const key = keyOfName(words.kind, message?.name ?? '');
    const stored = this.context.store.get(key);
    const paths = request.update_mask?.paths;
    const object =
      stored === undefined
        ? objectOf(key, message)
        : mergedObject(stored, message, paths, this.codec(words), this.context, false);
    return { op: 'update', object, allowMissing: request.allow_missing };
  }

  delete({ kind }: ExtensionWords, request: DeleteRequest): StoreOperation {
    const key = keyOfName(kind, request.name);
    return { op: 'delete', key, allowMissing: request.allow_missing };
  }

  modifyMembers(request: k8s.ModifyAddressGroupMembersRequest): StoreOperation {
    return {
      op: 'modifyMembers',
      key: keyOfName('addressGroup', request.name),
      added: given(request.added_members, request.added_upload_token, 'added_members'),
      removed: given(request.removed_members, request.removed_upload_token, 'removed_members'),
      ...generation(request.expected_generation),
    };
  }

  replaceMembers(request: k8s.ReplaceAddressGroupMembersRequest): StoreOperation {
    return {
      op: 'replaceMembers',
      key: keyOfName('addressGroup', request.name),
      members: given(request.members, request.upload_token, 'members'),
      ...generation(request.expected_generation),
    };
  }

  private codec({ kind, service, resource }: ExtensionWords): ResourceCodec {
    let codec = this.codecs.get(kind);
    if (codec === undefined) {
      codec = new ResourceCodec(service, `Get${resource}`, resource);
      this.codecs.set(kind, codec);
    }
    return codec;
  }
}

function given(
  members: readonly k8s.AddressGroupMember[],
  uploadToken: string,
  field: string,
): GivenMembers {
  const texts = members.map((member, index) => decodeMember(member, `${field}[${index}]`));
  return uploadToken === '' ? { members: texts } : { members: texts, uploadToken };
}

/** 0 is any generation. */
function generation(expected: string): { expectedGeneration?: number } {
  return expected === '0' ? {} : { expectedGeneration: Number(expected) };
}
