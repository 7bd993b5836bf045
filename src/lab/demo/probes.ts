/** What the demo asks: which packets between which places. Derived from what Felix said, so that it suits any recording. */
import type { Rule, ToDataplane } from '../../gen/felix/types.js';
import { parseCidr, formatIp } from '../../base/ip.js';
import type { WalkPort } from '../../opi/client/debug.js';

/** A sender or receiver of packets. */
export interface Place {
  /** `namespace/pod`, `host`, or `outside`. */
  readonly name: string;
  readonly address: string;
  readonly port: WalkPort;
}

/** A kind of packet. */
export interface Service {
  readonly protocol: number;
  readonly port: number;
  /** `tcp/80`. */
  readonly label: string;
}

/** An address no cluster holds (RFC 5737). */
const OUTSIDE_ADDRESS = '198.51.100.7';
const SERVICES_SHOWN = 8;
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** Local pods by IPv4, the node itself, and somebody outside; pods sorted by name. */
export function placesOf(messages: readonly ToDataplane[], node: string): Place[] {
  const pods = new Map<string, Place>();
  let host: Place | undefined;
  for (const message of messages) {
    if (message.payload === 'workload_endpoint_update') {
      const { id, endpoint } = message.workload_endpoint_update;
      const address = addressOf(endpoint?.ipv4_nets[0]);
      if (!id || !endpoint || address === undefined) continue;
      pods.set(id.workload_id, { name: id.workload_id, address, port: { ifname: endpoint.name } });
    } else if (message.payload === 'host_metadata_update') {
      const { hostname, ipv4_addr: text } = message.host_metadata_update;
      const address = addressOf(text.split('/')[0]);
      if (hostname === node && address !== undefined)
        host = { name: 'host', address, port: { address } };
    }
  }
  const outside: Place = { name: 'outside', address: OUTSIDE_ADDRESS, port: { port: 'UPLINK' } };
  const sorted = [...pods.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...sorted, ...(host === undefined ? [] : [host]), outside];
}

/** Ports that the policies speak of, the most frequent first, plus one that none does. */
export function servicesOf(messages: readonly ToDataplane[]): Service[] {
  const counts = new Map<string, number>();
  const count = (label: string): void => void counts.set(label, (counts.get(label) ?? 0) + 1);
  for (const message of messages) {
    if (message.payload === 'ipset_update') {
      for (const member of message.ipset_update.members) {
        const match = /,(tcp|udp|sctp):(\d+)$/.exec(member);
        if (match !== null) count(`${match[1]}/${match[2]}`);
      }
    } else if (message.payload === 'active_policy_update') {
      const { policy } = message.active_policy_update;
      for (const rule of [...(policy?.inbound_rules ?? []), ...(policy?.outbound_rules ?? [])]) {
        for (const label of rulePorts(rule)) count(label);
      }
    }
  }
  const labels = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const shown = labels.slice(0, SERVICES_SHOWN - 1).map(([label]) => label);
  return [...shown.sort(), 'tcp/22'].map(serviceOf);
}

function serviceOf(label: string): Service {
  const [name = '', port = ''] = label.split('/');
  return { protocol: PROTOCOLS[name] ?? 0, port: Number(port), label };
}

function rulePorts(rule: Rule): string[] {
  const { protocol: match } = rule;
  const protocol = match?.number_or_name === 'name' ? match.name : '';
  if (!(protocol in PROTOCOLS)) return [];
  return rule.dst_ports.map(({ first }) => `${protocol}/${first}`);
}

function addressOf(text: string | undefined): string | undefined {
  const cidr = parseCidr(text ?? '');
  return cidr === undefined ? undefined : formatIp(cidr);
}
