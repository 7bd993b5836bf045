/** What is probed: protocols and ports, from a command line or from what the policies speak of. Pure. */
import type { Family } from '../../base/ip.js';
import type { ToDataplane } from '../../gen/felix/types.js';
import { servicesOf } from '../demo/probes.js';
import { SOURCE_PORT_DEFAULT, type Transport } from '../explain/question.js';
import { LabError } from './errors.js';
import type { ProbeProtocol } from './place-protocol.js';

/** A protocol with a port, or ICMP echo. */
export interface ProbedService {
  readonly protocol: ProbeProtocol;
  /** 0 for ICMP. */
  readonly port: number;
  /** `80/tcp`, `icmp`. */
  readonly label: string;
}

/** ICMP echo of both families. */
export const ECHO: ProbedService = { protocol: 'icmp', port: 0, label: 'icmp' };

const PROTOCOL_NUMBERS: Readonly<Record<'tcp' | 'udp', number>> = { tcp: 6, udp: 17 };
const ECHO_REQUEST = { 4: { protocol: 1, type: 8 }, 6: { protocol: 58, type: 128 } } as const;

/** `80/tcp,53/udp,icmp`; a port alone is TCP. Throws `LabError` with code `place`. */
export function parseServices(text: string): ProbedService[] {
  const services = text.split(',').map((word) => parseService(word.trim()));
  return services.filter(
    ({ label }, index) => services.findIndex((one) => one.label === label) === index,
  );
}

function parseService(word: string): ProbedService {
  if (word === ECHO.label) return ECHO;
  const match = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(word);
  const port = Number(match?.[1]);
  if (match === null || port < 1 || port > 65_535) {
    const message = `"${word}": expected icmp or PORT/PROTOCOL with tcp or udp, as 80/tcp`;
    throw new LabError({ code: 'place', op: 'read ports', message });
  }
  return service(match[2] === 'udp' ? 'udp' : 'tcp', port);
}

/** ICMP, the ports that policies speak of, the most frequent first, and one that none does. */
export function servicesInUse(messages: readonly ToDataplane[]): ProbedService[] {
  const known = servicesOf(messages).flatMap(({ protocol, port }) => {
    const name = (['tcp', 'udp'] as const).find((one) => PROTOCOL_NUMBERS[one] === protocol);
    return name === undefined ? [] : [service(name, port)];
  });
  const byPort = known.toSorted((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
  return [ECHO, ...byPort];
}

/** The packet that asks for a service. */
export function transportOf({ protocol, port }: ProbedService, family: Family): Transport {
  if (protocol === 'icmp') {
    const echo = ECHO_REQUEST[family];
    return { protocol: echo.protocol, icmp: { type: echo.type, code: 0 } };
  }
  return {
    protocol: PROTOCOL_NUMBERS[protocol],
    sourcePort: SOURCE_PORT_DEFAULT,
    destinationPort: port,
  };
}

function service(protocol: 'tcp' | 'udp', port: number): ProbedService {
  return { protocol, port, label: `${port}/${protocol}` };
}
