/** The names a server uses. They are opaque: what it returned is kept, never built (opi: habits of real servers). */
import { relativeName } from '../codec/names.js';
import {
  keyText,
  lastSegment,
  type KeyText,
  type ObjectKey,
  type ObjectKind,
} from '../objects/key.js';

/** Names learned from answers and lists. Names in the protos' form take no memory. */
export class KnownNames {
  private readonly unusual = new Map<KeyText, string>();
  private readonly listed = new Set<ObjectKind>();

  /** The server's name of an object; the protos' form if the server never said it. */
  readonly nameOf = (key: ObjectKey): string => this.unusual.get(keyText(key)) ?? relativeName(key);

  /** Notes what the server calls an object. Servers that leave the name out of an answer teach nothing. */
  learn(key: ObjectKey, name: string): void {
    if (name === '' || lastSegment(name) !== key.id) return;
    if (name === relativeName(key)) this.unusual.delete(keyText(key));
    else this.unusual.set(keyText(key), name);
  }

  /** Forgets a name that is free again. */
  forget(key: ObjectKey): void {
    this.unusual.delete(keyText(key));
  }

  /** Notes that every object of a kind was listed. */
  markListed(kind: ObjectKind): void {
    this.listed.add(kind);
  }

  /** False if an object of this kind may have a name that nobody told us. */
  wasListed(kind: ObjectKind): boolean {
    return this.listed.has(kind);
  }
}
