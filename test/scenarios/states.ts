/**
 * States of Felix as values, and the messages that lead from one to another: in the order of kinds that one flush of Felix has,
 * in any order within a kind, which is all that Felix guarantees (felix-protocol: one flush).
 */
import { encodeToDataplane, decodeToDataplane } from '../../src/driver/message.js';
import { subjectOf, type SubjectKind } from '../../src/felix-sim/payload.js';
import { SessionState } from '../../src/felix-sim/session-state.js';
import type { Draft, ToDataplane } from '../../src/gen/felix/types.js';
import type { ReplaySource } from '../../src/lab/replay/source.js';

/** A message without sequence number. */
export type Message = Draft<ToDataplane>;

/** What Felix says of one object. */
interface Told {
  readonly kind: SubjectKind;
  readonly message: ToDataplane;
}

/** Everything Felix wants at one moment, by kind and key. The configuration is that of the session. */
export type State = ReadonlyMap<string, Told>;

/** A state, and the configuration it was told under. */
export interface StateList {
  readonly config: ToDataplane;
  readonly states: readonly State[];
}

/** Nothing at all. */
export const EMPTY: State = new Map();

/** The states at the steps of a source's last stream. */
export function statesOf(source: ReplaySource): StateList {
  const stream = source.streams.at(-1);
  const session = new SessionState();
  const states: State[] = [];
  let told = 0;
  for (const { frames } of source.steps.filter((step) => step.stream === stream?.index)) {
    for (const { body } of stream!.frames.slice(told, frames))
      session.apply(decodeToDataplane(body).message);
    told = Math.max(told, frames);
    states.push(stateOf(session.messages()));
  }
  const [config] = session.messages();
  if (config?.payload !== 'config_update') throw new Error('a session begins with ConfigUpdate');
  return { config, states };
}

function stateOf(messages: readonly ToDataplane[]): State {
  const state = new Map<string, Told>();
  for (const message of messages) {
    const subject = subjectOf(message);
    if (subject === undefined || subject.kind === 'config') continue;
    state.set(`${subject.kind} ${subject.key}`, { kind: subject.kind, message });
  }
  return state;
}

/** One flush: lists in the order of their kinds; the messages of one list may come in any order. */
export function transition(from: State, to: State): Message[][] {
  const places = new Map<number, Message[]>();
  const put = (place: Place, message: Message): void => {
    const at = FLUSH_ORDER.indexOf(place);
    places.set(at, [...(places.get(at) ?? []), message]);
  };
  for (const [key, { kind, message }] of to) {
    const known = from.get(key)?.message;
    if (known !== undefined && sameMessage(known, message)) continue;
    const delta = known === undefined ? undefined : setDelta(known, message);
    if (delta === undefined) put(`+${placeOf(kind)}`, message);
    else put('delta', delta);
  }
  for (const [key, { kind, message }] of from) {
    if (to.has(key)) continue;
    const removal = removalOf(message);
    if (removal !== undefined) put(`-${placeOf(kind)}`, removal);
  }
  return [...places].sort(([a], [b]) => a - b).map(([, messages]) => messages);
}

type PlaceKind =
  Exclude<SubjectKind, 'workload' | 'host-endpoint' | `wireguard${string}`> | 'endpoint' | 'peer';
type Place = `${'+' | '-'}${PlaceKind}` | 'delta';

/** Kinds whose messages Felix mixes share a place. */
function placeOf(kind: SubjectKind): PlaceKind {
  if (kind === 'workload' || kind === 'host-endpoint') return 'endpoint';
  if (kind === 'wireguard' || kind === 'wireguard-v6') return 'peer';
  return kind;
}

const FLUSH_ORDER: readonly Place[] = [
  '+ipset',
  'delta',
  '+policy',
  '+profile',
  '+endpoint',
  '-endpoint',
  '-profile',
  '-policy',
  '-ipset',
  '-service-account',
  '+service-account',
  '-namespace',
  '+namespace',
  '-route',
  '-vtep',
  '+vtep',
  '+route',
  '-peer',
  '+peer',
  '-host-metadata',
  '-host-metadata-v6',
  '-host-metadata-v4v6',
  '+host-metadata',
  '+host-metadata-v6',
  '+host-metadata-v4v6',
  '-pool',
  '+pool',
  '+encapsulation',
  '+bgp-config',
  '-service',
  '+service',
];

function sameMessage(a: ToDataplane, b: ToDataplane): boolean {
  return Buffer.compare(unnumbered(a), unnumbered(b)) === 0;
}

function unnumbered(message: ToDataplane): Uint8Array {
  return encodeToDataplane({ ...message, sequence_number: 0 });
}

/** A set that keeps its type changes by a delta. */
function setDelta(from: ToDataplane, to: ToDataplane): Message | undefined {
  if (from.payload !== 'ipset_update' || to.payload !== 'ipset_update') return undefined;
  if (from.ipset_update.type !== to.ipset_update.type) return undefined;
  const before = new Set(from.ipset_update.members);
  const after = new Set(to.ipset_update.members);
  return {
    ipset_delta_update: {
      id: to.ipset_update.id,
      added_members: [...after].filter((member) => !before.has(member)),
      removed_members: [...before].filter((member) => !after.has(member)),
    },
  };
}

/** The message that takes an object back; singletons stay. */
function removalOf(message: ToDataplane): Message | undefined {
  switch (message.payload) {
    case 'ipset_update':
      return { ipset_remove: { id: message.ipset_update.id } };
    case 'active_policy_update':
      return { active_policy_remove: { id: message.active_policy_update.id } };
    case 'active_profile_update':
      return { active_profile_remove: { id: message.active_profile_update.id } };
    case 'workload_endpoint_update':
      return { workload_endpoint_remove: { id: message.workload_endpoint_update.id } };
    case 'host_endpoint_update':
      return { host_endpoint_remove: { id: message.host_endpoint_update.id } };
    case 'service_account_update':
      return { service_account_remove: { id: message.service_account_update.id } };
    case 'namespace_update':
      return { namespace_remove: { id: message.namespace_update.id } };
    default:
      return networkRemovalOf(message);
  }
}

function networkRemovalOf(message: ToDataplane): Message | undefined {
  switch (message.payload) {
    case 'route_update':
      return { route_remove: { dst: message.route_update.dst } };
    case 'vtep_update':
      return { vtep_remove: { node: message.vtep_update.node } };
    case 'wireguard_endpoint_update':
      return {
        wireguard_endpoint_remove: { hostname: message.wireguard_endpoint_update.hostname },
      };
    case 'wireguard_endpoint_v6_update': {
      const { hostname } = message.wireguard_endpoint_v6_update;
      return { wireguard_endpoint_v6_remove: { hostname } };
    }
    case 'host_metadata_update':
      return { host_metadata_remove: { hostname: message.host_metadata_update.hostname } };
    case 'host_metadata_v6_update':
      return { host_metadata_v6_remove: { hostname: message.host_metadata_v6_update.hostname } };
    case 'host_metadata_v4v6_update': {
      const { hostname } = message.host_metadata_v4v6_update;
      return { host_metadata_v4v6_remove: { hostname } };
    }
    case 'ipam_pool_update':
      return { ipam_pool_remove: { id: message.ipam_pool_update.id } };
    case 'service_update': {
      const { name, namespace } = message.service_update;
      return { service_remove: { name, namespace } };
    }
    default:
      return undefined;
  }
}
