/** Which narrowings of the compiler bear on a packet: those of the ports by which it enters and leaves, and of its route. */
import type { Degradation } from '../../translators/degradation.js';
import { prefixAround, type FelixView } from './felix-view.js';
import type { Probe } from './probe.js';

/** One end of a packet's way in the compiler's words. */
interface PortEnd {
  readonly subject: string;
  readonly direction: 'ingress' | 'egress';
}

/** Reasons that the compiler gave for the ports and the route of a probe, one line each, without repeats. */
export function reasonsFor(
  probe: Probe,
  view: FelixView,
  degradations: readonly Degradation[],
): string[] {
  const ends = [...endsOf(probe.from, 'egress', view), ...endsOf(probe.to, 'ingress', view)];
  const { to, packet } = probe;
  const route = to === 'wire' ? prefixAround(view.state, packet.destination) : undefined;
  const bearing = degradations.filter(
    (one) =>
      one.subject === route ||
      ends.some(
        ({ subject, direction }) =>
          one.subject === subject && (one.direction ?? direction) === direction,
      ),
  );
  return [...new Set(bearing.map(({ code, subject, reason }) => `${subject}: ${code}: ${reason}`))];
}

/** The uplink's policy sees the wire's packets from the host's side: what the wire sends is ingress. */
function endsOf(place: string, direction: PortEnd['direction'], view: FelixView): PortEnd[] {
  if (place === 'wire') {
    const opposite = direction === 'ingress' ? 'egress' : 'ingress';
    return ['uplink', 'tunnel'].map((subject) => ({ subject, direction: opposite }));
  }
  if (place === 'host') return [{ subject: 'uplink', direction }];
  const endpoint = view.endpointOf(place);
  return endpoint === undefined ? [] : [{ subject: endpoint.key, direction }];
}
