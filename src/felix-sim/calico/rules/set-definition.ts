/**
 * What an IP set holds, and the id that follows from it. The ids are Felix's own, so that a set here can be looked up on a
 * real node: a hash of the definition in normal form (felix-protocol: IP sets).
 */
import { createHash } from 'node:crypto';
import type { Selector } from '../selector/ast.js';
import { formatSelector } from '../selector/print.js';
import type { ServiceSpec } from './rule-spec.js';

/** Protocol of a named port. */
export type PortProtocol = 'tcp' | 'udp' | 'sctp';

/** Definition of a set. */
export type SetDefinition =
  | {
      readonly is: 'selector';
      readonly id: string;
      readonly selector: Selector;
    }
  | {
      readonly is: 'named-port';
      readonly id: string;
      readonly selector: Selector;
      readonly protocol: PortProtocol;
      readonly port: string;
    }
  | {
      readonly is: 'service';
      readonly id: string;
      readonly service: ServiceSpec;
      /** Members are (address, protocol, port), not addresses alone. */
      readonly withPorts: boolean;
    };

/** Addresses of all that the selector selects. */
export function selectorSet(selector: Selector): SetDefinition {
  return { is: 'selector', id: selectorId(selector), selector };
}

/** The ports of that name and protocol of all that the selector selects. */
export function namedPortSet(
  selector: Selector,
  protocol: PortProtocol,
  port: string,
): SetDefinition {
  const id = hashId('n', `${selectorId(selector)},${protocol},${port}`);
  return { is: 'named-port', id, selector, protocol, port };
}

/** Addresses behind a service, with their ports or without. */
export function serviceSet(service: ServiceSpec, withPorts: boolean): SetDefinition {
  const id = hashId(withPorts ? 'svc' : 'svcnoport', `${service.namespace}/${service.name}`);
  return { is: 'service', id, service, withPorts };
}

function selectorId(selector: Selector): string {
  return hashId('s', formatSelector(selector));
}

function hashId(prefix: string, content: string): string {
  const digest = createHash('sha224').update(`${prefix}:${content}`).digest('base64url');
  return `${prefix}:${digest}`;
}
