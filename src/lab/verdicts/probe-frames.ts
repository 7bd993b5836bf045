/** Probes as packets to be sent, and where what comes out of the XPU has arrived. Pure. */
import { formatIp, parseIp } from '../../base/ip.js';
import type { Arrival, ProbeSend } from '../packets/packet-probe.js';
import type { PacketSpec } from '../packets/spec.js';
import { tunnelOf, type FelixView } from './felix-view.js';
import type { Probe, ProbePacket } from './probe.js';

/** Interface of the node itself, as Felix's recordings have it. */
export const HOST_INTERFACE = 'host0';
/** The wire's end of the uplink. */
export const WIRE_INTERFACE = 'wire';

/** The places of a node and the interfaces by which one is there. */
export class ProbePlaces {
  private readonly view: FelixView;
  private readonly node: string;

  constructor(view: FelixView, node: string) {
    this.view = view;
    this.node = node;
  }

  /** Interface at which a place's packets are sent; `undefined` for a workload that has none. */
  interfaceOf(place: string): string | undefined {
    if (place === 'host') return HOST_INTERFACE;
    if (place === 'wire') return WIRE_INTERFACE;
    return this.view.endpointOf(place)?.interfaceName;
  }

  /** How a probe is sent. `macBehind` is the XPU's MAC address at the other end of an interface. */
  sendOf(
    { from, packet }: Probe,
    via: string,
    icmpId: number,
    macBehind: (via: string) => string,
  ): ProbeSend {
    const send = { via, destinationMac: macBehind(via), packet: packetSpec(packet, icmpId) };
    if (from !== 'wire') return send;
    const tunnel = tunnelOf(this.view.state, this.node, packet.source);
    if (tunnel === undefined) return send;
    const { local, remote, vni } = tunnel;
    return {
      ...send,
      tunnel: {
        source: remote.ip,
        destination: local.ip,
        vni,
        innerSourceMac: remote.mac,
        innerDestinationMac: local.mac,
      },
    };
  }

  /**
   * Where a probe's packet has arrived: a place as in verdict files, or what is wrong with it in words, which equal none.
   */
  placeOf({ packet: sent }: Probe, arrival: Arrival): string {
    const { via, packet, forAnother } = arrival;
    const place = this.placeOn(via);
    if (forAnother) return `${place}, addressed to another MAC address`;
    const { source, destination, sourcePort, destinationPort } = packet;
    const isSame =
      source === canonical(sent.source) &&
      destination === canonical(sent.destination) &&
      (sent.sourcePort === undefined || sourcePort === sent.sourcePort) &&
      (sent.destinationPort === undefined || destinationPort === sent.destinationPort);
    if (!isSame) return `${place}, as another packet`;
    const misled = this.tunnelProblem(place, arrival);
    return misled === undefined ? place : `${place}, ${misled}`;
  }

  private placeOn(via: string): string {
    if (via === HOST_INTERFACE) return 'host';
    if (via === WIRE_INTERFACE) return 'wire';
    return this.view.workloadOn(via) ?? via;
  }

  private tunnelProblem(
    place: string,
    { packet, tunnel, destinationMac }: Arrival,
  ): string | undefined {
    const wanted =
      place === 'wire' ? tunnelOf(this.view.state, this.node, packet.destination) : undefined;
    if (wanted === undefined) return tunnel === undefined ? undefined : 'encapsulated';
    if (tunnel === undefined) return 'not encapsulated';
    const isRight =
      tunnel.source === wanted.local.ip &&
      tunnel.destination === wanted.remote.ip &&
      tunnel.vni === wanted.vni &&
      destinationMac === wanted.remote.mac;
    return isRight ? undefined : 'in a tunnel to elsewhere';
  }
}

/** The one text of an address, as arrivals have it. */
function canonical(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}

/** The packet of a probe. Ports that a verdict file names are taken, an ICMP query gets an id of its own. */
function packetSpec(packet: ProbePacket, icmpId: number): PacketSpec {
  const { icmpType, icmpCode, ...rest } = packet;
  if (icmpType === undefined) return rest;
  return { ...rest, icmp: { type: icmpType, code: icmpCode ?? 0, id: icmpId } };
}
