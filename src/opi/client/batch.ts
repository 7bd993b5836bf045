/** Operations of a batch as messages. */
import { encodeObject } from '../codec/codec.js';
import type { Draft } from '../codec/draft.js';
import { WireError } from '../codec/errors.js';
import { encodeMember } from '../codec/members.js';
import type { NameOf } from '../codec/names.js';
import type { k8s } from '../../gen/opi/types.js';
import { OpiError } from '../objects/errors.js';
import type { ExtensionKind, ObjectKey } from '../objects/key.js';
import type { BatchOperation } from '../objects/target.js';

type WireOperation = Draft<k8s.BatchOperation>;
type WireMember = Draft<k8s.AddressGroupMember>;

/** A batch on the wire. One operation may become two: a spec and a membership are written apart. */
export interface EncodedBatch {
  readonly operations: readonly WireOperation[];
  /** Index of the operation that each wire operation stands for. */
  readonly indexes: readonly number[];
}

/** Field that stands for each kind in the names of the batch's operations. */
const FIELDS: Readonly<Record<ExtensionKind, string>> = {
  addressGroup: 'address_group',
  networkPolicy: 'network_policy',
  policyBinding: 'policy_binding',
};

/**
 * Messages of a batch. Throws `OpiError` INVALID, naming the operation, for text that is no address or prefix.
 */
export function encodeBatch(operations: readonly BatchOperation[], nameOf: NameOf): EncodedBatch {
  const encoded: WireOperation[] = [];
  const indexes: number[] = [];
  operations.forEach((operation, index) => {
    for (const wire of encodeChecked(operation, index, nameOf)) {
      encoded.push(wire);
      indexes.push(index);
    }
  });
  return { operations: encoded, indexes };
}

function encodeChecked(
  operation: BatchOperation,
  index: number,
  nameOf: NameOf,
): readonly WireOperation[] {
  try {
    return encodeOperation(operation, nameOf);
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    throw new OpiError({
      code: 'INVALID',
      op: 'encode batch',
      message: thrown.message,
      cause: thrown,
      operation: index,
    });
  }
}

function encodeOperation(operation: BatchOperation, nameOf: NameOf): readonly WireOperation[] {
  switch (operation.op) {
    case 'create':
      return [encodeCreate(operation, nameOf)];
    case 'update':
      return encodeUpdate(operation, nameOf);
    case 'delete':
      return [encodeDelete(operation.key, nameOf)];
    case 'modifyMembers':
      return [
        {
          modify_address_group_members: {
            name: nameOf(operation.key),
            added_members: encodeMembers(operation.added),
            removed_members: encodeMembers(operation.removed),
          },
        },
      ];
    case 'replaceMembers':
      return [
        {
          replace_address_group_members: {
            name: nameOf(operation.key),
            upload_token: operation.uploadToken,
          },
        },
      ];
  }
}

type Write = Extract<BatchOperation, { readonly op: 'create' | 'update' }>;

function encodeCreate({ object, members }: Write, nameOf: NameOf): WireOperation {
  const field = FIELDS[object.key.kind];
  return {
    [`create_${field}`]: {
      [`${field}_id`]: object.key.id,
      [field]: encodeObject(object, '', nameOf),
      ...(members === undefined ? {} : { members: encodeMembers(members) }),
    },
  };
}

function encodeUpdate({ object, members }: Write, nameOf: NameOf): readonly WireOperation[] {
  const field = FIELDS[object.key.kind];
  const name = nameOf(object.key);
  const update = {
    [`update_${field}`]: {
      [field]: encodeObject(object, name, nameOf),
      update_mask: { paths: ['*'] },
    },
  };
  if (members === undefined) return [update];
  return [update, { replace_address_group_members: { name, members: encodeMembers(members) } }];
}

function encodeDelete(key: ObjectKey<ExtensionKind>, nameOf: NameOf): WireOperation {
  return { [`delete_${FIELDS[key.kind]}`]: { name: nameOf(key), allow_missing: true } };
}

/** Messages of member texts. */
export function encodeMembers(members: Iterable<string>): WireMember[] {
  return Array.from(members, (text) => encodeMember(text));
}

/** Bytes of a member on the wire, at most. */
export function memberBytes(text: string): number {
  const comma = text.indexOf(',');
  const colon = text.indexOf(':');
  const isV6 = colon >= 0 && (comma < 0 || colon < comma);
  return (isV6 ? 23 : 9) + (comma < 0 ? 0 : 7);
}
