/** The packet of a question, from the words of a command line. */
import { protocolNumber, protocolText } from './protocols.js';
import type { PacketFields } from '../../soft-xpu/memory/packet.js';

/** Everything of a packet but its addresses. */
export type Transport = Pick<PacketFields, 'protocol' | 'sourcePort' | 'destinationPort' | 'icmp'>;

/** Source port of a client that asked for none. */
export const SOURCE_PORT_DEFAULT = 40_000;

/** `80/tcp`, `53/udp`, `80` (TCP); gives what is wrong with the text as a string. */
export function parsePort(text: string, sourcePort = SOURCE_PORT_DEFAULT): Transport | string {
  const [port = '', name = 'tcp', ...rest] = text.split('/');
  const protocol = protocolNumber(name);
  const destinationPort = wholeNumber(port, 65_535);
  if (destinationPort === undefined || rest.length > 0)
    return `"${text}": not PORT/PROTOCOL, as 80/tcp`;
  if (protocol === undefined) return `"${text}": ${name} is no protocol`;
  return { protocol, sourcePort, destinationPort };
}

/** `8`, `8/0`: an ICMP message of either family; gives what is wrong with the text as a string. */
export function parseIcmp(text: string): { type: number; code: number } | string {
  const [type, code, ...rest] = text.split('/').map((part) => wholeNumber(part, 255));
  const isWhole =
    type !== undefined && rest.length === 0 && (code !== undefined || !text.includes('/'));
  return isWhole ? { type, code: code ?? 0 } : `"${text}": not TYPE or TYPE/CODE, as 8/0`;
}

/** A protocol by name or number, without ports. */
export function parseProtocol(text: string): Transport | string {
  const protocol = protocolNumber(text);
  return protocol === undefined ? `"${text}" is no protocol` : { protocol };
}

/** One line for people. */
export function transportText({ protocol, destinationPort, icmp }: Transport): string {
  if (icmp !== undefined)
    return `${protocolText(protocol)} type ${icmp.type} code ${icmp.code ?? 0}`;
  const port = destinationPort === undefined ? '' : ` port ${destinationPort}`;
  return `${protocolText(protocol)}${port}`;
}

function wholeNumber(text: string, max: number): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}
