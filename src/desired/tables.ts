/** The writable form of `DesiredState`; only the fold writes to it. */
import type { HostEndpoint, WorkloadEndpoint } from '../model/endpoint.js';
import type {
  HostEndpointKey,
  IpSetId,
  PolicyKey,
  ProfileName,
  WorkloadKey,
} from '../model/ids.js';
import type {
  Encapsulation,
  HostMetadata,
  IpamPool,
  Route,
  Vtep,
  WireguardPeer,
} from '../model/network.js';
import type { IpSetType, Policy, Profile } from '../model/policy.js';
import type { DirtyMarks } from './dirty.js';
import type { StateProblem } from './problems.js';
import type { DesiredState } from './state.js';

/** An IP set whose members may be changed. */
export interface MutableIpSet {
  readonly id: IpSetId;
  readonly type: IpSetType;
  readonly members: Set<string>;
}

/** Tables of one session. */
export class StateTables implements DesiredState {
  config: ReadonlyMap<string, string> = new Map();
  readonly ipSets = new Map<IpSetId, MutableIpSet>();
  readonly policies = new Map<PolicyKey, Policy>();
  readonly profiles = new Map<ProfileName, Profile>();
  readonly workloads = new Map<WorkloadKey, WorkloadEndpoint>();
  readonly hostEndpoints = new Map<HostEndpointKey, HostEndpoint>();
  readonly hosts = new Map<string, HostMetadata>();
  readonly pools = new Map<string, IpamPool>();
  readonly routes = new Map<string, Route>();
  readonly vteps = new Map<string, Vtep>();
  encapsulation: Encapsulation | undefined;
  readonly wireguard = new Map<string, WireguardPeer>();
}

/** Where a fold writes: the tables, the marks, and a listener for oddities. */
export interface FoldTarget {
  readonly tables: StateTables;
  readonly dirty: DirtyMarks;
  report(problem: StateProblem): void;
}

/** Key of a WireGuard peer: Felix sends one message per family. */
export function wireguardKey(family: 4 | 6, hostname: string): string {
  return `${family}/${hostname}`;
}
