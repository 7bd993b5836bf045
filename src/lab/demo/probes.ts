/** What the demo asks: which packets between which places. Derived from what Felix said, so that it suits any recording. */
import type { Rule, ToDataplane } from '../../gen/felix/types.js';
import { parseCidr, formatIp } from '../../base/ip.js';
import type { WalkPort } from '../../opi/client/debug.js';

/** A sender or receiver of packets. */
export interface Place {
  /** `namespace/pod`, `host`, `outside`, or the address of a remote pod that a policy names. */
  readonly name: string;
  readonly address: string;
  readonly port: WalkPort;
  readonly isPod: boolean;
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
const REMOTE_SHOWN = 3;
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Local pods by IPv4, the node itself, remote pods and somebody outside; pods sorted by name. `messages` say the state now,
 * `story` everything ever said: a remote pod is asked about from the start, so that its coming shows.
 */
export function placesOf(
  messages: readonly ToDataplane[],
  story: readonly ToDataplane[],
  node: string,
): Place[] {
  const pods = new Map<string, Place>();
  let host: Place | undefined;
  for (const message of messages) {
    if (message.payload === 'workload_endpoint_update') {
      const { id, endpoint } = message.workload_endpoint_update;
      const address = addressOf(endpoint?.ipv4_nets[0]);
      if (!id || !endpoint || address === undefined) continue;
      const port = { ifname: endpoint.name };
      pods.set(id.workload_id, { name: id.workload_id, address, port, isPod: true });
    } else if (message.payload === 'host_metadata_update') {
      const { hostname, ipv4_addr: text } = message.host_metadata_update;
      const address = addressOf(text.split('/')[0]);
      if (hostname !== node || address === undefined) continue;
      host = { name: 'host', address, port: { address }, isPod: false };
    }
  }
  const sorted = [...pods.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const local = new Set([...podAddresses(story), host?.address]);
  const remote = memberAddresses(story).filter((address) => !local.has(address));
  return [
    ...sorted,
    ...remote.slice(0, REMOTE_SHOWN).map((address) => beyondUplink(address, address)),
    ...(host === undefined ? [] : [host]),
    beyondUplink('outside', OUTSIDE_ADDRESS),
  ];
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

function beyondUplink(name: string, address: string): Place {
  return { name, address, port: { port: 'UPLINK' }, isPod: false };
}

/** Addresses that local pods ever had: none of them is remote. */
function podAddresses(messages: readonly ToDataplane[]): string[] {
  return messages.flatMap((message) =>
    message.payload === 'workload_endpoint_update'
      ? (message.workload_endpoint_update.endpoint?.ipv4_nets ?? []).flatMap(
          (net) => addressOf(net) ?? [],
        )
      : [],
  );
}

/** Single IPv4 addresses that sets hold, sorted. */
function memberAddresses(messages: readonly ToDataplane[]): string[] {
  const members = messages.flatMap((message) => {
    if (message.payload === 'ipset_update') return message.ipset_update.members;
    return message.payload === 'ipset_delta_update' ? message.ipset_delta_update.added_members : [];
  });
  const hosts = members.filter((member) => /^[\d.]+\/32$/.test(member));
  return [...new Set(hosts.map((member) => member.replace('/32', '')))].sort();
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
