/** The settings that decide about packets, with Felix's defaults; felix-protocol: ConfigUpdate. */
import { cidrContains, parseCidr, type Cidr } from '../base/ip.js';
import { protocolNumber, type Packet } from './packet.js';

/** One failsafe: a port of this host, and the prefix of the remote side (absent = anyone). */
interface Failsafe {
  readonly protocol: number;
  readonly port: number;
  readonly remote?: Cidr;
}

const FAILSAFES_SHARED = 'tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667';
const DEFAULTS: Readonly<Record<string, string>> = {
  DefaultEndpointToHostAction: 'DROP',
  FailsafeInboundHostPorts: `tcp:22,udp:68,${FAILSAFES_SHARED}`,
  FailsafeOutboundHostPorts: `udp:53,udp:67,${FAILSAFES_SHARED}`,
  VXLANPort: '4789',
};

/** Reads settings out of ConfigUpdate's map of explicitly set ones. Values that cannot be read are the default. */
export class Settings {
  private readonly config: Readonly<Record<string, string>>;

  constructor(config: Readonly<Record<string, string>>) {
    this.config = config;
  }

  get nodeName(): string {
    return this.config['FelixHostname'] ?? '';
  }

  /** What becomes of a pod's packet to its own host once the pod's policy allows it. */
  get endpointToHostAction(): string {
    const action = this.text('DefaultEndpointToHostAction').toUpperCase();
    return ['ACCEPT', 'RETURN'].includes(action) ? action : 'DROP';
  }

  get vxlanPort(): number {
    const port = Number(this.text('VXLANPort'));
    return Number.isInteger(port) && port > 0 && port < 65536 ? port : 4789;
  }

  /** A boolean whose default is false. */
  flag(key: string): boolean {
    return ['true', '1', 'yes', 'y', 't'].includes(this.text(key).toLowerCase());
  }

  /**
   * True if a failsafe list lets the packet through. `forward`: the host's port is the destination of an inbound and
   * the destination of an outbound packet; `reverse`: replies of such flows, told by their source port.
   */
  failsafe(list: 'inbound' | 'outbound', way: 'forward' | 'reverse', packet: Packet): boolean {
    const port = way === 'forward' ? packet.destinationPort : packet.sourcePort;
    const remote =
      (list === 'inbound') === (way === 'forward') ? packet.source : packet.destination;
    return this.failsafes(list).some(
      (one) =>
        one.protocol === packet.protocol &&
        one.port === port &&
        (one.remote === undefined || cidrContains(one.remote, remote)),
    );
  }

  private failsafes(list: 'inbound' | 'outbound'): Failsafe[] {
    const key = list === 'inbound' ? 'FailsafeInboundHostPorts' : 'FailsafeOutboundHostPorts';
    const text = this.text(key);
    if (text.toLowerCase() === 'none') return [];
    return parseFailsafes(text) ?? parseFailsafes(DEFAULTS[key] ?? '') ?? [];
  }

  private text(key: string): string {
    const value = this.config[key] ?? '';
    return value === '' ? (DEFAULTS[key] ?? '') : value;
  }
}

/** `proto:port`, `proto:cidr:port`, `proto:[v6cidr]:port` or `port` (tcp), by commas. `undefined` if one is malformed. */
function parseFailsafes(text: string): Failsafe[] | undefined {
  const parsed = text.split(',').map((entry) => parseFailsafe(entry.trim()));
  return parsed.every((one) => one !== undefined) ? parsed : undefined;
}

function parseFailsafe(entry: string): Failsafe | undefined {
  const match = /^(?:(tcp|udp):)?(?:\[?([0-9a-f.:]+\/\d+)\]?:)?(\d+)$/i.exec(entry);
  if (match === null) return undefined;
  const protocol = protocolNumber(match[1] ?? 'tcp');
  const port = Number(match[3]);
  if (protocol === undefined || port > 65535) return undefined;
  if (match[2] === undefined) return { protocol, port };
  const remote = parseCidr(match[2]);
  return remote === undefined ? undefined : { protocol, port, remote };
}
