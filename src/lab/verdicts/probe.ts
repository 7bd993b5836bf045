/** Probes: one first packet of a new flow, its sender and target, and what Felix's own data plane did with it. */
import { parseIp } from '../../base/ip.js';

/** A packet in the words of a verdict file. */
export interface ProbePacket {
  /** Bare addresses of one family. */
  readonly source: string;
  readonly destination: string;
  /** IP protocol number. */
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** One line of a verdict file. */
export interface Probe {
  /** 1-based line number in its file. */
  readonly line: number;
  /** `namespace/pod` of a local workload, `host`, or `wire`. */
  readonly from: string;
  readonly to: string;
  readonly packet: ProbePacket;
  /** True if it arrived at `to` on Felix's own data plane. */
  readonly allowed: boolean;
}

/** Parses a verdict file; `problem` names the first line that cannot be read. */
export function parseProbes(text: string): { probes: readonly Probe[]; problem?: string } {
  const probes: Probe[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const probe = parseProbe(line, index + 1);
    if (probe === undefined) return { probes, problem: `line ${index + 1}: ${line}` };
    probes.push(probe);
  }
  return { probes };
}

/** One line for people: who sends what to whom. */
export function describeProbe({ from, to, packet }: Probe): string {
  const { source, destination, protocol, sourcePort, destinationPort, icmpType, icmpCode } = packet;
  const ports = destinationPort === undefined ? '' : ` ports ${sourcePort} -> ${destinationPort}`;
  const icmp = icmpType === undefined ? '' : ` icmp ${icmpType}/${icmpCode ?? 0}`;
  return `${from} (${source}) -> ${to} (${destination}) protocol ${protocol}${ports}${icmp}`;
}

function parseProbe(text: string, line: number): Probe | undefined {
  const [from = '', to = '', source = '', destination = '', ...rest] = text.split('\t');
  const [protocol, sourcePort, destinationPort, icmpType, icmpCode] = rest.map(numberOf);
  const verdict = rest[5]?.trim();
  const families = [parseIp(source)?.family, parseIp(destination)?.family];
  const isPacket = families[0] !== undefined && families[0] === families[1];
  if (from === '' || to === '' || !isPacket || protocol === undefined) return undefined;
  if (verdict !== 'allow' && verdict !== 'deny') return undefined;
  const fields = { sourcePort, destinationPort, icmpType, icmpCode };
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  const packet = { source, destination, protocol, ...Object.fromEntries(present) };
  return { line, from, to, packet, allowed: verdict === 'allow' };
}

function numberOf(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}
