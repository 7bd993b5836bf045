/** Elements of sets and maps that one transaction brings and takes. */

/** Elements that come to sets and go from them. */
export class ElementChanges {
  readonly added = new Map<string, string[]>();
  readonly removed = new Map<string, string[]>();

  /** Adds an element, written as nft does. */
  add(set: string, element: string): void {
    push(this.added, set, element);
  }

  /** Removes an element, by key alone. */
  remove(set: string, element: string): void {
    push(this.removed, set, element);
  }
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
