/** All workload endpoints, with who holds which interface and address, followed incrementally. */
import { isDeepStrictEqual } from 'node:util';
import { formatIp, type IpAddress } from '../base/ip.js';
import type { DesiredState } from '../desired/state.js';
import type { WorkloadEndpoint } from '../model/endpoint.js';
import { compareWorkloadIds, type WorkloadKey } from '../model/ids.js';
import {
  type ClaimConfig,
  type EndpointClaim,
  type EndpointLayout,
  readClaim,
  settleClaim,
} from './endpoint-layout.js';
import { ReverseIndex } from './reverse-index.js';

/** An endpoint that gets a port, or the reason why it gets none. */
export type EndpointPlace =
  | { readonly layout: EndpointLayout }
  | { readonly endpoint: WorkloadEndpoint; readonly error: string };

/** What an update depends on beside the endpoints. */
export interface EndpointContext {
  /** The same object as long as it says the same. */
  readonly config: ClaimConfig;
  readonly hostPort: string;
  readonly isHost: (address: IpAddress) => boolean;
  /** Host addresses that came or went since the last update. */
  readonly hostChanged: readonly IpAddress[];
}

/** Places of all endpoints. */
export class EndpointTable {
  private readonly claims = new Map<WorkloadKey, EndpointClaim>();
  private readonly byInterface = new ReverseIndex<string, WorkloadKey>();
  /** Addresses of endpoints that hold their interface. */
  private readonly byAddress = new ReverseIndex<string, WorkloadKey>();
  private config: ClaimConfig | undefined;
  private isHost: (address: IpAddress) => boolean = () => false;

  /** Follows the state; gives every endpoint whose place may have changed. */
  update(
    state: Pick<DesiredState, 'workloads'>,
    dirty: ReadonlySet<WorkloadKey>,
    context: EndpointContext,
  ): ReadonlySet<WorkloadKey> {
    this.isHost = context.isHost;
    const touched = new Set<WorkloadKey>();
    for (const key of dirty) {
      const endpoint = state.workloads.get(key);
      if (!this.isKnown(key, endpoint, context)) this.readEndpoint(key, endpoint, context, touched);
    }
    this.config = context.config;
    const changed = new Set(touched);
    for (const ip of context.hostChanged) addAll(changed, this.byAddress.of(formatIp(ip)));
    for (const key of touched) this.claimAddresses(key, changed);
    return changed;
  }

  /** Keys of all endpoints. */
  keys(): Iterable<WorkloadKey> {
    return this.claims.keys();
  }

  /** An endpoint's place; `undefined` if there is no such endpoint. */
  place(key: WorkloadKey): EndpointPlace | undefined {
    const claim = this.claims.get(key);
    if (claim === undefined) return undefined;
    const error = claim.error ?? this.shadowedBy(claim);
    if (error !== undefined) return { endpoint: claim.endpoint, error };
    const layout = settleClaim(
      claim,
      (address) => this.smallest(this.byAddress.of(formatIp(address))),
      this.isHost,
    );
    return { layout };
  }

  /** True if an equal endpoint was read under the same configuration; only the reference is then renewed. */
  private isKnown(
    key: WorkloadKey,
    endpoint: WorkloadEndpoint | undefined,
    { config }: EndpointContext,
  ): boolean {
    const known = this.claims.get(key);
    if (endpoint === undefined) return known === undefined;
    if (known === undefined || config !== this.config) return false;
    if (!isDeepStrictEqual(known.endpoint, endpoint)) return false;
    this.claims.set(key, { ...known, endpoint });
    return true;
  }

  /** Replaces one claim; adds to `touched` who else uses the interface it had or has. */
  private readEndpoint(
    key: WorkloadKey,
    endpoint: WorkloadEndpoint | undefined,
    context: EndpointContext,
    touched: Set<WorkloadKey>,
  ): void {
    touched.add(key);
    const before = this.claims.get(key)?.endpoint.interfaceName;
    if (before !== undefined) addAll(touched, this.byInterface.of(before));
    if (endpoint === undefined) {
      this.claims.delete(key);
      this.byInterface.set(key, new Set());
      return;
    }
    this.claims.set(key, readClaim(endpoint, context.config, context.hostPort));
    this.byInterface.set(key, new Set([endpoint.interfaceName]));
    addAll(touched, this.byInterface.of(endpoint.interfaceName));
  }

  /** Renews the address claims of one endpoint; adds to `changed` who else claims an address it had or has. */
  private claimAddresses(key: WorkloadKey, changed: Set<WorkloadKey>): void {
    const claim = this.claims.get(key);
    const holdsPort = claim !== undefined && claim.error === undefined && !this.shadowedBy(claim);
    const wanted = new Set(holdsPort ? claim.addresses.map(formatIp) : []);
    for (const address of this.byAddress.namedBy(key)) addAll(changed, this.byAddress.of(address));
    this.byAddress.set(key, wanted);
    for (const address of wanted) addAll(changed, this.byAddress.of(address));
  }

  private shadowedBy({ endpoint }: EndpointClaim): string | undefined {
    const holder = this.smallest(this.byInterface.of(endpoint.interfaceName));
    if (holder === undefined || holder.key === endpoint.key) return undefined;
    return `interface ${endpoint.interfaceName} is held by ${holder.key}`;
  }

  private smallest(keys: ReadonlySet<WorkloadKey>): WorkloadEndpoint | undefined {
    let best: WorkloadEndpoint | undefined;
    for (const key of keys) {
      const endpoint = this.claims.get(key)?.endpoint;
      if (endpoint === undefined) continue;
      if (best === undefined || compareWorkloadIds(endpoint.id, best.id) < 0) best = endpoint;
    }
    return best;
  }
}

function addAll<T>(into: Set<T>, values: Iterable<T>): void {
  for (const value of values) into.add(value);
}
