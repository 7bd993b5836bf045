/** Joins ports into as few ranges as hold them, as Calico does for Kubernetes policies. */
import type { PortSpec } from '../rules/rule-spec.js';

/** Names first, in order; then ranges in ascending order. One numeric entry or none is left where it stands. */
export function simplifyPorts(ports: readonly PortSpec[]): readonly PortSpec[] {
  const ranges = ports.filter((port) => typeof port !== 'string');
  const count = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (ports.length <= 1 || count <= 1) return ports;
  const joined: { first: number; last: number }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const open = joined.at(-1);
    if (open !== undefined && first <= open.last + 1) open.last = Math.max(open.last, last);
    else joined.push({ first, last });
  }
  return [...ports.filter((port) => typeof port === 'string'), ...joined];
}
