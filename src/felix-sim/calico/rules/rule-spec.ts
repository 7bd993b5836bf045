/** A rule as the Calico v3 API says it, checked. Kubernetes policies become such rules too. */
import type { WrittenSelector } from '../yaml/field.js';

/** One rule of a policy or profile. */
export interface RuleSpec {
  /** In the spelling of the protocol; Calico's `Pass` is `next-tier`. */
  readonly action: 'allow' | 'deny' | 'log' | 'next-tier';
  readonly ipVersion?: 4 | 6 | undefined;
  readonly protocol?: ProtocolSpec | undefined;
  readonly notProtocol?: ProtocolSpec | undefined;
  readonly icmp?: IcmpSpec | undefined;
  readonly notIcmp?: IcmpSpec | undefined;
  readonly source: EntitySpec;
  readonly destination: EntitySpec;
  readonly http?: HttpSpec | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A number, or a lower-case name. */
export type ProtocolSpec = number | string;

/** An ICMP type, of any code where none is given. */
export interface IcmpSpec {
  readonly type?: number | undefined;
  readonly code?: number | undefined;
}

/** Conditions on one end of a packet's way. */
export interface EntitySpec {
  /** CIDRs in canonical text. */
  readonly nets: readonly string[];
  readonly notNets: readonly string[];
  readonly selector?: WrittenSelector | undefined;
  readonly notSelector?: WrittenSelector | undefined;
  readonly namespaceSelector?: WrittenSelector | undefined;
  readonly serviceAccounts?: ServiceAccountsSpec | undefined;
  readonly service?: ServiceSpec | undefined;
  readonly ports: readonly PortSpec[];
  readonly notPorts: readonly PortSpec[];
}

/** Service accounts by name, and by their labels. */
export interface ServiceAccountsSpec {
  readonly names: readonly string[];
  readonly selector?: WrittenSelector | undefined;
}

/** A Kubernetes service. */
export interface ServiceSpec {
  readonly namespace: string;
  readonly name: string;
}

/** An inclusive range, or the name that a workload's port has. */
export type PortSpec = { readonly first: number; readonly last: number } | string;

/** Layer 7 conditions. */
export interface HttpSpec {
  readonly methods: readonly string[];
  readonly paths: readonly HttpPathSpec[];
}

/** One path of a layer 7 condition. */
export type HttpPathSpec = { readonly exact: string } | { readonly prefix: string };

/** An end without conditions. */
export const ANY_ENTITY: EntitySpec = { nets: [], notNets: [], ports: [], notPorts: [] };
