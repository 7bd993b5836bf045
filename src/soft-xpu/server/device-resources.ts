/**
 * Resources of network/cloud that are kept as the messages they came as: Device, SecurityProfile, NextHopGroup. They are
 * no objects of the store, so dumps leave them out.
 */
import { status } from '@grpc/grpc-js';
import { canonicalJson } from '../../base/json.js';
import type { cloud } from '../../gen/opi/types.js';
import { encodeDeviceCapabilities } from '../../opi/codec/capabilities.js';
import { lastSegment } from '../../opi/objects/key.js';
import { DEFAULT_IDLE_TIMEOUTS, type IdleTimeouts } from '../memory/conntrack.js';
import type { ServerContext } from './context.js';
import type { Handlers } from './dispatcher.js';
import type { PageRequest, Pager } from './paging.js';
import { StatusError } from './status.js';

interface Message {
  readonly name: string;
  readonly spec?: object | null;
}

/** One resource type. */
interface RawResource {
  readonly resource: string;
  readonly field: string;
  readonly collection: string;
  /** At most one exists. */
  readonly singleton: boolean;
  /** Is told of every change; undefined once the resource is deleted. */
  readonly changed?: (message: Message | undefined) => Promise<void>;
}

/** Handlers of the three resources and of DeviceCapabilities. */
export function deviceHandlers(context: ServerContext, pager: Pager): Handlers {
  const resources: RawResource[] = [
    { resource: 'Device', field: 'device', collection: 'devices', singleton: true },
    {
      resource: 'SecurityProfile',
      field: 'securityprofile',
      collection: 'securityprofiles',
      singleton: true,
      changed: (message) => {
        const spec = message?.spec as cloud.SecurityProfileSpec | null | undefined;
        return context.dataPlane.setIdleTimeouts(timeoutsOf(spec ?? undefined));
      },
    },
    {
      resource: 'NextHopGroup',
      field: 'nexthopgroup',
      collection: 'nexthopgroups',
      singleton: false,
    },
  ];
  const handlers = resources.map((raw) => rawHandlers(raw, context, pager));
  const capabilities = { compactRules: context.store.compactRules };
  return Object.assign(
    { GetDeviceCapabilities: () => encodeDeviceCapabilities(capabilities) },
    ...handlers,
  ) as Handlers;
}

/** Idle timeouts of a profile; a zero is the default. */
function timeoutsOf(spec: cloud.SecurityProfileSpec | undefined): IdleTimeouts {
  const or = (told: number | undefined, fallback: number): number =>
    told === undefined || told === 0 ? fallback : told;
  const fallback = DEFAULT_IDLE_TIMEOUTS;
  return {
    tcp: or(spec?.tcp_idle_timeout, fallback.tcp),
    tcpSetup: or(spec?.tcp_connection_setup_timeout, fallback.tcpSetup),
    tcpHalfClose: or(spec?.tcp_half_close_timeout, fallback.tcpHalfClose),
    tcpClose: or(spec?.tcp_close_timeout, fallback.tcpClose),
    udp: or(spec?.udp_idle_timeout, fallback.udp),
    icmp: or(spec?.icmp_idle_timeout, fallback.icmp),
    other: or(spec?.other_idle_timeout, fallback.other),
  };
}

function rawHandlers(raw: RawResource, context: ServerContext, pager: Pager): Handlers {
  const stored = new Map<string, Message>();
  const require = (name: string): Message => {
    const message = stored.get(lastSegment(name));
    if (message !== undefined) return message;
    throw new StatusError(status.NOT_FOUND, `${name} does not exist`);
  };
  const keep = async (id: string, message: Message): Promise<Message> => {
    const named = { ...message, name: `${raw.collection}/${id}` };
    stored.set(id, named);
    await raw.changed?.(named);
    return named;
  };
  return {
    [`Create${raw.resource}`]: (request: Readonly<Record<string, unknown>>) => {
      const message = messageOf(request, raw);
      const wanted = request[`${raw.field}_id`];
      const given = typeof wanted === 'string' ? wanted : '';
      const id = given === '' ? context.newToken().slice(0, 32) : given;
      const held = raw.singleton ? [...stored.values()][0] : stored.get(id);
      if (held === undefined) return keep(id, message);
      const equal =
        lastSegment(held.name) === id && canonicalJson(held.spec) === canonicalJson(message.spec);
      if (equal || context.mode === 'reference') return held;
      throw new StatusError(status.ALREADY_EXISTS, `${held.name} exists`);
    },
    [`Update${raw.resource}`]: (request: Readonly<Record<string, unknown>>) => {
      const id = lastSegment(require(String(request['name'])).name);
      return keep(id, messageOf(request, raw));
    },
    [`Delete${raw.resource}`]: async (request: { name: string; allow_missing: boolean }) => {
      const id = lastSegment(request.name);
      if (!stored.delete(id) && !request.allow_missing) require(request.name);
      await raw.changed?.(undefined);
      return {};
    },
    [`Get${raw.resource}`]: (request: { name: string }) => require(request.name),
    [`List${raw.resource}s`]: (request: PageRequest) => {
      const all = [...stored.keys()].sort().map((id) => require(id));
      const { items, nextToken } = pager(all, ({ name }) => name, request);
      return { [raw.field]: items, next_page_token: nextToken };
    },
  };
}

function messageOf(request: Readonly<Record<string, unknown>>, raw: RawResource): Message {
  const message = request[raw.field] as Message | null | undefined;
  if (message?.spec) return message;
  throw new StatusError(status.INVALID_ARGUMENT, `${raw.field}.spec: missing`);
}
