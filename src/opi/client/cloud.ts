/**
 * Writes of network/cloud with the habits of real servers (opi: habits of real servers): OK for a create whose name is
 * taken by another spec, creates and deletes that are done later, updates that keep what they do not know.
 */
import { canonicalJson } from '../../base/json.js';
import { identityText } from '../objects/claims.js';
import { decodeSpec, encodeObject, type MessageByKind } from '../codec/codec.js';
import { isSet } from '../codec/address.js';
import { WireError } from '../codec/errors.js';
import { OpiError } from '../objects/errors.js';
import type { CloudKind, ObjectKey } from '../objects/key.js';
import { specText } from '../objects/plan.js';
import type { OpiObject } from '../objects/specs.js';
import type { CallOptions, Calls } from './calls.js';
import type { KnownNames } from './known-names.js';
import { listObjects } from './listing.js';
import { CLOUD_METHODS } from './methods.js';

/** Parent of every resource of network/cloud: required by some servers, read by none. */
const PARENT = '-';

/** See the file head. */
export class CloudObjects {
  private readonly calls: Calls;
  private readonly names: KnownNames;
  /** Set once the server was seen to answer before it was done: from then on every create is looked at again. */
  private unhurried = false;

  constructor(calls: Calls, names: KnownNames) {
    this.calls = calls;
    this.names = names;
  }

  /** Every object of a kind. */
  list<K extends CloudKind>(kind: K): Promise<OpiObject<K>[]> {
    const { list, field } = CLOUD_METHODS[kind];
    return listObjects(this.calls, this.names, { kind, method: list, field, parent: PARENT });
  }

  /**
   * Creates an object, or makes what has its name equal to it, and waits until it is usable.
   * `again`: what had the name was deleted already.
   * @throws OpiError `UNAVAILABLE` if an object that is in the way does not go in time; `UNKNOWN` if it comes back.
   */
  async create<K extends CloudKind>(object: OpiObject<K>, again = false): Promise<void> {
    const { create, field } = CLOUD_METHODS[object.key.kind];
    const answer = await this.calls
      .call(
        create,
        {
          parent: PARENT,
          [field]: this.encode(object),
          [`${field}_id`]: object.key.id,
        },
        this.patienceFor(object.key),
      )
      .catch((thrown: unknown) => this.existing(object.key, thrown));
    this.names.learn(object.key, answer.name);
    const stored = this.read(object.key, answer);
    if (stored === 'untold' || (stored !== 'unreadable' && specText(stored) === specText(object))) {
      return this.awaitUsable(object.key, answer);
    }
    const sameIdentity = stored !== 'unreadable' && identityText(stored) === identityText(object);
    if (sameIdentity) return this.update(object);
    if (again) throw kept(create.name, object.key, stored);
    await this.delete(object.key);
    return this.create(object, true);
  }

  /**
   * Replaces the spec of an object.
   * @throws OpiError `UNKNOWN` if the server answered OK and kept something else.
   */
  async update<K extends CloudKind>(object: OpiObject<K>): Promise<void> {
    const { update, field } = CLOUD_METHODS[object.key.kind];
    const answer = await this.withKnownName(object.key, (name) =>
      this.calls.call(
        update,
        { name, [field]: this.encode(object), update_mask: { paths: ['*'] } },
        this.patienceFor(object.key),
      ),
    );
    this.names.learn(object.key, answer.name);
    const stored = this.read(object.key, answer);
    if (stored === 'untold' || (stored !== 'unreadable' && holds(stored.spec, object.spec))) {
      return this.awaitUsable(object.key, answer);
    }
    throw kept(update.name, object.key, stored);
  }

  /** A SecurityPolicy may hold a whole stack's rules: it has the deadline of a batch. */
  private patienceFor({ kind }: ObjectKey): CallOptions {
    return kind === 'securityPolicy' ? { timeoutMs: this.calls.options.batchTimeoutMs } : {};
  }

  /**
   * Deletes an object and waits until its id is free.
   * @throws OpiError `UNAVAILABLE` if it is still there after the settle timeout.
   */
  async delete(key: ObjectKey<CloudKind>): Promise<void> {
    const { delete: remove } = CLOUD_METHODS[key.kind];
    try {
      await this.withKnownName(key, (name) =>
        this.calls.call(remove, { name, allow_missing: true }),
      );
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
    const { settleTimeoutMs } = this.calls.options;
    const gone = await this.poll(key, settleTimeoutMs, (found) => found === undefined);
    if (!gone) {
      const message = `${key.kind} ${key.id} is still there after ${settleTimeoutMs} ms`;
      throw new OpiError({ code: 'UNAVAILABLE', op: remove.name, message });
    }
    this.names.forget(key);
  }

  private encode<K extends CloudKind>(object: OpiObject<K>): object {
    try {
      return encodeObject(object, this.names.nameOf(object.key), this.names.nameOf);
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown;
      const op = `encode ${object.key.kind}`;
      throw new OpiError({ code: 'INVALID', op, message: thrown.message, cause: thrown });
    }
  }

  /** What has the name of an object that a strict server refused to create. */
  private async existing<K extends CloudKind>(
    key: ObjectKey<K>,
    thrown: unknown,
  ): Promise<MessageByKind[K]> {
    if (!(thrown instanceof OpiError) || thrown.code !== 'ALREADY_EXISTS') throw thrown;
    return this.withKnownName(key, (name) =>
      this.calls.call(CLOUD_METHODS[key.kind].get, { name }),
    );
  }

  /** What an answer says is stored. Some servers do not tell. */
  private read<K extends CloudKind>(key: ObjectKey<K>, message: MessageByKind[K]): Stored<K> {
    const spec = message.spec as Parameters<typeof decodeSpec<K>>[1];
    if (!isSet(spec)) return 'untold';
    try {
      return { key, spec: decodeSpec(key.kind, spec) };
    } catch (thrown) {
      if (thrown instanceof WireError) return 'unreadable';
      throw thrown;
    }
  }

  /** Runs `call`; if the server knows no such name and may use another, learns its names and runs it once more. */
  private async withKnownName<T>(
    key: ObjectKey<CloudKind>,
    call: (name: string) => Promise<T>,
  ): Promise<T> {
    const name = this.names.nameOf(key);
    try {
      return await call(name);
    } catch (thrown) {
      if (!isNotFound(thrown) || this.names.wasListed(key.kind)) throw thrown;
      await this.list(key.kind);
      if (this.names.nameOf(key) === name) throw thrown;
      return call(this.names.nameOf(key));
    }
  }

  /**
   * Waits while a server is not done with a new object: it is not found yet, or an interface that is to be up is down.
   * One that stays so is taken as it is: a link that nobody opened yet looks the same.
   */
  private async awaitUsable<K extends CloudKind>(
    key: ObjectKey<K>,
    answer: MessageByKind[K],
  ): Promise<void> {
    const { usableTimeoutMs, logger } = this.calls.options;
    if (!isUsable(answer)) this.unhurried = true;
    if (!this.unhurried) return;
    const done = await this.poll(key, usableTimeoutMs, (found) => isSet(found) && isUsable(found));
    if (!done) logger.warn({ kind: key.kind, id: key.id }, `not up after ${usableTimeoutMs} ms`);
  }

  /** Looks at an object until `done`; false if that takes longer than `timeoutMs`. */
  private async poll<K extends CloudKind>(
    key: ObjectKey<K>,
    timeoutMs: number,
    done: (found: MessageByKind[K] | undefined) => boolean,
  ): Promise<boolean> {
    const { clock, pollBackoff } = this.calls.options;
    const begunMs = clock.monotonic();
    for (let look = 0; ; look++) {
      if (done(await this.find(key))) return true;
      this.unhurried = true;
      if (clock.monotonic() - begunMs >= timeoutMs) return false;
      await this.calls.pause(look, pollBackoff);
    }
  }

  private async find<K extends CloudKind>(
    key: ObjectKey<K>,
  ): Promise<MessageByKind[K] | undefined> {
    try {
      const { get } = CLOUD_METHODS[key.kind];
      return await this.calls.call(get, { name: this.names.nameOf(key) });
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  }
}

/** What a server says it stores. */
type Stored<K extends CloudKind> = OpiObject<K> | 'untold' | 'unreadable';

/** The server answered OK and has something else: what is enforced is not what is wanted. */
function kept<K extends CloudKind>(op: string, key: ObjectKey, stored: Stored<K>): OpiError {
  const what = typeof stored === 'string' ? 'something unreadable' : specText(stored);
  return new OpiError({ code: 'UNKNOWN', op, message: `${key.id}: the server keeps ${what}` });
}

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof OpiError && thrown.code === 'NOT_FOUND';
}

/** False while a server tells that it is not done with an interface that is to be up. */
function isUsable(message: MessageByKind[CloudKind]): boolean {
  const status = message.status as { readonly oper_status?: string } | null | undefined;
  const spec = message.spec as { readonly admin_status?: string } | null | undefined;
  return status?.oper_status !== 'IF_STATUS_DOWN' || spec?.admin_status !== 'IF_STATUS_UP';
}

/** True if every field that is wanted is there; a server may fill in fields that were left to it. */
function holds(stored: object, wanted: object): boolean {
  const fields = stored as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(
    ([name, value]) => value === undefined || canonicalJson(fields[name]) === canonicalJson(value),
  );
}
