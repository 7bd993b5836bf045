/** What the policies of examples/lab/shop mean, said a second time and in other words: who may ask whom for what. */

/** The first packet of a flow between two places. */
export interface Asked {
  readonly from: string;
  readonly to: string;
  readonly family: number;
  /** `80/tcp`, `icmp`. */
  readonly service: string;
}

/** True if the packet gets through. `node` says where a place is. */
export function shopAllows(
  { from, to, family, service }: Asked,
  nodeOf: (place: string) => string,
): boolean {
  const local = nodeOf(from) === nodeOf(to);
  const [sender, receiver] = [roleOf(from), roleOf(to)];
  // A node reaches its own pods whatever their policy, and other nodes.
  if (sender === 'node' && (local || receiver === 'node')) return true;
  // Calico's DefaultEndpointToHostAction is Drop.
  if (receiver === 'node' && local) return false;
  return maySend(sender, receiver, service) && mayReceive(receiver, { sender, family, service });
}

/** Backends alone have egress policy. */
function maySend(sender: string, receiver: string, service: string): boolean {
  return sender !== 'backend' || (receiver === 'db' && service === '5432/tcp');
}

function mayReceive(
  receiver: string,
  { sender, family, service }: { sender: string; family: number; service: string },
): boolean {
  switch (receiver) {
    case 'frontend':
      return (
        service === '80/tcp' ||
        (service === '8443/tcp' && family === 6) ||
        (service === 'icmp' && ['frontend', 'backend', 'db'].includes(sender))
      );
    case 'backend':
      return sender === 'frontend' && ['8080/tcp', '9090/udp'].includes(service);
    case 'db':
      return sender === 'backend' && service === '5432/tcp';
    default:
      return true;
  }
}

/** `shop/db-1` is a `db`, `node-a` a `node`. */
export function roleOf(place: string): string {
  return place.replace(/^.*\//, '').replace(/-[a-z0-9]+$/, '');
}
