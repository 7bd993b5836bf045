/** Tracked connections as messages, and the selectors that choose them. */
import { cidrContains, parseCidr, type Cidr } from '../../base/ip.js';
import type { k8s } from '../../gen/opi/types.js';
import { decodePrefix, isSet, type Maybe } from '../../opi/codec/address.js';
import type { Draft } from '../../opi/codec/draft.js';
import { encodePacket } from '../../opi/codec/packet.js';
import type { TrackedFlow } from '../data-plane.js';
import { PROTOCOL, type Packet } from '../memory/packet.js';
import { samePort } from '../memory/port.js';
import type { ServerContext } from './context.js';
import { durationOf, portMessage, portOfMessage } from './ports-wire.js';

/** A selector as a test, and whether it has any condition. */
export interface FlowChoice {
  readonly matches: (flow: TrackedFlow) => boolean;
  readonly isEverything: boolean;
}

/** Reads a selector. Throws WireError for a malformed one. */
export function flowChoice(selector: Maybe<k8s.FlowSelector>): FlowChoice {
  const tests = isSet(selector) ? testsOf(selector) : [];
  return {
    matches: (flow) => tests.every((test) => test(flow)),
    isEverything: tests.length === 0,
  };
}

/** Message of a flow. */
export function flowMessage(flow: TrackedFlow, { nameOf }: ServerContext): Draft<k8s.Flow> {
  return {
    original: packetMessage(flow.original),
    entry_port: portMessage(flow.entry, nameOf),
    exit_port: portMessage(flow.exit, nameOf),
    state: `FLOW_STATE_${flow.state}`,
    packet_count: String(flow.packetCount),
    byte_count: String(flow.byteCount),
    idle_duration: durationOf(flow.idleMs),
  };
}

/** Message of a packet. */
export function packetMessage(packet: Packet): Draft<k8s.PacketTuple> {
  const { source, destination, protocol, sourcePort, destinationPort, icmp, tcpFlags } = packet;
  return encodePacket({
    source: source.text,
    destination: destination.text,
    protocol,
    sourcePort,
    destinationPort,
    ...(icmp === undefined ? {} : { icmp: { type: icmp.type, code: icmp.code } }),
    ...(protocol === PROTOCOL.tcp ? { tcpFlags } : {}),
  });
}

type FlowTest = (flow: TrackedFlow) => boolean;

function testsOf(selector: k8s.FlowSelector): FlowTest[] {
  const { protocol, source_port: sourcePort, destination_port: destinationPort } = selector;
  const tests: FlowTest[] = [];
  if (isSet(selector.port)) {
    const port = portOfMessage(selector.port, 'selector.port');
    tests.push((flow) => samePort(flow.entry, port) || samePort(flow.exit, port));
  }
  if (isSet(protocol)) tests.push(({ original }) => original.protocol === protocol);
  const source = prefixOf(selector.source_prefix, 'selector.source_prefix');
  if (source) tests.push(({ original }) => cidrContains(source, original.source));
  const destination = prefixOf(selector.destination_prefix, 'selector.destination_prefix');
  if (destination) tests.push(({ original }) => cidrContains(destination, original.destination));
  if (isSet(sourcePort)) tests.push(({ original }) => original.sourcePort === sourcePort);
  if (isSet(destinationPort)) {
    tests.push(({ original }) => original.destinationPort === destinationPort);
  }
  return tests;
}

function prefixOf(message: k8s.FlowSelector['source_prefix'], field: string): Cidr | undefined {
  return isSet(message) ? parseCidr(decodePrefix(message, field)) : undefined;
}
