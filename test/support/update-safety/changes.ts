/** What Felix says when one small world becomes another: one flush, in Felix's order (felix-protocol: one flush). */
import { isDeepStrictEqual } from 'node:util';
import type { Message } from '../felix/wire.js';
import {
  encapsulationMessage,
  hostEndpointMessage,
  podMessage,
  policyIdentity,
  policyMessage,
  profileMessage,
  setMessage,
  type SetDraft,
  type World,
} from '../felix/world.js';

type Table<T> = Readonly<Record<string, T>>;

/** The messages between two worlds: what is new or other, then what went, referrers first. */
export function changesBetween(before: World, after: World): Message[] {
  return [
    ...(isDeepStrictEqual(before.config, after.config) ? [] : [configMessage(after)]),
    ...setChanges(before.sets ?? {}, after.sets ?? {}),
    ...updates(before.policies, after.policies, policyMessage),
    ...updates(before.profiles, after.profiles, profileMessage),
    ...updates(before.pods, after.pods, podMessage),
    ...updates(before.hostEndpoints, after.hostEndpoints, hostEndpointMessage),
    ...overlayChanges(before, after),
    ...gone(before.hostEndpoints, after.hostEndpoints).map((id): Message => ({
      host_endpoint_remove: { id: { endpoint_id: id } },
    })),
    ...gone(before.pods, after.pods).map((name): Message => ({
      workload_endpoint_remove: {
        id: { orchestrator_id: 'k8s', workload_id: `default/${name}`, endpoint_id: 'eth0' },
      },
    })),
    ...gone(before.profiles, after.profiles).map((name): Message => ({
      active_profile_remove: { id: { name } },
    })),
    ...gone(before.policies, after.policies).map((name): Message => ({
      active_policy_remove: { id: policyIdentity(name) },
    })),
    ...gone(before.sets, after.sets).map((id): Message => ({ ipset_remove: { id } })),
  ];
}

function configMessage({ config }: World): Message {
  return { config_update: { config: { FelixHostname: 'node-a', ...config } } };
}

/** Tunnel endpoints and routes: what is new or other, then what went. */
function overlayChanges(before: World, after: World): Message[] {
  const [routes, vteps] = [byKey(before.routes, 'dst'), byKey(before.vteps, 'node')];
  const [newRoutes, newVteps] = [byKey(after.routes, 'dst'), byKey(after.vteps, 'node')];
  return [
    ...(isDeepStrictEqual(before.encapsulation, after.encapsulation)
      ? []
      : [encapsulationMessage(after)]),
    ...updates(vteps, newVteps, (_, vtep): Message => ({ vtep_update: vtep })),
    ...updates(routes, newRoutes, (_, route): Message => ({ route_update: route })),
    ...gone(routes, newRoutes).map((dst): Message => ({ route_remove: { dst } })),
    ...gone(vteps, newVteps).map((node): Message => ({ vtep_remove: { node } })),
  ];
}

function byKey(messages: readonly object[] = [], member: string): Table<object> {
  return Object.fromEntries(
    messages.map((message) => [(message as Table<string>)[member] ?? '', message]),
  );
}

function updates<T>(
  before: Table<T> = {},
  after: Table<T> = {},
  message: (name: string, value: T) => Message,
): Message[] {
  return Object.entries(after)
    .filter(([name, value]) => !isDeepStrictEqual(before[name], value))
    .map(([name, value]) => message(name, value));
}

function gone(before: object = {}, after: object = {}): string[] {
  return Object.keys(before).filter((name) => !(name in after));
}

/** A set that stays of one type changes by its members alone. */
function setChanges(before: Table<SetDraft>, after: Table<SetDraft>): Message[] {
  return Object.entries(after).flatMap(([id, set]) => {
    const known = before[id];
    if (known?.type !== set.type) return [setMessage(id, set)];
    const added = set.members.filter((member) => !known.members.includes(member));
    const removed = known.members.filter((member) => !set.members.includes(member));
    if (added.length + removed.length === 0) return [];
    return [{ ipset_delta_update: { id, added_members: added, removed_members: removed } }];
  });
}
