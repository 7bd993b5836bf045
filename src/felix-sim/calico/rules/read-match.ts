/** The two values of a rule that are numbers or names: protocols and ports. */
import type { Field } from '../yaml/field.js';
import type { PortSpec, ProtocolSpec } from './rule-spec.js';

const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp', 'udplite'];
const PORT_MAX = 65535;
const PORT_NAME = /^[a-zA-Z0-9_.-]{1,128}$/;
const PORT_RANGE = /^(\d{1,5}):(\d{1,5})$/;

/** A protocol's number (1 to 255), or its name in lower case. */
export function readProtocol(field: Field): ProtocolSpec {
  if (typeof field.value === 'number') return field.integer(1, 255);
  const name = field.text().toLowerCase();
  if (/^\d+$/.test(name) && Number(name) >= 1 && Number(name) <= 255) return Number(name);
  return PROTOCOLS.includes(name) ? name : field.refuse(`is none of ${PROTOCOLS.join(', ')}`);
}

/** A port (0 to 65535), a range `first:last`, or the name of a workload's port. */
export function readPort(field: Field): PortSpec {
  if (typeof field.value === 'number') return single(field.integer(0, PORT_MAX));
  const text = field.text();
  const range = PORT_RANGE.exec(text);
  const [first, last] = [Number(range?.[1]), Number(range?.[2])];
  if (range !== null) {
    return first <= last && last <= PORT_MAX ? { first, last } : field.refuse('is no port range');
  }
  if (/^\d+$/.test(text)) {
    return Number(text) <= PORT_MAX ? single(Number(text)) : field.refuse('is no port');
  }
  return PORT_NAME.test(text) ? text : field.refuse('is no port, range or port name');
}

function single(port: number): PortSpec {
  return { first: port, last: port };
}
