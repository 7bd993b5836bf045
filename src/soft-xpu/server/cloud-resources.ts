/** The five methods of each resource of network/cloud, in both modes (opi.md sections 1.1 and 3.1). */
import { status } from '@grpc/grpc-js';
import type { CloudKind } from '../../opi/objects/key.js';
import { refused } from '../store/group-changes.js';
import type { StoredObject } from '../store/tables.js';
import type { ServerContext } from './context.js';
import type { Handlers } from './dispatcher.js';
import type { Lifecycle } from './lifecycle.js';
import type { ResourceMessage } from './wire.js';
import { mergedObject, objectOf, ResourceCodec, resourceOf } from './wire.js';
import { idForCreate, keyOfName } from './naming.js';
import type { PageRequest, Pager } from './paging.js';
import { StatusError } from './status.js';

/** Full name of the service. */
export const CLOUD_SERVICE = 'opi_api.network.cloud.v1alpha1.CloudInfraService';

/** How a resource is called in messages and methods; the protos are irregular. */
interface ResourceWords {
  readonly kind: CloudKind;
  readonly resource: string;
  readonly field: string;
  readonly list: string;
}

const WORDS: readonly ResourceWords[] = [
  words('interface', 'Interface', 'interface'),
  words('vpc', 'Vpc', 'vpc'),
  words('subnet', 'Subnet', 'subnet'),
  words('routeTable', 'RouteTable', 'routetable'),
  words('route', 'Route', 'route'),
  words('vnic', 'Vnic', 'vnic'),
  words('mapping', 'Mapping', 'mapping'),
  words('nextHop', 'NextHop', 'nexthop', 'ListNextHop'),
  words('tunnel', 'Tunnel', 'tunnel'),
  words('securityPolicy', 'SecurityPolicy', 'securitypolicy'),
];

type CreateRequest = Readonly<Record<string, unknown>>;
type UpdateRequest = Readonly<Record<string, unknown>> & {
  readonly name: string;
  readonly update_mask?: { readonly paths: readonly string[] } | null;
};
interface DeleteRequest {
  readonly name: string;
  readonly allow_missing: boolean;
}

/** Handlers of all resources that are kept in the store. */
export function cloudHandlers(
  context: ServerContext,
  lifecycle: Lifecycle,
  pager: Pager,
): Handlers {
  const handlers = WORDS.map((word) =>
    new CloudResource(word, context, lifecycle, pager).handlers(),
  );
  return Object.assign({}, ...handlers) as Handlers;
}

function words(
  kind: CloudKind,
  resource: string,
  field: string,
  list = `List${resource}s`,
): ResourceWords {
  return { kind, resource, field, list };
}

class CloudResource {
  private readonly words: ResourceWords;
  private readonly context: ServerContext;
  private readonly lifecycle: Lifecycle;
  private readonly pager: Pager;
  private readonly codec: ResourceCodec;
  private readonly isReference: boolean;

  constructor(word: ResourceWords, context: ServerContext, lifecycle: Lifecycle, pager: Pager) {
    this.words = word;
    this.context = context;
    this.lifecycle = lifecycle;
    this.pager = pager;
    this.codec = new ResourceCodec(CLOUD_SERVICE, `Get${word.resource}`, word.resource);
    this.isReference = context.mode === 'reference';
  }

  handlers(): Handlers {
    const { resource, list } = this.words;
    return {
      [`Create${resource}`]: (request: CreateRequest) => this.create(request),
      [`Update${resource}`]: (request: UpdateRequest) => this.update(request),
      [`Delete${resource}`]: (request: DeleteRequest) => this.delete(request),
      [`Get${resource}`]: (request: { readonly name: string }) => this.get(request),
      [list]: (request: PageRequest) => this.list(request),
    };
  }

  private create(request: CreateRequest): object {
    const { kind, field } = this.words;
    const wanted = request[`${field}_id`];
    const id = idForCreate(kind, typeof wanted === 'string' ? wanted : '', this.context.newToken);
    const key = { kind, id };
    const object = objectOf(key, request[field]);
    if (!this.isReference) {
      return this.message(this.context.store.apply({ op: 'create', object }).stored);
    }
    const held = this.lifecycle.leavingObject(key) ?? this.context.store.get(key);
    if (held !== undefined) return this.message(held);
    const { stored } = this.context.store.apply({ op: 'create', object });
    this.lifecycle.created(key);
    return this.message(stored);
  }

  private update(request: UpdateRequest): object {
    const key = keyOfName(this.words.kind, request.name);
    const stored = this.context.store.get(key);
    if (stored === undefined) throw refused('NOT_FOUND', key, 'does not exist', 'NOT_FOUND');
    const paths = request.update_mask?.paths;
    const message = request[this.words.field];
    const merge = this.isReference;
    const object = mergedObject(stored, message, paths, this.codec, this.context, merge);
    return this.message(this.context.store.apply({ op: 'update', object }).stored);
  }

  private delete({ name, allow_missing: allowMissing }: DeleteRequest): object {
    const key = keyOfName(this.words.kind, name);
    if (this.lifecycle.leavingObject(key) !== undefined) return {};
    const stored = this.context.store.get(key);
    this.context.store.apply({ op: 'delete', key, allowMissing });
    if (this.isReference && stored !== undefined) this.lifecycle.deleted(stored);
    return {};
  }

  private get({ name }: { readonly name: string }): object {
    const key = keyOfName(this.words.kind, name);
    const stored = this.lifecycle.leavingObject(key) ?? this.context.store.get(key);
    const hidden = this.lifecycle.isComing(key) && this.words.kind !== 'interface';
    if (stored === undefined || hidden) {
      throw refused('NOT_FOUND', key, 'does not exist', 'NOT_FOUND');
    }
    return this.message(stored);
  }

  private list(request: PageRequest): object {
    const { kind, field } = this.words;
    if (this.isReference && !this.lifecycle.wasUsed(kind) && this.context.store.count(kind) === 0) {
      throw new StatusError(status.NOT_FOUND, `unable to find key ${kind}`);
    }
    const present = this.context.store.list(kind);
    const leaving = this.lifecycle
      .leavingObjects(kind)
      .filter(({ object }) => this.context.store.get(object.key) === undefined);
    const all = [...present, ...leaving];
    const { items, nextToken } = this.pager(all, ({ object }) => object.key.id, request, weightOf);
    return { [field]: items.map((stored) => this.message(stored)), next_page_token: nextToken };
  }

  private message(stored: StoredObject | undefined): ResourceMessage {
    if (stored === undefined) throw new StatusError(status.INTERNAL, 'nothing was stored');
    const { key } = stored.object;
    const settled =
      !this.lifecycle.isComing(key) && this.lifecycle.leavingObject(key) === undefined;
    return resourceOf(stored, this.context, settled) as ResourceMessage;
  }
}

/** Policies weigh as much as their rules. */
function weightOf({ object }: StoredObject): number {
  return 'rules' in object.spec ? 1 + object.spec.rules.length : 1;
}
