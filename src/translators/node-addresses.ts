/**
 * Addresses of the other nodes inside pools that are blocked as a whole: a pool that overlaps the nodes' own network must not
 * cut the node off from them (felix-protocol: HostMetadata, pools).
 */
import { type Cidr, cidrContains, formatCidr, hostCidr, parseIp } from '../base/ip.js';
import type { DesiredState } from '../desired/state.js';
import type { HostMetadata } from '../model/network.js';
import { ReverseIndex } from './reverse-index.js';

/** Nodes' addresses, followed incrementally. */
export class NodeAddresses {
  /** Host names by address, as a prefix of full length. */
  private readonly nodes = new ReverseIndex<string, string>();
  private readonly known = new Map<string, Cidr>();

  /** Looks at these nodes anew; gives every address that they had or have. */
  update(state: DesiredState, hostnames: Iterable<string>, own: string): Set<string> {
    const touched = new Set<string>();
    for (const hostname of hostnames) {
      const cidrs = hostname === own ? [] : addressesOf(state.hosts.get(hostname));
      const texts = new Set(cidrs.map(formatCidr));
      for (const text of [...this.nodes.namedBy(hostname), ...texts]) touched.add(text);
      this.nodes.set(hostname, texts);
      for (const cidr of cidrs) this.known.set(formatCidr(cidr), cidr);
    }
    for (const text of touched) if (this.nodes.of(text).size === 0) this.known.delete(text);
    return touched;
  }

  /** True if another node has this address, a prefix of full length. */
  has(prefix: string): boolean {
    return this.known.has(prefix);
  }

  /** Addresses inside a prefix. Costs all addresses. */
  inside(around: Cidr): string[] {
    return [...this.known].flatMap(([text, cidr]) => (cidrContains(around, cidr) ? [text] : []));
  }
}

function addressesOf(metadata: HostMetadata | undefined): Cidr[] {
  return [metadata?.ipv4, metadata?.ipv6].flatMap((text) => {
    const ip = parseIp(text ?? '');
    return ip === undefined ? [] : [hostCidr(ip)];
  });
}
