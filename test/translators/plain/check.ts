/** Questions to a lowered world. */
import type { SecurityPolicySpec } from '../../../src/opi/objects/specs.js';
import { listAllows } from './lists.js';
import type { Packet } from './packet.js';
import { hostVnic, listOf, vnicOf, type Lowered } from './world.js';

/** True if the list of a subject (`host` for the host port) lets the packet pass. No list lets everything pass. */
export function passes(
  lowered: Lowered,
  subject: string,
  direction: 'ingress' | 'egress',
  packet: Packet,
): boolean {
  const vnic = subject === 'host' ? hostVnic : vnicOf(subject);
  const list = listOf(lowered, vnic, direction, packet.family);
  return list === undefined || listAllows(list, packet);
}

/** A list that must be there. */
export function theList(
  lowered: Lowered,
  subject: string,
  direction: 'ingress' | 'egress',
  family: 4 | 6,
): SecurityPolicySpec {
  const list = listOf(lowered, subject === 'host' ? hostVnic : vnicOf(subject), direction, family);
  if (list === undefined) throw new Error(`${subject} has no ${direction} list`);
  return list;
}

/** Reasons told for a subject, in the order told. */
export function reasons(lowered: Lowered, subject: string): string[] {
  return lowered.lowering
    .degradations()
    .filter((of) => of.subject === subject)
    .map(({ code, direction = 'both', reason }) => `${code} ${direction}: ${reason}`);
}
