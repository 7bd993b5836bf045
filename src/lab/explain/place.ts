/** The ends of a question as people name them: pods, addresses, the node itself, what is outside. */
import { cidrContains, formatIp, parseCidr, parseIp, type Family } from '../../base/ip.js';
import type { DesiredState } from '../../desired/state.js';
import type { WorkloadEndpoint } from '../../model/endpoint.js';
import { endpointsInForce, isBehindTunnel } from '../verdicts/felix-view.js';
import { ExplainError } from './errors.js';

/** One end of a packet's way. */
export type Place =
  | {
      readonly kind: 'pod';
      /** `namespace/pod`. */
      readonly name: string;
      readonly address: string;
      /** Endpoint key. */
      readonly key: string;
      readonly interfaceName: string;
    }
  | { readonly kind: 'host'; readonly name: string; readonly address: string }
  | {
      readonly kind: 'outside';
      readonly name: string;
      readonly address: string;
      /** Its packets come and go through a tunnel. */
      readonly tunnelled: boolean;
      /** Some pod, node or block of the cluster has the address. */
      readonly known: boolean;
    };

/** Both ends, with addresses of one family. */
export interface Ends {
  readonly from: Place;
  readonly to: Place;
  readonly family: Family;
}

/** What places are looked up in. */
export interface PlaceContext {
  readonly state: DesiredState;
  readonly node: string;
}

interface Candidate {
  /** Addresses in the order in which they are preferred. */
  readonly addresses: readonly string[];
  readonly at: (address: string) => Place;
}

/**
 * Finds both ends. An address decides the family; else `family` does, else IPv4 where both ends have it. Throws
 * `ExplainError`.
 */
export function findEnds(
  texts: { readonly from: string; readonly to: string; readonly family?: Family | undefined },
  context: PlaceContext,
): Ends {
  const from = findPlace(texts.from, context);
  const to = findPlace(texts.to, context);
  const families = texts.family === undefined ? ([4, 6] as const) : [texts.family];
  for (const family of families) {
    const [source, destination] = [addressOf(from, family), addressOf(to, family)];
    if (source !== undefined && destination !== undefined) {
      return { from: from.at(source), to: to.at(destination), family };
    }
  }
  const asked = texts.family === undefined ? 'one family' : `IPv${texts.family}`;
  throw new ExplainError({
    code: 'no-address',
    op: 'find places',
    message: `${described(texts.from, from)} and ${described(texts.to, to)}: no addresses of ${asked}`,
  });
}

function findPlace(text: string, context: PlaceContext): Candidate {
  const found =
    (text === 'host' ? hostPlace(context, context.node) : undefined) ??
    addressPlace(text, context) ??
    podPlace(text, context) ??
    nodePlace(text, context);
  if (found !== undefined) return found;
  throw new ExplainError({
    code: 'unknown-place',
    op: 'find places',
    message:
      `"${text}" is no pod of this node, no address and no node that Felix told of. ` +
      "A service's name is not resolved: ask for one of its pods",
  });
}

function addressPlace(text: string, context: PlaceContext): Candidate | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return undefined;
  const address = formatIp(ip);
  const pod = endpointsInForce(context.state).find((one) => addressesOf(one).includes(address));
  if (pod !== undefined) return only(address, podAt(pod));
  if (nodeAddresses(context, context.node).includes(address)) {
    return only(address, hostAt(context.node));
  }
  return only(address, outsideAt(address, context));
}

function podPlace(text: string, { state }: PlaceContext): Candidate | undefined {
  const pods = endpointsInForce(state);
  const exact = pods.find(({ id, key }) => id.workload === text || key === text);
  const named = exact === undefined ? pods.filter(({ id }) => podName(id.workload) === text) : [];
  if (named.length > 1) {
    throw new ExplainError({
      code: 'ambiguous-place',
      op: 'find places',
      message: `"${text}" is ${named.map(({ id }) => id.workload).join(' and ')}: name its namespace`,
    });
  }
  const pod = exact ?? named[0];
  return pod === undefined ? undefined : { addresses: addressesOf(pod), at: podAt(pod) };
}

function nodePlace(text: string, context: PlaceContext): Candidate | undefined {
  if (text === context.node) return hostPlace(context, text);
  const addresses = nodeAddresses(context, text);
  if (addresses.length === 0) return undefined;
  return { addresses, at: outsideAt(text, context) };
}

function hostPlace(context: PlaceContext, node: string): Candidate {
  return { addresses: nodeAddresses(context, node), at: hostAt(node) };
}

function only(address: string, at: Candidate['at']): Candidate {
  return { addresses: [address], at };
}

function podAt({ id, key, interfaceName }: WorkloadEndpoint): Candidate['at'] {
  return (address) => ({ kind: 'pod', name: id.workload, address, key, interfaceName });
}

function hostAt(node: string): Candidate['at'] {
  return (address) => ({ kind: 'host', name: node, address });
}

function outsideAt(name: string, { state }: PlaceContext): Candidate['at'] {
  return (address) => ({
    kind: 'outside',
    name,
    address,
    tunnelled: isBehindTunnel(state, address),
    known: isKnown(state, address),
  });
}

/** True if a route or a node of Felix's holds the address. */
function isKnown(state: DesiredState, address: string): boolean {
  const ip = parseIp(address);
  const nodes = [...state.hosts.values()].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
  if (ip === undefined || nodes.includes(address)) return true;
  return [...state.routes.values()].some(({ destination, kinds }) => {
    const cidr = parseCidr(destination);
    return kinds.length > 0 && cidr !== undefined && cidrContains(cidr, ip);
  });
}

function nodeAddresses({ state }: PlaceContext, node: string): string[] {
  const { ipv4 = '', ipv6 = '' } = state.hosts.get(node) ?? {};
  return [ipv4, ipv6].filter((address) => address !== '');
}

function addressesOf({ ipv4Nets, ipv6Nets }: WorkloadEndpoint): string[] {
  return [...ipv4Nets, ...ipv6Nets].flatMap((net) => {
    const cidr = parseCidr(net);
    return cidr === undefined ? [] : [formatIp(cidr)];
  });
}

function addressOf({ addresses }: Candidate, family: Family): string | undefined {
  return addresses.find((address) => parseIp(address)?.family === family);
}

function podName(workload: string): string {
  return workload.slice(workload.indexOf('/') + 1);
}

function described(text: string, { addresses }: Candidate): string {
  return `${text} (${addresses.join(', ') || 'no address'})`;
}
