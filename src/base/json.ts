/**
 * Canonical JSON: the same value gives the same bytes, whatever the insertion order of its keys. Plans, dumps and
 * content hashes compare these texts.
 */

/** JSON with object keys sorted, `undefined` members left out, sets and maps as sorted arrays, bigint as decimal. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(normalise(value));
}

function normalise(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Set) return [...value].map(normalise).sort(compareJson);
  if (value instanceof Map) return [...value].map(normalise).sort(compareJson);
  if (Array.isArray(value)) return value.map(normalise);
  if (value === null || typeof value !== 'object') return value;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) put(sorted, key, normalise(member));
  }
  return sorted;
}

/** A plain assignment to `__proto__` would change the object's prototype, and the member would be lost. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true });
}

function compareJson(a: unknown, b: unknown): number {
  const left = JSON.stringify(a);
  const right = JSON.stringify(b);
  return left < right ? -1 : left > right ? 1 : 0;
}
