/** The form of path cases, and the worlds they start from. */
import { KNS, type HostEndpointDraft, type PolicyDraft, type World } from '../felix/world.js';
import type { Message } from '../felix/wire.js';
import type { Expectation } from './case.js';

/** A case without a number of its own. */
export interface PathCase {
  readonly title: string;
  readonly world: World;
  readonly then?: readonly Message[];
  readonly expect: readonly Expectation[];
  /** No object of OPI says it: for the oracle alone. */
  readonly isOracleOnly?: true;
}

/** Two pods that may do everything. */
export const OPEN_PODS = { a: { profiles: ['open'] }, b: { profiles: ['open'] } };
/** They alone. */
export const OPEN: World = { profiles: { open: KNS }, pods: OPEN_PODS };

/** Policies of host endpoints, by what they do. */
export const HOST_POLICIES: Record<string, PolicyDraft> = {
  allow: { inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }] },
  deny: { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] },
  'deny-23': {
    inbound: [{ action: 'deny', protocol: { name: 'tcp' }, dst_ports: [{ first: 23, last: 23 }] }],
    outbound: [{ action: 'deny', protocol: { name: 'tcp' }, dst_ports: [{ first: 23, last: 23 }] }],
  },
  'pre-deny-27': {
    preDnat: true,
    inbound: [{ action: 'deny', protocol: { name: 'tcp' }, dst_ports: [{ first: 27, last: 27 }] }],
  },
  'pre-allow-80': {
    preDnat: true,
    inbound: [{ action: 'allow', protocol: { name: 'tcp' }, dst_ports: [{ first: 80, last: 80 }] }],
  },
  'raw-deny': {
    untracked: true,
    inbound: [{ action: 'deny' }],
    outbound: [{ action: 'deny' }],
  },
  'raw-allow': {
    untracked: true,
    inbound: [{ action: 'allow' }],
    outbound: [{ action: 'allow' }],
  },
};

/** The two pods beside host endpoints. */
export function host(hostEndpoints: Record<string, HostEndpointDraft>, rest: World = {}): World {
  return { ...OPEN, policies: HOST_POLICIES, hostEndpoints, ...rest };
}

/** Default action of a tier that decides nothing. */
export const PASS = 'Pass';
/** Forward tiers that pass nothing. */
export const DENY_FORWARD = [{ ingress: ['deny'], egress: ['deny'], default: 'Deny' }];
