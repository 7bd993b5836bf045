/** What a reader should know beside the decision path: narrowings of the ports on the way, and where a place may mislead. */
import type { DesiredState } from '../../desired/state.js';
import { innerMtu } from '../../overlay/mtu.js';
import type { OverlayReport } from '../../overlay/report.js';
import { sortDegradations, type Degradation } from '../../translators/degradation.js';
import type { Translation } from '../../translators/translator.js';
import { prefixAround } from '../verdicts/felix-view.js';
import type { Ends, Place } from './place.js';
import type { ExplainSource } from './source.js';

/** Narrowings of the ports that the packet meets, in the direction in which it meets them, and of the route it would take. */
export function bearingOn(
  { from, to }: Ends,
  degradations: readonly Degradation[],
  state: DesiredState,
): readonly Degradation[] {
  const ends = [...subjectsOf(from, 'egress'), ...subjectsOf(to, 'ingress')];
  const route = to.kind === 'outside' ? prefixAround(state, to.address) : undefined;
  return sortDegradations(
    degradations.filter(
      (one) =>
        one.subject === route ||
        ends.some(
          ({ subject, direction }) =>
            one.subject === subject && (one.direction ?? direction) === direction,
        ),
    ),
  );
}

/** The uplink's policy sees packets from the host's side: what comes from outside is ingress. */
function subjectsOf(
  place: Place,
  direction: 'ingress' | 'egress',
): { readonly subject: string; readonly direction: 'ingress' | 'egress' }[] {
  if (place.kind === 'pod') return [{ subject: place.key, direction }];
  if (place.kind === 'host') return [{ subject: 'uplink', direction }];
  const opposite = direction === 'ingress' ? 'egress' : 'ingress';
  return ['uplink', 'tunnel'].map((subject) => ({ subject, direction: opposite }));
}

/** Places that are not what they seem: addresses nobody knows, pods without a port, pods that are not up. */
export function notesOn(
  { from, to }: Ends,
  source: ExplainSource,
  expectations: ReturnType<Translation['expectations']>,
): string[] {
  const notes: string[] = [];
  for (const place of [from, to]) {
    if (place.kind === 'outside' && !place.known) {
      notes.push(
        `${place.address}: no pod, node or block of the cluster has it; judged as an address outside. ` +
          'The address of a service is not resolved: ask for one of its pods',
      );
    }
    if (place.kind !== 'pod') continue;
    const error = expectations.get(place.key)?.error;
    if (error !== undefined) notes.push(`${place.name} has no port: ${error}`);
    const status = source.endpoints?.[place.key];
    if (status !== undefined && status.status !== 'up') {
      notes.push(`${place.name} is ${status.status} on the XPU: ${status.reason}`);
    }
  }
  return notes;
}

/** What a packet that leaves through a tunnel has to fit into. */
export function tunnelNote(to: Place, { uplinkMtu }: OverlayReport): string {
  const mtu = innerMtu(uplinkMtu, to.address.includes(':') ? 'vxlan-v6' : 'vxlan-v4');
  return (
    `${to.address} is reached through VXLAN: packets of more than ${mtu} bytes do not fit ` +
    `(MTU of the uplink ${uplinkMtu})`
  );
}
