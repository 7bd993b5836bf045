/** The standard methods of AddressGroup, NetworkPolicy and PolicyBinding, as opi-proto/network/k8s defines them. */
import { status } from '@grpc/grpc-js';
import type { ExtensionKind } from '../../opi/objects/key.js';
import type { StoreOperation } from '../store/object-store.js';
import { refused } from '../store/group-changes.js';
import type { StoredObject } from '../store/tables.js';
import type { ServerContext } from './context.js';
import type { Handlers } from './dispatcher.js';
import { keyOfName } from './naming.js';
import {
  EXTENSION_WORDS,
  type CreateRequest,
  type DeleteRequest,
  type Operations,
  type UpdateRequest,
} from './operations.js';
import { pageById, type PageRequest } from './paging.js';
import { StatusError } from './status.js';
import { resourceOf } from './wire.js';

/** Standard methods of one kind. */
export function extensionHandlers(
  kind: ExtensionKind,
  context: ServerContext,
  operations: Operations,
): Handlers {
  const words = EXTENSION_WORDS[kind];
  const write = (operation: StoreOperation): object =>
    messageOf(context.store.apply(operation).stored, context);
  return {
    [`Create${words.resource}`]: (request: CreateRequest) =>
      write(operations.create(words, request)),
    [`Update${words.resource}`]: (request: UpdateRequest) =>
      write(operations.update(words, request)),
    [`Delete${words.resource}`]: (request: DeleteRequest) => {
      context.store.apply(operations.delete(words, request));
      return {};
    },
    [`Get${words.resource}`]: ({ name }: { readonly name: string }) =>
      resourceOf(requireStored(kind, name, context), context),
    [`List${words.plural}`]: (request: PageRequest) => {
      const { items, nextToken } = pageById(
        context.store.list(kind),
        ({ object }) => object.key.id,
        request,
        weightOf,
      );
      return {
        [words.listField]: items.map((stored) => resourceOf(stored, context)),
        next_page_token: nextToken,
      };
    },
  };
}

/** The object of a name. Throws NOT_FOUND. */
export function requireStored(
  kind: ExtensionKind,
  name: string,
  context: ServerContext,
): StoredObject {
  const key = keyOfName(kind, name);
  const stored = context.store.get(key);
  if (stored !== undefined) return stored;
  throw refused('NOT_FOUND', key, 'does not exist', 'NOT_FOUND');
}

function messageOf(stored: StoredObject | undefined, context: ServerContext): object {
  if (stored === undefined) throw new StatusError(status.INTERNAL, 'nothing was stored');
  return resourceOf(stored, context);
}

/** Policies weigh as much as their rules. */
function weightOf({ object }: StoredObject): number {
  const { spec } = object;
  return 'ingressRules' in spec ? 1 + spec.ingressRules.length + spec.egressRules.length : 1;
}
