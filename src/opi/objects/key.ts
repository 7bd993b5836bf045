/**
 * Names of OPI objects: which kinds there are, and the ids by which we recognise our own objects after any restart
 * without a map on disk.
 */
import { hashText } from '../../base/hash.js';

/** Every kind we write, with the letter that stands for it in an id. */
export const KIND_LETTERS = {
  interface: 'i',
  vpc: 'v',
  subnet: 's',
  routeTable: 't',
  route: 'r',
  vnic: 'n',
  mapping: 'm',
  nextHop: 'h',
  tunnel: 'u',
  securityPolicy: 'p',
  addressGroup: 'g',
  networkPolicy: 'y',
  policyBinding: 'b',
} as const;

/** Kind of an OPI object. */
export type ObjectKind = keyof typeof KIND_LETTERS;

/** Kinds of plain `network/cloud`, written by one call each. */
export const CLOUD_KINDS = [
  'interface',
  'vpc',
  'subnet',
  'routeTable',
  'route',
  'vnic',
  'mapping',
  'nextHop',
  'tunnel',
  'securityPolicy',
] as const satisfies readonly ObjectKind[];

/** Kinds of the `network/k8s` extension, written together in an ApplyBatch. */
export const EXTENSION_KINDS = [
  'addressGroup',
  'networkPolicy',
  'policyBinding',
] as const satisfies readonly ObjectKind[];

/** Every kind. */
export const OBJECT_KINDS: readonly ObjectKind[] = [...CLOUD_KINDS, ...EXTENSION_KINDS];

/** A kind of `network/cloud`. */
export type CloudKind = (typeof CLOUD_KINDS)[number];
/** A kind of the extension. */
export type ExtensionKind = (typeof EXTENSION_KINDS)[number];

/** True for kinds that travel in an ApplyBatch. */
export function isExtensionKind(kind: ObjectKind): kind is ExtensionKind {
  return (EXTENSION_KINDS as readonly ObjectKind[]).includes(kind);
}

/** Name of one object: its kind and its id. References between objects are keys; servers may call them otherwise. */
export interface ObjectKey<K extends ObjectKind = ObjectKind> {
  readonly kind: K;
  readonly id: string;
}

/** `kind/id`: the text maps key on. */
export type KeyText = `${ObjectKind}/${string}`;

/** Text of a key. */
export function keyText(key: ObjectKey): KeyText {
  return `${key.kind}/${key.id}`;
}

/** Key of a text made by `keyText`. */
export function parseKeyText(text: KeyText): ObjectKey {
  const slash = text.indexOf('/');
  return { kind: text.slice(0, slash) as ObjectKind, id: text.slice(slash + 1) };
}

const OWNER_CHARS = 8;
const KEY_CHARS = 18;

/** Makes and recognises the ids of one owner (a node): `cx` letter `-` 8 characters of the owner, 18 of the key. */
export class ObjectNamer {
  readonly ownerId: string;
  private readonly ownerHash: string;

  constructor(ownerId: string) {
    this.ownerId = ownerId;
    this.ownerHash = hashText(`owner:${ownerId}`, OWNER_CHARS);
  }

  /** Key of the object that stands for `name` (an endpoint key, a prefix, or a content text). */
  key<K extends ObjectKind>(kind: K, name: string): ObjectKey<K> {
    const hash = hashText(`${this.ownerId}\u0000${kind}\u0000${name}`, KEY_CHARS);
    return { kind, id: `cx${KIND_LETTERS[kind]}-${this.ownerHash}${hash}` };
  }

  /** True if the last segment of a server's name is an id of this owner, whatever else the name holds. */
  isOurs(serverName: string): boolean {
    const id = lastSegment(serverName);
    if (!id.startsWith('cx') || id[3] !== '-') return false;
    const letter = id[2] ?? '';
    return (
      (Object.values(KIND_LETTERS) as string[]).includes(letter) &&
      id.slice(4, 4 + OWNER_CHARS) === this.ownerHash
    );
  }
}

/** Part of a server's name behind its last slash. Servers prefix names in several ways; the id stays last. */
export function lastSegment(serverName: string): string {
  return serverName.slice(serverName.lastIndexOf('/') + 1);
}
