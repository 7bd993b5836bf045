/** Messages without what says nothing. */

/**
 * A copy without members that are absent, empty or false. The wire has no such members: written, they would be bytes that
 * Felix does not send. Zero stays, an ICMP type can be that.
 */
export function given<T extends object>(message: T): T {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => says(value))) as T;
}

function says(value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return false;
  return !Array.isArray(value) || value.length > 0;
}
