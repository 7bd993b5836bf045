/**
 * Lists as real servers give them (opi: habits of real servers): pages with opaque tokens that are not stable under
 * change, NOT_FOUND for a kind that never had an object, UNIMPLEMENTED for a kind the server does not have.
 */
import { errorText } from '../../base/errors.js';
import { decodeObject, unreadableObject, type MessageByKind } from '../codec/codec.js';
import { WireError } from '../codec/errors.js';
import { OpiError } from '../objects/errors.js';
import { isExtensionKind, lastSegment, type ObjectKind } from '../objects/key.js';
import type { OpiObject } from '../objects/specs.js';
import type { Calls } from './calls.js';
import type { KnownNames } from './known-names.js';
import type { ListRequest, ListResponse, Method } from './methods.js';

/** Walks that a server broke off (it forgot a page token) before a list is given up. */
const WALKS_MAX = 3;

/** Pages of one walk; more means that the tokens lead in a circle. */
const PAGES_MAX = 100_000;

/** What to list. */
export interface Listing<K extends ObjectKind> {
  readonly kind: K;
  readonly method: Method<ListRequest, ListResponse>;
  /** Field of the answer that holds the objects. */
  readonly field: string;
  /** network/cloud wants a parent, though every resource is at the top: any text will do. */
  readonly parent?: string;
}

/**
 * Every object of a kind, once each. An object that has no spec in our words keeps its id and gets a spec that equals
 * none, so that its owner finds it different. Throws `OpiError`.
 */
export async function listObjects<K extends ObjectKind>(
  calls: Calls,
  names: KnownNames,
  listing: Listing<K>,
): Promise<OpiObject<K>[]> {
  const messages = await walk(calls, listing);
  names.markListed(listing.kind);
  const objects: OpiObject<K>[] = [];
  for (const message of messages) {
    const object = readObject(calls, listing.kind, message);
    if (object === undefined) continue;
    names.learn(object.key, message.name);
    objects.push(object);
  }
  return objects;
}

async function walk<K extends ObjectKind>(
  calls: Calls,
  listing: Listing<K>,
): Promise<Iterable<MessageByKind[K]>> {
  for (let attempt = 1; ; attempt++) {
    const found = new Map<string, MessageByKind[K]>();
    const outcome = await walkPages(calls, listing, found);
    if (outcome === 'done') return found.values();
    if (attempt === WALKS_MAX) throw outcome;
    calls.options.logger.info({ kind: listing.kind }, `list starts again: ${outcome.message}`);
  }
}

/** Puts the objects of all pages into `found`; gives the error if a page token was forgotten. */
async function walkPages<K extends ObjectKind>(
  calls: Calls,
  listing: Listing<K>,
  found: Map<string, MessageByKind[K]>,
): Promise<'done' | OpiError> {
  let token = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    try {
      const answer = await readPage(calls, listing, token);
      const messages = (answer[listing.field] ?? []) as readonly MessageByKind[K][];
      for (const message of messages) found.set(message.name, message);
      token = answer.next_page_token;
    } catch (thrown) {
      if (!(thrown instanceof OpiError)) throw thrown;
      if (page > 0 && (thrown.code === 'NOT_FOUND' || thrown.code === 'INVALID')) return thrown;
      if (page === 0 && isEmptiness(thrown, listing)) return 'done';
      throw thrown;
    }
    if (token === '') return 'done';
  }
  throw new OpiError({ code: 'UNKNOWN', op: listing.method.name, message: 'pages without an end' });
}

/** Some servers know no kind before its first object. A kind of network/cloud that a server lacks has no objects. */
function isEmptiness<K extends ObjectKind>({ code }: OpiError, { kind }: Listing<K>): boolean {
  return code === 'NOT_FOUND' || (code === 'UNSUPPORTED' && !isExtensionKind(kind));
}

function readPage<K extends ObjectKind>(
  calls: Calls,
  listing: Listing<K>,
  token: string,
): Promise<ListResponse> {
  return calls.call(listing.method, {
    ...(listing.parent === undefined ? {} : { parent: listing.parent }),
    page_size: calls.options.pageSize,
    page_token: token,
  });
}

function readObject<K extends ObjectKind>(
  calls: Calls,
  kind: K,
  message: MessageByKind[K],
): OpiObject<K> | undefined {
  try {
    return decodeObject(kind, message);
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    const id = lastSegment(message.name);
    calls.options.logger.info({ kind, name: message.name }, `not readable: ${errorText(thrown)}`);
    return id === '' ? undefined : unreadableObject(kind, id);
  }
}
