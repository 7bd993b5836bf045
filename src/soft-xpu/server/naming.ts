/** Names and ids of resources as each mode has them (opi.md section 3.1). */
import { COLLECTIONS, relativeName, type NameOf } from '../../opi/codec/names.js';
import {
  isExtensionKind,
  lastSegment,
  type ObjectKey,
  type ObjectKind,
} from '../../opi/objects/key.js';
import { invalidField } from '../store/errors.js';
import type { ServerMode } from './status.js';

const REFERENCE_PREFIX = '//network.opiproject.org/';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The names a server of this mode gives; those of the extension are always relative. */
export function namesOf(mode: ServerMode): NameOf {
  if (mode === 'strict') return relativeName;
  return (key) => {
    const name = relativeName(key);
    return isExtensionKind(key.kind) ? name : `${REFERENCE_PREFIX}${name}`;
  };
}

/** Key of a name that a client gives, full or relative, with or without its collection. Throws INVALID_ARGUMENT. */
export function keyOfName<K extends ObjectKind>(kind: K, name: string): ObjectKey<K> {
  const id = lastSegment(name);
  const known = [id, `${COLLECTIONS[kind]}/${id}`, `${REFERENCE_PREFIX}${COLLECTIONS[kind]}/${id}`];
  if (id !== '' && known.includes(name)) return { kind, id };
  throw invalidField(`find ${kind}`, 'name', `"${name}" names no ${kind}`);
}

/** Id of a new object: the client's, or one of the server's own. Ids of the form of ours are refused to clients. */
export function idForCreate(kind: ObjectKind, wanted: string, newToken: () => string): string {
  if (wanted === '') return newToken().slice(0, 32);
  if (UUID.test(wanted))
    throw invalidField(`create ${kind}`, 'id', `${wanted} has the form of a UUID`);
  return wanted;
}
