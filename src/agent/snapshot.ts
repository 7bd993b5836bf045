/**
 * What a node's agent wants now, as one JSON object that another process can read back and compile by itself (`GET /state`).
 * Pure. Tables are lists, since their keys are told by their values; sets are lists; texts by text are objects.
 */
import { CodedError, errorText } from '../base/errors.js';
import type { DesiredState } from '../desired/state.js';
import type { HostEndpoint, WorkloadEndpoint } from '../model/endpoint.js';
import type {
  Encapsulation,
  HostMetadata,
  IpamPool,
  Route,
  Vtep,
  WireguardPeer,
} from '../model/network.js';
import type { IpSetType, Policy, Profile } from '../model/policy.js';
import { ipSetId } from '../model/ids.js';
import type { TargetCapabilities } from '../opi/objects/target.js';
import type { Settings } from './settings.js';
import type { EndpointStatus } from './status.js';

/** Changes when a reader of the older form would misread the newer one. */
export const SNAPSHOT_FORMAT = 1;

/** `malformed`: not a snapshot. `format`: of another version of calico-xpu. */
export type SnapshotErrorCode = 'malformed' | 'format';

/** A snapshot that cannot be read. */
export class SnapshotError extends CodedError<SnapshotErrorCode> {}

/** Settings that decide what is compiled. */
export type CompileSettings = Pick<
  Settings,
  'ownerId' | 'uplinkInterface' | 'hostInterfaces' | 'uplinkMtu' | 'ruleBudget'
>;

/** An agent at one moment. */
export interface AgentSnapshot {
  /** Version of the program that made it. */
  readonly version: string;
  readonly node: string;
  readonly settings: CompileSettings;
  /** What the XPU offers; absent until one answered. */
  readonly capabilities?: TargetCapabilities;
  readonly endpoints: Readonly<Record<string, EndpointStatus>>;
  readonly state: DesiredState;
}

/** The JSON form of a state. */
interface StateJson {
  readonly config: Readonly<Record<string, string>>;
  readonly ipSets: readonly {
    readonly id: string;
    readonly type: IpSetType;
    readonly members: readonly string[];
  }[];
  readonly policies: readonly Policy[];
  readonly profiles: readonly Profile[];
  readonly workloads: readonly WithTexts<WorkloadEndpoint, 'annotations'>[];
  readonly hostEndpoints: readonly HostEndpoint[];
  readonly hosts: readonly WithTexts<HostMetadata, 'labels'>[];
  readonly pools: readonly IpamPool[];
  readonly routes: readonly Route[];
  readonly vteps: readonly Vtep[];
  readonly encapsulation?: Encapsulation;
  readonly wireguard: Readonly<Record<string, WireguardPeer>>;
}

type WithTexts<T, K extends keyof T> = Omit<T, K> & Record<K, Readonly<Record<string, string>>>;

/** Text of a snapshot. */
export function snapshotText(snapshot: AgentSnapshot): string {
  return JSON.stringify({
    format: SNAPSHOT_FORMAT,
    ...snapshot,
    state: stateToJson(snapshot.state),
  });
}

/** Reads a snapshot back. Throws `SnapshotError`. */
export function parseSnapshot(text: string): AgentSnapshot {
  let json: { format?: unknown; state: StateJson } & Omit<AgentSnapshot, 'state'>;
  try {
    json = JSON.parse(text) as typeof json;
  } catch (cause) {
    throw failed('malformed', errorText(cause), cause);
  }
  const { format, state, ...rest } = json;
  if (format !== SNAPSHOT_FORMAT) {
    throw failed('format', `format ${String(format)}, this version reads ${SNAPSHOT_FORMAT}`);
  }
  try {
    return { ...rest, state: stateFromJson(state) };
  } catch (cause) {
    throw failed('malformed', errorText(cause), cause);
  }
}

function stateToJson(state: DesiredState): StateJson {
  return {
    config: Object.fromEntries(state.config),
    ipSets: [...state.ipSets.values()].map(({ members, ...set }) => ({
      ...set,
      members: [...members],
    })),
    policies: [...state.policies.values()],
    profiles: [...state.profiles.values()],
    workloads: [...state.workloads.values()].map((one) => ({
      ...one,
      annotations: Object.fromEntries(one.annotations),
    })),
    hostEndpoints: [...state.hostEndpoints.values()],
    hosts: [...state.hosts.values()].map((one) => ({
      ...one,
      labels: Object.fromEntries(one.labels),
    })),
    pools: [...state.pools.values()],
    routes: [...state.routes.values()],
    vteps: [...state.vteps.values()],
    ...(state.encapsulation === undefined ? {} : { encapsulation: state.encapsulation }),
    wireguard: Object.fromEntries(state.wireguard),
  };
}

function stateFromJson(json: StateJson): DesiredState {
  return {
    config: texts(json.config),
    ipSets: new Map(
      json.ipSets.map(({ id, type, members }) => {
        const key = ipSetId(id);
        return [key, { id: key, type, members: new Set(members) }];
      }),
    ),
    policies: by(json.policies, ({ key }) => key),
    profiles: by(json.profiles, ({ name }) => name),
    workloads: by(
      json.workloads.map((one) => ({ ...one, annotations: texts(one.annotations) })),
      ({ key }) => key,
    ),
    hostEndpoints: by(json.hostEndpoints, ({ key }) => key),
    hosts: by(
      json.hosts.map((one) => ({ ...one, labels: texts(one.labels) })),
      ({ hostname }) => hostname,
    ),
    pools: by(json.pools, ({ id }) => id),
    routes: by(json.routes, ({ destination }) => destination),
    vteps: by(json.vteps, ({ node }) => node),
    encapsulation: json.encapsulation,
    wireguard: new Map(Object.entries(json.wireguard)),
  };
}

function by<K, V>(values: readonly V[], key: (value: V) => K): Map<K, V> {
  return new Map(values.map((value) => [key(value), value]));
}

function texts(values: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(values));
}

function failed(code: SnapshotErrorCode, message: string, cause?: unknown): SnapshotError {
  return new SnapshotError({ code, op: 'read snapshot', message, cause });
}
