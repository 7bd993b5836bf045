/** Members of IP sets. */
import { addressBits, formatCidr, formatIp, type Cidr } from '../../../base/ip.js';
import type {
  EndpointSliceResource,
  HostEndpointResource,
  NamedPort,
  NetworkSetResource,
  WorkloadResource,
} from '../resources/resource.js';
import type { PortProtocol, SetDefinition } from '../rules/set-definition.js';
import { coveringPrefixes, splitWhole } from './prefixes.js';
import type { Selection } from './selection.js';

/** What can be in a set of a selector: endpoints of all nodes, and network sets. */
export type Member = WorkloadResource | HostEndpointResource | NetworkSetResource;

/** Where members come from. */
export interface MemberSource {
  readonly selection: Selection<Member>;
  readonly slices: readonly EndpointSliceResource[];
  /** False: prefixes that lie in another one of the set are told too. */
  readonly nestedHidden: boolean;
}

/** Form of the members, in the protocol's numbers. */
export function setType({ is, ...definition }: SetDefinition): 'NET' | 'IP_AND_PORT' {
  if (is === 'selector') return 'NET';
  return 'withPorts' in definition && !definition.withPorts ? 'NET' : 'IP_AND_PORT';
}

/** Members of a set, in the protocol's texts. */
export function setMembers(definition: SetDefinition, source: MemberSource): ReadonlySet<string> {
  switch (definition.is) {
    case 'selector':
      return new Set(selectedPrefixes(definition, source).map(formatCidr));
    case 'named-port':
      return new Set(namedPorts(definition, source));
    case 'service':
      return new Set(servicePoints(definition, source));
  }
}

function selectedPrefixes(
  { selector }: Extract<SetDefinition, { is: 'selector' }>,
  { selection, nestedHidden }: MemberSource,
): Cidr[] {
  const prefixes = selection.select(selector).flatMap(prefixesOf);
  return nestedHidden ? coveringPrefixes(prefixes) : prefixes;
}

/** An endpoint is its addresses, whatever length its networks are written with. */
function prefixesOf(member: Member): readonly Cidr[] {
  if (member.is === 'network-set') return member.nets.flatMap(splitWhole);
  return member.nets.map((net) => ({ ...net, length: addressBits(net.family) }));
}

function* namedPorts(
  { selector, protocol, port }: Extract<SetDefinition, { is: 'named-port' }>,
  { selection }: MemberSource,
): Iterable<string> {
  for (const { ports, nets } of selection.select(selector)) {
    for (const named of ports) {
      if (named.name !== port || !isProtocol(named, protocol)) continue;
      for (const net of nets) yield `${formatIp(net)},${protocol}:${named.port}`;
    }
  }
}

const PROTOCOL_NUMBERS: Readonly<Record<PortProtocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

function isProtocol(port: NamedPort, protocol: PortProtocol): boolean {
  return port.protocol === protocol || port.protocol === PROTOCOL_NUMBERS[protocol];
}

function* servicePoints(
  { service, withPorts }: Extract<SetDefinition, { is: 'service' }>,
  { slices }: MemberSource,
): Iterable<string> {
  for (const slice of slices) {
    if (slice.namespace !== service.namespace || slice.service !== service.name) continue;
    for (const address of slice.addresses) {
      if (!withPorts) yield formatCidr(address);
      else
        for (const { protocol, port } of slice.ports) {
          yield `${formatIp(address)},${protocol}:${port}`;
        }
    }
  }
}
