/** Calls of the network/k8s extension: lists, memberships, uploads and atomic batches. */
import type { k8s } from '../../gen/opi/types.js';
import { decodeMember } from '../codec/members.js';
import { WireError } from '../codec/errors.js';
import { OpiError } from '../objects/errors.js';
import type { ExtensionKind, ObjectKey } from '../objects/key.js';
import type { OpiObject } from '../objects/specs.js';
import type { BatchOperation } from '../objects/target.js';
import { encodeBatch, encodeMembers, memberBytes } from './batch.js';
import type { Calls } from './calls.js';
import { refusedOperation } from './errors.js';
import type { KnownNames } from './known-names.js';
import { listObjects } from './listing.js';
import { APPLY_BATCH, EXTENSION_LISTS, FETCH_MEMBERS, UPLOAD_MEMBERS } from './methods.js';

/** Members asked for in one page; an IPv4 page is about 450 kB. */
const MEMBER_PAGE_SIZE = 50_000;

/** Reads of a membership that changed under the reader before it is given up. */
const FETCHES_MAX = 5;

/** See the file head. */
export class ExtensionObjects {
  private readonly calls: Calls;
  private readonly names: KnownNames;

  constructor(calls: Calls, names: KnownNames) {
    this.calls = calls;
    this.names = names;
  }

  /** Every object of a kind. Throws `OpiError` UNSUPPORTED where the server has no such extension. */
  list<K extends ExtensionKind>(kind: K): Promise<OpiObject<K>[]> {
    const { list, field } = EXTENSION_LISTS[kind];
    return listObjects(this.calls, this.names, { kind, method: list, field });
  }

  /** Whole membership of a group, of one moment. */
  async fetchMembers(key: ObjectKey<'addressGroup'>): Promise<Set<string>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.fetchOnce(key);
      } catch (thrown) {
        const changed = thrown instanceof OpiError && thrown.code === 'CONFLICT';
        if (!changed || attempt === FETCHES_MAX) throw thrown;
      }
    }
  }

  /**
   * Applies a batch. An answer that got lost is not asked for again by itself: used upload tokens would make the
   * repetition fail, and the caller has to look at what is there anyway.
   */
  async applyBatch(operations: readonly BatchOperation[]): Promise<void> {
    if (operations.length === 0) return;
    const { operations: wire, indexes } = encodeBatch(operations, this.names.nameOf);
    const timeoutMs = this.calls.options.batchTimeoutMs;
    const repeat = operations.some(({ op }) => op === 'replaceMembers') ? 'refused' : 'any';
    try {
      const answer = await this.calls.call(
        APPLY_BATCH,
        { operations: wire },
        { timeoutMs, repeat },
      );
      answer.results.forEach(({ name }, place) =>
        this.learn(operations[indexes[place] ?? -1], name),
      );
    } catch (thrown) {
      throw thrown instanceof OpiError ? withOperation(thrown, indexes) : thrown;
    }
  }

  /** Stages a membership in pieces; gives its token. */
  async uploadMembers(members: Iterable<string>): Promise<string> {
    let token = '';
    for (const piece of pieces(members, this.calls.options.pieceBytesMax)) {
      token = await this.uploadPiece(token, piece);
    }
    return token === '' ? this.uploadPiece(token, []) : token;
  }

  /** A piece that is repeated after a lost answer stages the same members again; only a first one loses its token. */
  private async uploadPiece(token: string, piece: readonly string[]): Promise<string> {
    const timeoutMs = this.calls.options.batchTimeoutMs;
    const request = { upload_token: token, members: encodePiece(piece) };
    const answer = await this.calls.call(UPLOAD_MEMBERS, request, { timeoutMs });
    return answer.upload_token;
  }

  private async fetchOnce(key: ObjectKey<'addressGroup'>): Promise<Set<string>> {
    const members = new Set<string>();
    let token = '';
    do {
      const answer = await this.calls.call(FETCH_MEMBERS, {
        name: this.names.nameOf(key),
        page_size: MEMBER_PAGE_SIZE,
        page_token: token,
      });
      for (const member of answer.members) members.add(memberText(member));
      token = answer.next_page_token;
    } while (token !== '');
    return members;
  }

  private learn(operation: BatchOperation | undefined, name: string): void {
    if (operation === undefined) return;
    if (operation.op === 'delete') this.names.forget(operation.key);
    else this.names.learn('object' in operation ? operation.object.key : operation.key, name);
  }
}

function memberText(member: k8s.AddressGroupMember): string {
  try {
    return decodeMember(member);
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    const { message } = thrown;
    throw new OpiError({ code: 'UNKNOWN', op: FETCH_MEMBERS.name, message, cause: thrown });
  }
}

function encodePiece(piece: readonly string[]): ReturnType<typeof encodeMembers> {
  try {
    return encodeMembers(piece);
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    const message = thrown.message;
    throw new OpiError({ code: 'INVALID', op: 'encode members', message, cause: thrown });
  }
}

/** Cuts members into pieces of at most `bytesMax` on the wire. */
function* pieces(members: Iterable<string>, bytesMax: number): Generator<readonly string[]> {
  let piece: string[] = [];
  let bytes = 0;
  for (const member of members) {
    const size = memberBytes(member);
    if (bytes + size > bytesMax && piece.length > 0) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(member);
    bytes += size;
  }
  if (piece.length > 0) yield piece;
}

function withOperation(error: OpiError, indexes: readonly number[]): OpiError {
  const { code, op, message, cause } = error;
  const place = refusedOperation(error);
  const operation = error.operation ?? (place === undefined ? undefined : indexes[place]);
  if (operation === undefined) return error;
  return new OpiError({ code, op, message: message.slice(`${op}: `.length), cause, operation });
}
