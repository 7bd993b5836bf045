/** What an object holds for itself alone, and what of it no update can change. */
import { canonicalJson } from '../../base/json.js';
import { keyText } from './key.js';
import type { AnyObject, OpiObject } from './specs.js';

/**
 * Names that only one object may hold at a time: an address of a VPC, a prefix of a table, a host interface, a port.
 * Who wants a held name waits until its holder has let go.
 */
export function claimsOf(object: OpiObject): readonly string[] {
  const { key, spec } = object as AnyObject;
  switch (key.kind) {
    case 'interface':
      return [`ifname ${(spec as SpecOf<'interface'>).ifname}`];
    case 'vnic':
      return [`port of ${keyText((spec as SpecOf<'vnic'>).hostInterface)}`];
    case 'mapping': {
      const mapping = spec as SpecOf<'mapping'>;
      return [`address ${keyText(mapping.vpc)} ${mapping.ip}`];
    }
    case 'route': {
      const route = spec as SpecOf<'route'>;
      return [`prefix ${keyText(route.table)} ${route.prefix}`];
    }
    case 'policyBinding': {
      const { port } = spec as SpecOf<'policyBinding'>;
      return ['vnic' in port ? `policy of ${keyText(port.vnic)}` : `policy of ${port.port}`];
    }
    default:
      return [];
  }
}

/** Canonical text of the fields that an update cannot change; a change of them takes a delete and a create. */
export function identityText(object: OpiObject): string {
  return canonicalJson(identityOf(object as AnyObject));
}

function identityOf({ key, spec }: AnyObject): unknown {
  switch (key.kind) {
    case 'interface': {
      const { ifname, vf } = spec as SpecOf<'interface'>;
      return { ifname, vf };
    }
    case 'subnet':
      return (spec as SpecOf<'subnet'>).vpc;
    case 'routeTable':
      return (spec as SpecOf<'routeTable'>).family;
    case 'route': {
      const { table, prefix } = spec as SpecOf<'route'>;
      return { table, prefix };
    }
    case 'vnic': {
      const { subnet, hostInterface } = spec as SpecOf<'vnic'>;
      return { subnet, hostInterface };
    }
    case 'mapping': {
      const { vpc, ip } = spec as SpecOf<'mapping'>;
      return { vpc, ip };
    }
    case 'tunnel': {
      const { vpc, localIp, remoteIp } = spec as SpecOf<'tunnel'>;
      return { vpc, localIp, remoteIp };
    }
    case 'securityPolicy':
      return (spec as SpecOf<'securityPolicy'>).family;
    case 'addressGroup':
      return (spec as SpecOf<'addressGroup'>).memberType;
    case 'policyBinding':
      return (spec as SpecOf<'policyBinding'>).port;
    case 'vpc':
    case 'nextHop':
    case 'networkPolicy':
      return undefined;
  }
}

type SpecOf<K extends AnyObject['key']['kind']> = Extract<AnyObject, OpiObject<K>>['spec'];
